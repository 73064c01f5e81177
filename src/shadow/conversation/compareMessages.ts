// What became of every message of a socket pair that has ended (shadow C5–C7): matched, changed, missing, extra, in another order,
// late, twice.
import type { MessageComparer } from "./finding.ts";
import type { ArmMessage } from "./message.ts";
import { TurnFold, type TurnFindings } from "./turnFold.ts";

export type { MessageComparer, MessageFinding } from "./finding.ts";

const ALL = { sealedTo: Infinity, settledTo: Infinity, knownMs: Infinity } as const;

/** Turn by turn, from the greeting on. @param turns of the client; messages may be behind the last */
export function compareTurns(
  control: readonly ArmMessage[],
  candidate: readonly ArmMessage[],
  comparer: MessageComparer,
  turns = 0,
): readonly TurnFindings[] {
  const fold = new TurnFold(comparer);
  fold.add("control", control);
  fold.add("candidate", candidate);
  const found: TurnFindings[] = [];
  while (fold.held > 0 || fold.turn <= turns) {
    const next = fold.next({ control: ALL, candidate: ALL });
    if (next === null) throw new Error("a conversation that has ended is not");
    found.push(next);
  }
  return found;
}
