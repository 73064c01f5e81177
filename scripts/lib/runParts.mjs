// Runs parts, says how each went, and sums up: what failed, what did not run and why, the closing line.
import { spawn } from "node:child_process";
import { createWriteStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import { addCounts, formatCounts, noCounts, readCounts, readNotRun } from "./counts.mjs";
import { projectEnv, ROOT } from "./project.mjs";

const SHOWN_LINES = 150;
const KEPT_BYTES = 4 * 1024 * 1024;
// Longer than any part may take (ux.md §2: all of it in 15 minutes); a part that hangs must not hide the others.
const PART_MS = 20 * 60_000;
const LONG_PART_MS = 3 * 60 * 60_000;
const KILL_AFTER_MS = 15_000;

const seconds = (ms) => `${(ms / 1000).toFixed(1)} s`;

/** What must not be missing: `CI=true` means everything, `REQUIRE=e2e,contract` the named parts (ux.md §2). */
export function requirementOf(env) {
  const named = new Set(
    (env.REQUIRE ?? "")
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean),
  );
  return (name) => env.CI === "true" || named.has(name);
}

/** Starts one part; its whole output goes to test-results/<name>.log, the end of it is kept for the summary. */
function start(part, { logFolder, env }) {
  return new Promise((done) => {
    const log = createWriteStream(join(logFolder, `${part.name.replaceAll(/[^a-z0-9]+/g, "-")}.log`));
    let output = "";
    const keep = (chunk) => {
      log.write(chunk);
      output = (output + chunk).slice(-KEPT_BYTES);
    };
    const [program, ...args] = part.command;
    const child = spawn(program, args, { cwd: part.cwd ?? ROOT, env, stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    const limitMs = part.command.includes("--long") ? LONG_PART_MS : PART_MS;
    const timers = [
      setTimeout(() => {
        keep(`stopped: still running after ${seconds(limitMs)}\n`);
        child.kill("SIGTERM");
      }, limitMs),
      setTimeout(() => child.kill("SIGKILL"), limitMs + KILL_AFTER_MS),
    ];
    child.on("error", (cause) => keep(`cannot start ${program}: ${cause.message}\n`));
    child.on("close", (code, signal) => {
      for (const timer of timers) clearTimeout(timer);
      log.end(() => done({ isFine: code === 0, how: signal ?? `exit code ${code}`, output }));
    });
  });
}

function countsOf(part, { isFine, output }) {
  if (part.countsAs === "check") return { ...noCounts(), [isFine ? "passed" : "failed"]: 1 };
  const counts = readCounts(output) ?? noCounts();
  // A suite that dies says no number, or a good one too early: it still failed.
  return isFine || counts.failed > 0 ? counts : { ...counts, failed: 1 };
}

export async function runPart(part, options) {
  if (part.notRun) return { part, counts: noCounts(), notRun: [part.notRun], isFine: true, output: "", ms: 0 };
  const startedAt = performance.now();
  const result = await start(part, options);
  const notRun = part.countsAs === "tests" ? readNotRun(result.output) : [];
  return { ...result, part, counts: countsOf(part, result), notRun, ms: performance.now() - startedAt };
}

function report({ part, isFine, how, counts, notRun, output, ms }, say) {
  const what = part.countsAs === "tests" ? `  ${formatCounts(counts)}` : "";
  const state = isFine ? (ms === 0 && notRun.length > 0 ? "not run" : "ok") : "FAILED";
  say(`${state.padEnd(8)}${part.name.padEnd(16)}${seconds(ms).padStart(8)}${what}`);
  if (isFine) return;
  const lines = output.trimEnd().split("\n");
  if (lines.length > SHOWN_LINES) say(`  … ${lines.length - SHOWN_LINES} lines before these are in test-results/`);
  for (const line of lines.slice(-SHOWN_LINES)) say(`  ${line}`);
  say(`  (${part.command.slice(1).join(" ") || part.command[0]}: ${how})`);
}

/**
 * Runs the groups in order, in each at most `lanes` parts at once; a failing part hides none. Resolves with the exit code.
 */
export async function runParts(
  groups,
  { env = process.env, say = (line) => process.stdout.write(`${line}\n`), logFolder = join(ROOT, "test-results") } = {},
) {
  // Their output is kept and shown later: no colours, no links, no progress lines.
  const options = { logFolder, env: { ...projectEnv(ROOT, env), NO_COLOR: "1", FORCE_COLOR: "0" } };
  mkdirSync(options.logFolder, { recursive: true });
  const startedAt = performance.now();
  const results = [];
  for (const { parts, lanes } of groups) {
    const waiting = [...parts];
    const lane = async () => {
      for (let part = waiting.shift(); part; part = waiting.shift()) {
        if (part.countsAs === "tests" && !part.notRun) say(`…       ${part.name}`);
        const result = await runPart(part, options);
        report(result, say);
        results.push(result);
      }
    };
    await Promise.all(Array.from({ length: lanes }, lane));
  }
  return summarise(results, performance.now() - startedAt, { env, say });
}

function summarise(results, ms, { env, say }) {
  const isRequired = requirementOf(env);
  let counts = results.map((result) => result.counts).reduce(addCounts, noCounts());
  const failed = results
    .filter((result) => !result.isFine || result.counts.failed > 0)
    .map((result) => result.part.name);
  say("");
  if (failed.length > 0) say(`failed: ${failed.join(", ")}`);
  for (const { part, notRun } of results) {
    for (const text of notRun) {
      const isFailure = isRequired(part.name);
      say(`not run: ${part.name}: ${text}${isFailure ? " (required here: counted as failed)" : ""}`);
      counts = addCounts(counts, { passed: 0, failed: isFailure ? 1 : 0, skipped: isFailure ? 0 : 1 });
    }
  }
  say(`took ${seconds(ms)}`);
  say(formatCounts(counts));
  return counts.failed > 0 || counts.passed === 0 ? 1 : 0;
}
