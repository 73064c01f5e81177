import { createInterface } from "node:readline/promises";
import { usageError } from "./cliError.ts";
import type { CliDeps } from "./ports.ts";

/** Asks on a terminal; elsewhere a change needs `--yes`, because nobody is there to be asked (ux.md §3). */
export async function confirm(
  question: string,
  isYes: boolean,
  deps: Pick<CliDeps, "stdin" | "stderr">,
): Promise<boolean> {
  if (isYes) return true;
  if (deps.stdin.isTTY !== true || deps.stderr.isTTY !== true) {
    throw usageError(
      "This changes something, and no terminal is there to confirm it.",
      "Repeat the command with --yes.",
    );
  }
  const lines = createInterface({ input: deps.stdin, output: deps.stderr });
  try {
    const answer = await lines.question(`${question} [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}
