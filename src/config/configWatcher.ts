import { statSync } from "node:fs";
import type { Clock } from "../kernel/index.ts";
import type { Config } from "./config.ts";
import { type Loaded, type LoadOptions, loadConfig } from "./configFile.ts";
import { ConfigProblems, type ConfigProblem } from "./problems.ts";

/** What a reload came to; with problems nothing was applied and the old configuration keeps serving (ux.md §4). */
export type Reloaded =
  | { readonly isApplied: true; readonly loaded: Loaded; readonly message: string }
  | { readonly isApplied: false; readonly problems: readonly ConfigProblem[]; readonly message: string };

export interface WatchOptions extends LoadOptions {
  readonly clock: Clock;
  readonly current: Loaded;
  /** Takes the whole new configuration; when it throws, the old one stays the current one. */
  apply(loaded: Loaded): void;
  /** Told of every attempt that a save started. */
  onReload(result: Reloaded): void;
}

export interface ConfigWatch {
  readonly current: Loaded;
  /** For SIGHUP: reads at once, whether the file changed or not. */
  reload(): Reloaded;
  stop(): void;
}

/** Polled, not watched: editors replace the file, and some file systems report nothing. */
const POLL_MS = 1_000;

/** Watches the file and swaps the configuration, whole or not at all. */
export function watchConfig(options: WatchOptions): ConfigWatch {
  let current = options.current;
  let seen = fingerprint(options.file);
  let isStopped = false;
  let cancel = (): void => {};
  const reload = (): Reloaded => {
    seen = fingerprint(options.file);
    const result = attempt(options, current);
    if (result.isApplied) current = result.loaded;
    return result;
  };
  const poll = (): void => {
    if (isStopped) return;
    // A file that is away for a moment is being replaced; one that stays away changes nothing.
    const now = fingerprint(options.file);
    if (now !== null && now !== seen) options.onReload(reload());
    cancel = options.clock.after(POLL_MS, poll);
  };
  cancel = options.clock.after(POLL_MS, poll);
  return {
    get current() {
      return current;
    },
    reload,
    stop() {
      isStopped = true;
      cancel();
    },
  };
}

function attempt(options: WatchOptions, current: Loaded): Reloaded {
  try {
    const loaded = loadConfig(options);
    const fixed = restartOnly(current, loaded);
    if (fixed.length > 0) throw new ConfigProblems(options.file, fixed);
    options.apply(loaded);
    return { isApplied: true, loaded, message: `${options.file}: applied` };
  } catch (error) {
    if (!(error instanceof ConfigProblems)) return unapplied(options.file, error);
    return {
      isApplied: false,
      problems: error.problems,
      message: `${error.message}\nThe old configuration keeps serving.`,
    };
  }
}

/** The new configuration is sound and could not be taken; a timer must not end the process for it. */
function unapplied(file: string, error: unknown): Reloaded {
  const reason = error instanceof Error ? error.message : "unknown error";
  return {
    isApplied: false,
    problems: [],
    message: `${file}: not applied, ${reason}. The old configuration keeps serving.`,
  };
}

/** Settings that a running process cannot change; applying the rest alone would be half a configuration. */
const RESTART_ONLY: readonly (readonly [path: string, read: (config: Config) => unknown])[] = [
  ["listen", (config) => config.listen],
  ["workers", (config) => config.workers],
  ["stateDir", (config) => config.stateDir],
  ["admin.listen", (config) => config.admin.listen],
  ["admin", (config) => ({ ...config.admin, listen: null })],
  ["flags", (config) => config.flags],
  ["units", (config) => [...config.units.values()].map(({ id, flag, fixed }) => [id, flag, fixed])],
  ["log", (config) => config.log],
  // The store is opened with them, once.
  ["shadow.storeUrlEnv", (config) => config.shadow?.storeUrl ?? null],
  ["shadow.printKeyEnv", (config) => config.shadow?.printKey ?? null],
  ["shadow.bodyKeyEnv", (config) => config.shadow?.bodyKey ?? null],
  ["shadow.bodyRing", (config) => (config.shadow?.bodyKey == null ? null : config.shadow.bodyRingBytes)],
  // Handed to the runtime's server once, when it is made.
  ["limits.headTime", (config) => config.limits.headMs],
  ["limits.headSize", (config) => config.limits.headBytesMax],
  ["limits.headCount", (config) => config.limits.headCountMax],
  ["limits.keepAlive", (config) => config.limits.keepAliveMs],
  ["limits.uploadBodyTime", (config) => config.limits.uploadBodyMs],
  ["limits.memory", (config) => config.limits.memoryBytesMax],
];

function restartOnly(current: Loaded, next: Loaded): ConfigProblem[] {
  return RESTART_ONLY.filter(
    ([, read]) => JSON.stringify(read(current.config)) !== JSON.stringify(read(next.config)),
  ).map(([path]) => ({
    severity: "error",
    ...next.locate(path),
    path,
    what: "needs a restart",
    expected: "the value it had when the process started",
  }));
}

/** Tells that a file was written or replaced; null while there is none. */
function fingerprint(file: string): string | null {
  try {
    const { size, mtimeMs, ino } = statSync(file);
    return `${ino}:${size}:${mtimeMs}`;
  } catch {
    return null;
  }
}
