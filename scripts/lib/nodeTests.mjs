// Runs files of node:test, each in its own process, and ends with the plain closing line.
import fs from "node:fs";
import { resolve } from "node:path";
import { run } from "node:test";
import { spec } from "node:test/reporters";
import { formatCounts } from "./counts.mjs";
import { ROOT } from "./project.mjs";

/** Files matching `patterns` below the root, sorted, absolute. */
export function findTestFiles(patterns, { root = ROOT, without = () => false } = {}) {
  const exclude = (entry) =>
    /(^|\/)(node_modules|\.venv|_generated)(\/|$)/.test(typeof entry === "string" ? entry : entry.name);
  // Through the default export: `globSync` is no name of Node 20, which parses this file before it hands over.
  return fs
    .globSync(patterns, { cwd: root, exclude })
    .filter((file) => !without(file))
    .sort()
    .map((file) => resolve(root, file));
}

/** Command-line words after the script: names (parts of paths) that select files. */
export function selectFiles(files, words) {
  const names = words.filter((word) => !word.startsWith("-"));
  return names.length === 0 ? files : files.filter((file) => names.some((name) => file.includes(name)));
}

const DEADLINE = new URL("fileDeadline.mjs", import.meta.url).href;
/**
 * A process of Node 24 that ends while another of its threads compiles can wait for ever for its own collector
 * (nodejs/node #54918, #64560): one of several thousand test files did, and held the run up.
 */
const FLAGS = ["--no-concurrent-recompilation", `--import=${DEADLINE}`];
/** How long after a file's own deadline the runner ends it from outside. */
const GRACE_MS = 15_000;

/**
 * Ends the run when a file is still there after its deadline and the grace: its loop never turned, or a process it left
 * behind holds its output open. The other files fail with it; what matters is that the run ends and says whose fault it is.
 */
function endLateFiles(stream, limitMs, over) {
  const timers = new Map();
  const isFile = ({ name, file, nesting }) => nesting === 0 && name === file;
  stream.on("test:dequeue", (event) => {
    if (!isFile(event)) return;
    const end = () => over.abort(new Error(`${event.file} has not ended after ${limitMs / 1000} s: the run ends here`));
    timers.set(event.file, setTimeout(end, limitMs).unref());
  });
  stream.on("test:complete", (event) => isFile(event) && clearTimeout(timers.get(event.file)));
}

/**
 * Runs the files and resolves with the counts. `concurrency` 2 by default: the reference machine has two cores, and
 * more processes only stretch the time limits that some tests measure. `timeoutMs` limits each test, `fileMs` each
 * file's process, which then fails and names what kept it alive.
 */
export function runNodeTests(
  files,
  { concurrency = 2, timeoutMs = 120_000, fileMs = 2 * timeoutMs, graceMs = GRACE_MS } = {},
) {
  if (files.length === 0) return Promise.resolve({ passed: 0, failed: 0, skipped: 0 });
  return new Promise((done, failed) => {
    let counts;
    const over = new AbortController();
    const stream = run({
      files,
      concurrency,
      timeout: timeoutMs,
      execArgv: FLAGS,
      env: { ...process.env, TEST_FILE_MS: String(fileMs), TEST_RUNNER_PID: String(process.pid) },
      cwd: ROOT,
      signal: over.signal,
    });
    endLateFiles(stream, fileMs + graceMs, over);
    stream.on("test:summary", (summary) => {
      if (summary.file !== undefined) return;
      const { tests, passed, skipped, todo } = summary.counts;
      counts = { passed, failed: tests - passed - skipped - todo, skipped: skipped + todo };
      // A file that dies before its first test counts as failed even where no test does.
      if (!summary.success && counts.failed === 0) counts.failed = 1;
    });
    const printed = stream.compose(spec());
    printed.on("error", failed);
    printed.on("end", () => done(counts ?? { passed: 0, failed: 1, skipped: 0 }));
    printed.pipe(process.stdout, { end: false });
  });
}

/** Prints the closing line; sets the exit code: a run without any test is a failure too. */
export function closeWith(counts, { isEmptyFine = false } = {}) {
  process.stdout.write(`${formatCounts(counts)}\n`);
  const isEmpty = counts.passed + counts.failed + counts.skipped === 0;
  process.exitCode = counts.failed > 0 || (isEmpty && !isEmptyFine) ? 1 : 0;
}
