// The state folder: may it be written, and is there room?
import { accessSync, constants, existsSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { bytes } from "../format.ts";
import { type CheckSource, fail, ok, type Verdict, warn } from "./check.ts";

const LITTLE_BYTES = 1024 ** 3;
const NONE_BYTES = 64 * 1024 ** 2;

export const folderChecks: CheckSource = ({ config: { stateDir } }) => [
  { name: "state folder", ask: () => Promise.resolve(ofFolder(stateDir)) },
];

function ofFolder(stateDir: string): Verdict {
  const place = existingAbove(stateDir);
  if (!statSync(place).isDirectory()) return fail(`${place} is no folder`, "Name another one in stateDir.");
  try {
    accessSync(place, constants.W_OK | constants.X_OK);
  } catch {
    return fail(
      `${place} cannot be written by this user`,
      "Give it to whoever runs switchyard, or name another one in stateDir.",
    );
  }
  const { bavail, bsize } = statfsSync(place);
  const free = bavail * bsize;
  const what = `${place === stateDir ? stateDir : `${stateDir} will be made`}, ${bytes(free)} free`;
  const fix = "Make room: pins, flags and evidence are kept there.";
  if (free < NONE_BYTES) return fail(what, fix);
  return free < LITTLE_BYTES ? warn(what, fix) : ok(what);
}

const existingAbove = (path: string): string =>
  existsSync(path) || dirname(path) === path ? path : existingAbove(dirname(path));
