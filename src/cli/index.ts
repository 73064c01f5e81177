export * from "./ports.ts";
export { answerReport } from "./shadow/answerReport.ts";
export { runCli } from "./program.ts";
