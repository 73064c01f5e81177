export * from "./continuity.ts";
export * from "./ports.ts";
export { openContinuityState } from "./sqliteState.ts";
