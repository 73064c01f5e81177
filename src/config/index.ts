export type * from "./config.ts";
export { type Loaded, type LoadOptions, loadConfig, parseConfig } from "./configFile.ts";
export { type Effective, type EffectiveValue, explainEffective } from "./effective.ts";
export { type ConfigProblem, ConfigProblems, formatProblems } from "./problems.ts";
export { type ConfigWatch, type Reloaded, type WatchOptions, watchConfig } from "./configWatcher.ts";
