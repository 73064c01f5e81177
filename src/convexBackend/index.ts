// Public face of the candidate service. It is started as a process (main.ts): nobody else holds its store.
export { type Config, ConfigurationError, loadConfig } from "./config.ts";
export { createService } from "./service.ts";
