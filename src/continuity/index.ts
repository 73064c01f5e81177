export * from "./continuity.ts";
export * from "./ports.ts";
export { createSeatKeeper } from "./seatKeeper.ts";
export { openContinuityState } from "./sqliteState.ts";
