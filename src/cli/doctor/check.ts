// One question to the world and its answer (ux.md §3, `doctor`). To add one: a `CheckSource` in `checks.ts`.
import type { Config } from "../../config/index.ts";
import { type Clock, type ExitCode, EXIT } from "../../kernel/index.ts";
import type { CliContext } from "../context.ts";

/** `warn`: it works, and somebody should know. `fail`: something will not work, or is not safe. */
export type CheckState = "ok" | "warn" | "fail";

export interface Verdict {
  readonly state: CheckState;
  readonly what: string;
  /** What to do about it; null: nothing. */
  readonly fix: string | null;
}

export interface Check {
  readonly name: string;
  /** Changes nothing, anywhere. */
  ask(): Promise<Verdict>;
}

export interface Examined {
  readonly config: Config;
  readonly context: CliContext;
  readonly clock: Clock;
}

export type CheckSource = (examined: Examined) => readonly Check[];

export interface Checked extends Verdict {
  readonly name: string;
}

export const ok = (what: string): Verdict => ({ state: "ok", what, fix: null });
export const warn = (what: string, fix: string): Verdict => ({ state: "warn", what, fix });
export const fail = (what: string, fix: string): Verdict => ({ state: "fail", what, fix });

/** Longer than anything that is asked may take by its own limits. */
const CHECK_MS = 40_000;

/** All at once, told in their order. Whatever one of them does not foresee is its failure, and no other's. */
export const askAll = (checks: readonly Check[], clock: Clock): Promise<readonly Checked[]> =>
  Promise.all(checks.map(async (check) => ({ name: check.name, ...(await askOne(check, clock)) })));

async function askOne(check: Check, clock: Clock): Promise<Verdict> {
  const late = Promise.withResolvers<Verdict>();
  const cancel = clock.after(CHECK_MS, () => {
    late.resolve(fail(`no answer within ${CHECK_MS / 1_000} s`, "Look at what it asks, then run doctor again."));
  });
  const asked = check.ask().catch((error: unknown): Verdict => {
    const why = error instanceof Error ? error.message : String(error);
    return fail(`it could not be asked: ${why}`, "Look at the cause, then run doctor again.");
  });
  return Promise.race([asked, late.promise]).finally(cancel);
}

export const exitCodeOf = (checked: readonly Checked[]): ExitCode =>
  checked.some(({ state }) => state === "fail") ? EXIT.finding : EXIT.fine;
