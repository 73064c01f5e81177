export type * from "./ports.ts";
export { KILL_LAYERS } from "./ports.ts";
