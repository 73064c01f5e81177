// The reply of a call that falls into parts, from recordings made in other batches (contract services §1).
import type { Clock } from "../../kernel/index.ts";
import type { CallKey } from "./callKey.ts";
import { play } from "./play.ts";
import type { Tape, TapeEvent } from "./tape.ts";

/**
 * `whole`: one recording of exactly this call. `failure`: what came instead of one of the parts. `left`: nobody waits
 * any more.
 */
export type JoinedReply =
  | { readonly is: "whole"; readonly tape: Tape }
  | { readonly is: "failure"; readonly tape: Tape; readonly events: readonly TapeEvent[] }
  | { readonly is: "reply"; readonly reply: unknown }
  | { readonly is: "indivisible" | "left" };

interface Collected {
  readonly tape: Tape;
  readonly events: readonly TapeEvent[];
}

/** @param tapes one for each text of the call, in their order @throws TapeGone */
export async function joinParts(
  key: CallKey,
  tapes: readonly Tape[],
  clock: Clock,
  left: AbortSignal,
): Promise<JoinedReply> {
  const [first] = tapes;
  if (first === undefined) return { is: "indivisible" };
  if (tapes.every((tape) => tape === first) && isSameCall(key, first.key)) return { is: "whole", tape: first };
  const replies = await Promise.all([...new Set(tapes)].map((tape) => collect(tape, clock, left)));
  if (left.aborted) return { is: "left" };
  const failure = replies.find(({ tape }) => !tape.isSuccess);
  if (failure !== undefined) return { is: "failure", ...failure };
  return reply(key, tapes, replies);
}

const isSameCall = (key: CallKey, other: CallKey | null): boolean =>
  other !== null && key.hashes.join() === other.hashes.join();

/** In the time it took: a joined reply comes when the last of its parts had come. */
async function collect(tape: Tape, clock: Clock, left: AbortSignal): Promise<Collected> {
  const events: TapeEvent[] = [];
  for await (const event of play(tape, clock, left)) events.push(event);
  return { tape, events };
}

function reply(key: CallKey, tapes: readonly Tape[], replies: readonly Collected[]): JoinedReply {
  const split = new Map(replies.map(({ tape, events }) => [tape, partsOf(tape, events)]));
  const parts: unknown[] = [];
  for (const [at, tape] of tapes.entries()) {
    const part = split.get(tape)?.get(key.hashes[at] ?? "");
    if (part === undefined) return { is: "indivisible" };
    parts.push(part);
  }
  return key.parts === null ? { is: "indivisible" } : { is: "reply", reply: key.parts.join(parts) };
}

/** By the hash of what was asked; empty when the reply does not fall into as many parts as the request. */
function partsOf({ key }: Tape, events: readonly TapeEvent[]): ReadonlyMap<string, unknown> {
  const parts = key?.parts?.split(parsed(events)) ?? [];
  if (key === null || parts.length !== key.hashes.length) return new Map();
  return new Map(key.hashes.map((hash, at) => [hash, parts[at]]));
}

function parsed(events: readonly TapeEvent[]): unknown {
  const chunks = events.flatMap((event) => (event.type === "chunk" ? [event.bytes] : []));
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    return undefined;
  }
}
