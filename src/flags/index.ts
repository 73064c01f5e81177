export { createFlagControl, type FlagControlOptions, type LocalFlagControl } from "./flagControl.ts";
export { compileFlagState, type CompiledFlagState } from "./flagState.ts";
export { FlagsError, type FlagsErrorCode } from "./errors.ts";
export { type InspectedFlags, inspectFlagFile } from "./inspectFlagFile.ts";
export { PIN_LIFE_MS_MAX } from "./overrides.ts";
export type * from "./ports.ts";
export { KILL_LAYERS } from "./ports.ts";
export { rankOf } from "./rank.ts";
