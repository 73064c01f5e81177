// Tells when something in a folder has changed: for `switchyard convex dev` (embedded-convex §3.11).
import { watch } from "node:fs";
import type { Timers } from "./alarm.ts";

/** An editor writes a file in several steps, and a tool several files: told once for all of them. */
const QUIET_MS = 100;

/** Calls `onChange` some time after the last of a row of changes. Returns how to stop. @throws Error for no folder */
export function watchFolder(dir: string, timers: Timers, onChange: () => void): () => void {
  let callOff: (() => void) | null = null;
  const watcher = watch(dir, { recursive: true }, () => {
    callOff?.();
    callOff = timers.set(() => {
      callOff = null;
      onChange();
    }, QUIET_MS);
  });
  // A folder that is removed while it is watched; the functions of before go on.
  watcher.on("error", () => watcher.close());
  return () => {
    callOff?.();
    watcher.close();
  };
}
