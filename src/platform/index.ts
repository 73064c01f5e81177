// Public face of the platform room: the application's own command, and what starts the shadow for it and for tests.
export { type CassetteService, createCassetteService } from "./cassetteService.ts";
export { registerDemo } from "./demo.ts";
export type { DemoDeps } from "./ports.ts";
export { createShadowTargets, type ShadowTargets } from "./shadowTargets.ts";
export { createStateCarrier } from "./stateCarrier.ts";
