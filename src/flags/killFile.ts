import { readFile, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import type { Clock } from "../kernel/index.ts";
import { causeOf } from "./errors.ts";
import { REASON_LENGTH_MAX } from "./overrides.ts";
import { isMissing, replaceFile, syncFolder } from "./privateFile.ts";
import { type Watch, watchFile } from "./watch.ts";

export const KILL_FILE = "KILL";

/** What a person typed into the file, fit for one line of a log. */
export function reasonOf(content: string): string {
  const line = content.replaceAll(/[\u0000-\u001f\u007f]+/g, " ").trim();
  return line.slice(0, REASON_LENGTH_MAX) || "the file KILL is in the state folder";
}

/** The reason, or null when there is no such file. A file that is there but cannot be read kills as well. */
export async function readKillFile(file: string): Promise<string | null> {
  try {
    await stat(file);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  try {
    return reasonOf(await readFile(file, "utf8"));
  } catch (error) {
    return isMissing(error)
      ? null
      : `the file KILL is in the state folder, its reason cannot be read (${causeOf(error)})`;
  }
}

export const writeKillFile = (file: string, reason: string): Promise<void> => replaceFile(file, `${reason}\n`);

export async function removeKillFile(file: string): Promise<void> {
  await rm(file, { force: true, recursive: false });
  await syncFolder(dirname(file));
}

export interface KillFileOptions {
  readonly file: string;
  readonly clock: Clock;
  readonly onFound: (reason: string) => void;
  /** null: the last check went well. */
  readonly onProblem: (problem: string | null) => void;
}

/** Layer L1 (rollout.md §1.5): tells of the file each time it is seen; its disappearance means nothing. */
export function watchKillFile({ file, clock, onFound, onProblem }: KillFileOptions): Watch {
  return watchFile(file, clock, async () => {
    try {
      const reason = await readKillFile(file);
      if (reason !== null) onFound(reason);
      onProblem(null);
    } catch (error) {
      onProblem(`The kill file ${file} cannot be looked for: ${causeOf(error)}.`);
    }
  });
}
