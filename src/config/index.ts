export type * from "./config.ts";
export { type Loaded, loadConfig } from "./configFile.ts";
export { watchConfig } from "./configWatcher.ts";
export { explainEffective } from "./effective.ts";
export { type ConfigProblem, ConfigProblems, formatProblems } from "./problems.ts";
