import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY, temporaryDir } from "../support/index.ts";
import { TARGETS, type Bench } from "./harness/index.ts";
import { readOptions, UsageError, type RunOptions } from "./run/options.ts";
import { renderParity } from "./run/parity.ts";
import { runFiles, type FileRun } from "./run/runFiles.ts";
import { startBench, type StartedBench } from "./run/startBench.ts";

const PARITY = join(REPOSITORY, "docs/parity.md");

function printFailures(runs: readonly FileRun[], started: StartedBench): void {
  for (const [target, reason] of started.failures) console.error(`FAIL ${target} did not start: ${reason}`);
  for (const { file, results, crash } of runs) {
    if (crash !== undefined) console.error(`FAIL ${file} ended badly:\n${crash}`);
    for (const { id, sentence, target, outcome, reason } of results) {
      if (outcome === "fail")
        console.error(
          `FAIL ${target}  ${file}  ${id}: ${sentence}\n     ${(reason ?? "").replaceAll("\n", "\n     ")}`,
        );
    }
  }
}

/** Only a run of everything may say something about the whole of parity. */
function writeParity(options: RunOptions, runs: readonly FileRun[]): boolean {
  const isComplete = options.only === undefined && TARGETS.every((target) => options.targets.includes(target));
  if (!isComplete) return true;
  const rendered = renderParity(runs);
  if (options.check) {
    const isFresh = existsSync(PARITY) && readFileSync(PARITY, "utf8") === rendered;
    if (!isFresh)
      console.error("FAIL docs/parity.md is not what this run gives: run `npm run test:contract` and commit it");
    return isFresh;
  }
  mkdirSync(join(REPOSITORY, "docs"), { recursive: true });
  writeFileSync(PARITY, rendered);
  return true;
}

async function run(options: RunOptions): Promise<boolean> {
  const started = await startBench(options);
  try {
    const resultsDir = temporaryDir("contract");
    const benchFile = join(resultsDir, "bench.json");
    const bench: Bench = {
      targets: started.targets,
      resultsDir,
      ...(started.modelUrl === undefined ? {} : { modelUrl: started.modelUrl }),
      ...(options.only === undefined ? {} : { only: options.only }),
    };
    writeFileSync(benchFile, JSON.stringify(bench));
    const runs = await runFiles(join(REPOSITORY, "e2e/contract"), benchFile, resultsDir, options.jobs);
    printFailures(runs, started);
    const isFresh = writeParity(options, runs);
    const results = runs.flatMap((file) => file.results);
    const count = (...outcomes: string[]): number => results.filter((r) => outcomes.includes(r.outcome)).length;
    const failed = count("fail") + runs.filter((file) => file.crash !== undefined).length + started.failures.size;
    console.log(`${count("pass")} passed, ${failed} failed, ${count("not yet", "n/a")} skipped`);
    return failed === 0 && isFresh && count("pass") > 0;
  } finally {
    await started.stop();
  }
}

try {
  process.exitCode = (await run(readOptions(process.argv.slice(2)))) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof UsageError ? 3 : 1;
}
process.exit();
