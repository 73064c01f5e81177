import { type FSWatcher, watch } from "node:fs";
import { basename, dirname } from "node:path";
import type { Clock } from "../kernel/index.ts";

/** File systems without events (network mounts, some containers) are served by the check alone (rollout.md §1.1). */
export const CHECK_INTERVAL_MS = 1_000;

export interface Watch {
  /** Runs a check now, or joins the one that runs and has another one follow it. */
  check(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Calls `onCheck` when the folder says the file changed, and once a second whatever it says. Checks never overlap.
 * The folder is watched, not the file: a rename gives the name to another file, which a file's watch would not follow.
 */
export function watchFile(file: string, clock: Clock, onCheck: () => Promise<void>): Watch {
  let isStopped = false;
  let running: Promise<void> | null = null;
  let isAgain = false;
  let cancel = () => {};

  const loop = async (): Promise<void> => {
    isAgain = false;
    await onCheck();
    if (isAgain && !isStopped) await loop();
  };
  const check = (): Promise<void> => {
    if (isStopped) return Promise.resolve();
    if (running) isAgain = true;
    running ??= loop().finally(() => {
      running = null;
    });
    return running;
  };
  const tick = (): void => {
    void check().finally(() => {
      if (!isStopped) cancel = clock.after(CHECK_INTERVAL_MS, tick);
    });
  };
  const watcher = watchFolder(dirname(file), (name) => {
    if (name === null || name === basename(file)) void check();
  });
  cancel = clock.after(CHECK_INTERVAL_MS, tick);
  return {
    check,
    async stop() {
      isStopped = true;
      cancel();
      watcher?.close();
      await running;
    },
  };
}

/** null where watching is impossible (limits of the system, no such folder): the check a second remains. */
function watchFolder(folder: string, onName: (name: string | null) => void): FSWatcher | null {
  try {
    const watcher = watch(folder, { persistent: false }, (_event, name) => onName(name));
    watcher.on("error", () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}
