export type * from "./config.ts";
export { type Loaded, type LoadOptions, loadConfig } from "./configFile.ts";
export { type ConfigWatch, type Reloaded, watchConfig } from "./configWatcher.ts";
export { readSecret } from "./secrets.ts";
export { readDocument, type SourceDocument } from "./document.ts";
export { explainEffective } from "./effective.ts";
export { type ConfigProblem, ConfigProblems, formatProblems } from "./problems.ts";
