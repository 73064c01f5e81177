import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { writePrivate } from "./secretFile.ts";

interface RunRecord {
  readonly demo: number;
  readonly services: Readonly<Record<string, number>>;
}

/** What the command line of each service holds: a number alone may belong to another process by now. */
const MARKS: Readonly<Record<string, string>> = {
  demo: "demo",
  model: "src/modelStandIn/main.ts",
  control: "tutoring",
  candidate: "src/convexBackend/main.ts",
  host: "src/convexHost/main.ts",
  cassette: "cassette",
  "shadow-control": "tutoring",
  "shadow-candidate": "src/convexBackend/main.ts",
  "shadow-host": "src/convexHost/main.ts",
};

export class AlreadyRunning extends Error {}

export interface RunFile {
  setService(name: string, pid: number | null): void;
  remove(): void;
}

/** Command line of a process of ours; null when it is gone, or somebody else's. */
function commandOf(pid: number, mark: string): string | null {
  try {
    const command = execFileSync("ps", ["-o", "command=", "-p", String(pid)], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    return command.includes(mark) ? command : null;
  } catch {
    return null;
  }
}

function readRecord(file: string): RunRecord | null {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as RunRecord;
  } catch {
    return null;
  }
}

/**
 * One demo per clone: two would write to the same data. A demo that was killed outright leaves its services running;
 * the next one ends them, by their recorded pid and only when that is still the same program.
 */
export function claimRun(file: string, say: (line: string) => void): RunFile {
  const before = readRecord(file);
  if (before && before.demo !== process.pid && commandOf(before.demo, MARKS["demo"] ?? "") !== null) {
    throw new AlreadyRunning(
      `The demo already runs here (process ${before.demo}). Stop it with Ctrl-C in its terminal, or kill ${before.demo}.`,
    );
  }
  for (const [name, pid] of Object.entries(before?.services ?? {})) {
    if (commandOf(pid, MARKS[name] ?? name) === null) continue;
    say(`${name} was left running by a demo that was killed (process ${pid}); it is stopped`);
    process.kill(pid, "SIGKILL");
  }
  const services: Record<string, number> = {};
  const write = (): void => writePrivate(file, `${JSON.stringify({ demo: process.pid, services })}\n`);
  write();
  return {
    setService(name, pid) {
      if (pid === null) delete services[name];
      else services[name] = pid;
      write();
    },
    remove: () => rmSync(file, { force: true }),
  };
}
