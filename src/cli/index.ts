export * from "./ports.ts";
export { runCli } from "./program.ts";
