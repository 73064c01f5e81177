// Public face of the candidate service: it is started as a process (main.ts) or composed by tests.
export { type Config, ConfigurationError, loadConfig } from "./config.ts";
export type { Clock, Identity, Store } from "./ports.ts";
export { createService, type Service } from "./service.ts";
