import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Result } from "../harness/index.ts";
import type { FileResults } from "./parity.ts";

/** A file that hangs must not hold the whole run: the longest item of the suite waits 125 s. */
const FILE_TIMEOUT_MS = 210_000;

/** Files that do little but wait for the contract's long timers: they need no place in the queue. */
const isWaiting = (file: string): boolean => file.startsWith("timers.") || file === "tutor.handshake.test.ts";

/** Files with processes of their own or long waits go first, so that the others run beside them. */
const SLOW_FIRST = ["shutdown", "faults", "durability", "limits", "proxy.closes", "model.failures", "whiteboard"];

function order(file: string): number {
  const rank = SLOW_FIRST.findIndex((word) => file.includes(word));
  return rank === -1 ? SLOW_FIRST.length : rank;
}

function testFiles(folder: string): string[] {
  const files = readdirSync(folder).filter((name) => name.endsWith(".test.ts"));
  return files.sort((a, b) => order(a) - order(b) || (a < b ? -1 : 1));
}

function readResults(path: string): Result[] {
  if (!existsSync(path)) return [];
  return readFileSync(path, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Result);
}

export interface FileRun extends FileResults {
  /** The end of the output of a file that ended badly although none of its items reported a failure. */
  readonly crash?: string;
}

function runFile(folder: string, file: string, benchFile: string, resultsDir: string): Promise<FileRun> {
  return new Promise((resolve) => {
    const env = { ...process.env, CONTRACT_BENCH: benchFile };
    const child = spawn(process.execPath, [join(folder, file)], { env, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const collect = (chunk: Buffer): void => void (output = (output + chunk.toString("utf8")).slice(-20_000));
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    const timer = setTimeout(() => child.kill("SIGTERM"), FILE_TIMEOUT_MS);
    child.on("close", (code) => {
      clearTimeout(timer);
      const results = readResults(join(resultsDir, `${basename(file)}.jsonl`));
      const isExplained = code === 0 || results.some((result) => result.outcome === "fail");
      resolve({ file, results, ...(isExplained ? {} : { crash: output.slice(-2_000) }) });
    });
  });
}

/** Runs every test file in a process of its own, `jobs` at a time. */
export async function runFiles(
  folder: string,
  benchFile: string,
  resultsDir: string,
  jobs: number,
): Promise<FileRun[]> {
  const files = testFiles(folder);
  const queue = files.filter((file) => !isWaiting(file));
  const runs: FileRun[] = [];
  const run = async (file: string): Promise<void> => void runs.push(await runFile(folder, file, benchFile, resultsDir));
  const work = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) await run(file);
  };
  const waiting = files.filter(isWaiting).map(run);
  await Promise.all([...waiting, ...Array.from({ length: jobs }, work)]);
  return runs;
}
