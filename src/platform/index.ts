// Public face of the platform room: the application's own command.
export { registerDemo } from "./demo.ts";
export type { DemoDeps } from "./ports.ts";
export { createStateCarrier } from "./stateCarrier.ts";
