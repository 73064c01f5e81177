// When a turn was at one arm, as far as what it asks its model goes (shadow K3).
import type { Arm } from "../../kernel/index.ts";
import type { JudgedTurn } from "../conversation/judge.ts";
import { ASKED_SLACK_MS } from "./knownMisses.ts";

export interface TurnTime {
  readonly fromMs: number;
  readonly toMs: number;
  /** From here on it is the time of the turn behind. */
  readonly nextMs: number;
}

/**
 * An arm has its model's answers before it ends a turn, and begins the next one behind it. Epoch ms.
 * @param fromMs the turn before had ended
 */
export function turnTime(
  { turn, findings, verdict }: Pick<JudgedTurn, "turn" | "findings" | "verdict">,
  arm: Arm,
  fromMs: number,
  nowMs: number,
): TurnTime {
  const said = findings.flatMap((one) => one.said[arm] ?? []).filter((message) => message.turn === turn);
  // One that should have been answered has not ended; one in which nothing was to be said takes no time.
  const silentMs = verdict.name === "different" ? nowMs : Number.NEGATIVE_INFINITY;
  const endMs = said.reduce(
    (most, { atMs }) => Math.max(most, atMs),
    said.length === 0 ? silentMs : Number.NEGATIVE_INFINITY,
  );
  return { fromMs, toMs: endMs + ASKED_SLACK_MS, nextMs: Math.max(fromMs, endMs + 1) };
}
