// One call at the replay listener: found, joined or missed (shadow K2, K3).
import type { Clock } from "../../kernel/index.ts";
import { sendJson, sendNoRecording, sendProblem } from "./answers.ts";
import type { CallKey } from "./callKey.ts";
import { chooseTape, findTape, type WantedTape } from "./findTape.ts";
import { joinParts } from "./joinParts.ts";
import type { CassetteLimits } from "./limits.ts";
import { nearestRecording } from "./nearest.ts";
import type { Occurrences } from "./occurrences.ts";
import { play, TapeGone } from "./play.ts";
import { type PlaybackCall, writeEvents } from "./playback.ts";
import type { CassetteCounters, CassetteMiss, MissReason, ReplayOutcome } from "./ports.ts";
import type { Tape } from "./tape.ts";
import type { TapeShelf } from "./tapeShelf.ts";

export interface ReplayDeps {
  readonly shelf: TapeShelf;
  readonly occurrences: Occurrences;
  readonly clock: Clock;
  readonly limits: CassetteLimits;
  readonly counters: CassetteCounters;
  readonly onMiss: (miss: Omit<CassetteMiss, "n">) => void;
  /** Aborted when the cassette closes: nobody waits for a recording any more. */
  readonly closing: AbortSignal;
  /** How many replays wait for a recording that has not begun. */
  readonly waiting: { count: number };
}

/** Candidates for the nearest recording. */
const NEAREST_TAPES_MAX = 20;

export async function replayCall(key: CallKey, call: PlaybackCall, deps: ReplayDeps): Promise<ReplayOutcome> {
  const wanted = wantedTapes(key, call.requestId, deps.occurrences);
  const found = await findAll(wanted, call, deps);
  if (found === "refused") return "failed";
  if (call.left.aborted || deps.closing.aborted) return stopped(call);
  const at = found.findIndex((tape) => tape === null || tape.isGone);
  if (at >= 0) return missed(at, found[at] === null ? "none" : "too_large", key, wanted, call, deps);
  const tapes = found as readonly Tape[];
  tellAdditional(key.kind, wanted, deps);
  const isRunning = tapes.some((tape) => tape.ended === null);
  try {
    const isAnswered = await answer(key, tapes, call, deps.clock);
    return isAnswered ? (isRunning ? "joined" : "hit") : missed(0, "indivisible", key, wanted, call, deps);
  } catch (error) {
    if (!(error instanceof TapeGone)) throw error;
    call.response.destroy();
    return "failed";
  }
}

/** One for each text of the call; what it asks for twice is one occurrence. */
function wantedTapes(key: CallKey, requestId: string | null, occurrences: Occurrences): readonly WantedTape[] {
  const numbers = new Map([...new Set(key.hashes)].map((hash) => [hash, occurrences.next(hash, requestId)]));
  const common = { kind: key.kind, form: key.form, requestId, isPart: key.parts !== null };
  return key.hashes.map((hash) => ({ ...common, hash, occurrence: numbers.get(hash) ?? 1 }));
}

async function findAll(
  wanted: readonly WantedTape[],
  call: PlaybackCall,
  deps: ReplayDeps,
): Promise<readonly (Tape | null)[] | "refused"> {
  const { shelf, limits, waiting } = deps;
  const choices = wanted.map((one) => chooseTape(shelf, one, 0, limits));
  if (choices.every((choice) => "tape" in choice)) return choices.map(({ tape }) => tape);
  if (waiting.count >= limits.waitingMax) {
    deps.counters.dropped("waiting_full");
    sendProblem(call.request, call.response, "SY_OVERLOADED", `${limits.waitingMax} replays wait already.`);
    return "refused";
  }
  waiting.count += 1;
  try {
    const left = AbortSignal.any([call.left, deps.closing]);
    return await Promise.all(wanted.map((one) => findTape(deps, one, left)));
  } finally {
    waiting.count -= 1;
  }
}

/** What the served arm asked once and the other twice is another request (contract differences.md §7); parts an arm may have by itself. */
function tellAdditional(kind: string, wanted: readonly WantedTape[], { shelf, clock, onMiss }: ReplayDeps): void {
  for (const { hash, requestId, occurrence, isPart } of wanted) {
    if (requestId === null) continue;
    const own = shelf.nth(hash, requestId, occurrence);
    if (own !== null) own.wasAsked = true;
    if (own !== null || isPart || shelf.lastOf(hash, requestId) === null) continue;
    const reason = "additional";
    onMiss({ atMs: clock.now(), kind, key: hash, requestId, occurrence, reason, nearest: null });
  }
}

function stopped({ request, response, left }: PlaybackCall): ReplayOutcome {
  if (!left.aborted) sendProblem(request, response, "SY_DRAINING", "The cassette is stopping.");
  return "failed";
}

/** Gives whether the recordings could be made into an answer. */
async function answer(key: CallKey, tapes: readonly Tape[], call: PlaybackCall, clock: Clock): Promise<boolean> {
  const [first] = tapes;
  if (key.parts === null && first !== undefined) {
    await writeEvents(play(first, clock, call.left), first.requestId, call);
    return true;
  }
  const joined = await joinParts(key, tapes, clock, call.left);
  switch (joined.is) {
    case "whole":
      await writeEvents(play(joined.tape, clock, call.left), joined.tape.requestId, call);
      return true;
    case "failure":
      await writeEvents(joined.events, joined.tape.requestId, call);
      return true;
    case "reply":
      sendJson(call.response, 200, "application/json", joined.reply);
      return true;
    case "left":
      return true;
    case "indivisible":
      return false;
  }
}

/** @param at the text of the call for which there is nothing */
function missed(
  at: number,
  reason: MissReason,
  key: CallKey,
  wanted: readonly WantedTape[],
  call: PlaybackCall,
  { shelf, clock, onMiss }: ReplayDeps,
): ReplayOutcome {
  const { requestId } = call;
  const [hash, occurrence] = [key.hashes[at] ?? "", wanted[at]?.occurrence ?? 1];
  const asked = { text: key.texts[at] ?? new Uint8Array(0), requestId };
  const nearest = reason === "none" ? nearestRecording(asked, shelf.ofKind(key.kind, NEAREST_TAPES_MAX)) : null;
  onMiss({ atMs: clock.now(), kind: key.kind, key: hash, requestId, occurrence, reason, nearest });
  sendNoRecording(call.response, { key: hash, kind: key.kind, requestId, reason });
  return "miss";
}
