import { appendFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { loadBench, type Bench, type Target, type TargetName } from "./bench.ts";
import { createContext, type Context } from "./context.ts";

export type Outcome = "pass" | "fail" | "not yet" | "n/a";

export interface Result {
  readonly id: string;
  readonly sentence: string;
  readonly target: TargetName;
  readonly outcome: Outcome;
  readonly reason?: string;
}

export interface ItemOptions {
  /** Where the item can be seen: everywhere, straight at an arm, at the proxy, or at an arm started for it alone. */
  readonly on?: "all" | "arms" | "proxy" | "own";
  /** Needs the recording model of the bench. */
  readonly needsModel?: boolean;
  /** Needs an arm that takes faults by header and by switch. */
  readonly needsFaults?: boolean;
  /** Targets that will only show it in a later release, with the reason. */
  readonly notYet?: Partial<Record<TargetName, string>>;
  readonly timeoutMs?: number;
}

const bench = loadBench();
const file = basename(process.argv[1] ?? "unknown");

function record(loaded: Bench, result: Result): void {
  appendFileSync(join(loaded.resultsDir, `${file}.jsonl`), `${JSON.stringify(result)}\n`);
}

function notApplicable(target: Target, loaded: Bench, options: ItemOptions): string | undefined {
  const on = options.on ?? "all";
  if (on === "arms" && target.kind !== "arm") return "seen straight at an arm only";
  if (on === "proxy" && target.kind !== "proxy") return "a matter of the proxy";
  if (on === "own" && (target.kind !== "arm" || target.name === "control-postgres"))
    return "needs a process of its own";
  if (on === "own" && loaded.modelUrl === undefined) return "needs a process of its own";
  if (options.needsModel && loaded.modelUrl === undefined) return "needs the recording model of the bench";
  if (options.needsFaults && target.serviceToken === undefined) return "needs an arm whose faults can be switched";
  return undefined;
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message.length > 1_500 ? `${error.message.slice(0, 1_500)}…` : error.message;
}

async function runOn(
  target: Target,
  loaded: Bench,
  id: string,
  fn: (context: Context) => Promise<void>,
): Promise<void> {
  const context = createContext(target, loaded, id);
  try {
    await fn(context);
  } finally {
    await context.dispose();
  }
}

/**
 * One contract item: the same test for every target, `<contract id>: <sentence>`.
 * Outside the contract runner nothing is started, so the item is skipped.
 */
export function item(
  id: string,
  sentence: string,
  fn: (context: Context) => Promise<void>,
  options: ItemOptions = {},
): void {
  const name = `${id}: ${sentence}`;
  if (!bench) {
    test(name, { skip: "start it with `npm run test:contract`" }, () => undefined);
    return;
  }
  if (bench.only !== undefined && !new RegExp(bench.only, "i").test(`${file} ${name}`)) return;
  const timeout = options.timeoutMs ?? 40_000;
  test(name, { concurrency: true }, async (parent) => {
    const runs = bench.targets.map(async (target) => {
      const result = (outcome: Outcome, reason?: string): void =>
        record(bench, { id, sentence, target: target.name, outcome, ...(reason === undefined ? {} : { reason }) });
      const without = notApplicable(target, bench, options);
      if (without !== undefined) return result("n/a", without);
      const later = options.notYet?.[target.name];
      if (later !== undefined) return result("not yet", later);
      await parent.test(target.name, { timeout }, async () => {
        try {
          await runOn(target, bench, id, fn);
          result("pass");
        } catch (error) {
          result("fail", explain(error));
          throw error;
        }
      });
    });
    await Promise.all(runs);
  });
}
