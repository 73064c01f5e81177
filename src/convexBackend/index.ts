// Public face of the candidate service. It is started as a process (main.ts): nobody else holds its store.
export { ConfigurationError } from "./config.ts";
export { convexVariables, envFileText } from "./convexEnv.ts";
export { SigningKeyError } from "./signingKey.ts";
