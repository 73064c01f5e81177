// A labelled corpus of socket conversations (shadow §17, row 9): what control said, and the same with one known defect. Some clients wait
// for answers, others send several turns at once; both arms have their own speed.
import type { MessageState } from "../conversation/message.ts";
import type { JsonObject } from "../json/values.ts";
import { type Random, seeded } from "./seeded.ts";
import type { TalkFrame } from "./talkCodec.ts";

export const DEFECTS = [
  "missing",
  "extra",
  "duplicate",
  "reordered",
  "late",
  "changed-value",
  "changed-field",
  "changed-type",
] as const;
export type Defect = (typeof DEFECTS)[number];

/** What a finding of each defect says; a message of another type is one that is missing and one too many. */
export const STATES_OF: Readonly<Record<Defect, readonly MessageState[]>> = {
  missing: ["missing"],
  extra: ["extra"],
  duplicate: ["duplicate"],
  reordered: ["reordered"],
  late: ["late"],
  "changed-value": ["changed"],
  "changed-field": ["changed"],
  "changed-type": ["missing", "extra"],
};

export interface Said {
  readonly atMs: number;
  readonly turn: number;
  readonly frame: TalkFrame;
}

export interface LabelledPair {
  /** When each turn left, and under which id. */
  readonly client: readonly { readonly atMs: number; readonly id: string | null }[];
  readonly control: readonly Said[];
  readonly candidate: readonly Said[];
  readonly isPipelined: boolean;
  readonly defect: { readonly kind: Defect; readonly turn: number } | null;
}

const WORDS = "cell wall water salt membrane root leaf light sugar energy".split(" ");
/** How late the arms answer at most, and longer than that. */
export const LAG_MS = 500;
const STALL_MS = 600;

/** Every `cleanEvery`-th pair has no defect; the others go through the kinds. */
export function* labelledPairs(count: number, seed: number, cleanEvery = 3): Generator<LabelledPair> {
  const random = seeded(seed);
  let defects = 0;
  for (let at = 0; at < count; at++) {
    const pair = conversation(random);
    if (at % cleanEvery === 0) yield pair;
    else yield damaged(pair, DEFECTS[defects++ % DEFECTS.length] as Defect, random);
  }
}

const pick = <T>(random: Random, all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;

const sentence = (random: Random): string =>
  Array.from({ length: 3 + Math.floor(random() * 8) }, () => pick(random, WORDS)).join(" ");

function conversation(random: Random): LabelledPair {
  const turns = Array.from({ length: 3 + Math.floor(random() * 10) }, (_, at) => at + 1);
  const hasIds = random() < 0.5;
  const isPipelined = random() < 0.5;
  let atMs = 0;
  const client = turns.map((turn) => {
    atMs += isPipelined && random() < 0.7 ? random() * 40 : 4_000;
    return { atMs, id: hasIds ? `turn-${turn}` : null };
  });
  const contents = turns.map((turn) => contentOf(turn, hasIds ? `turn-${turn}` : null, random));
  const speeds = isPipelined ? [1, 0.2 + random() * 10] : [1, 0.5 + random()];
  const [control, candidate] = speeds.map((speed) => speak(contents, client, speed, random));
  return { client, control: control ?? [], candidate: candidate ?? [], isPipelined, defect: null };
}

/** One turn of a tutor: a receipt, a text, drawings, an answer; and a room beside it. */
function contentOf(turn: number, id: string | null, random: Random): readonly TalkFrame[] {
  const frames: TalkFrame[] = [];
  const say = (lane: string, type: string, value: JsonObject): void => {
    const isTutor = lane === "tutor";
    frames.push({ lane, type, id: isTutor ? id : null, isFinal: type === "answer", value });
  };
  if (random() < 0.7) say("tutor", "receipt", { turn, ok: true, at: Math.floor(random() * 1e6) });
  say("tutor", "text", { turn, text: sentence(random), mood: pick(random, WORDS) });
  for (let n = Math.floor(random() * 4); n > 0; n--) {
    const name = `d-${turn}-${n}-${Math.floor(random() * 1e9)}`;
    say("tutor", "drawing", { id: name, x: Math.floor(random() * 800), label: sentence(random) });
  }
  const text = sentence(random);
  say("tutor", "answer", { turn, text, code: pick(random, [null, "A", "B"]), score: Math.floor(random() * 100) });
  if (random() < 0.4) say("room", "push", { of: sentence(random), n: Math.floor(random() * 1e6) });
  return frames;
}

/** One turn after the other, at the arm's own speed; a push may come just before the answer that it belongs to. */
function speak(
  contents: readonly (readonly TalkFrame[])[],
  client: LabelledPair["client"],
  speed: number,
  random: Random,
): readonly Said[] {
  const said: Said[] = [];
  let atMs = 0;
  for (const [at, frames] of contents.entries()) {
    atMs = Math.max(atMs, client[at]?.atMs ?? 0);
    const isEarly = random() < 0.3;
    const last = frames.at(-1) as TalkFrame;
    const answer = frames.at(-2) as TalkFrame;
    const inOrder = isEarly && last.lane === "room" ? [...frames.slice(0, -2), last, answer] : frames;
    for (const frame of inOrder) {
      atMs += (5 + random() * 40) * speed;
      said.push({ atMs, turn: at + 1, frame });
    }
  }
  return said;
}

function damaged(pair: LabelledPair, kind: Defect, random: Random): LabelledPair {
  const { candidate } = pair;
  const lastTurn = pair.client.length;
  const mayBe = candidate.flatMap(({ frame, turn }, at) => {
    const next = candidate[at + 1];
    const isSwappable = next?.frame.lane === frame.lane && next.turn === turn && !next.frame.isFinal;
    if (kind === "reordered" && !isSwappable) return [];
    // An answer that comes later is slow; a text behind it, or a push a turn later, is late.
    const isLate = turn < lastTurn - 1 && !frame.isFinal && (frame.lane !== "room" || !pair.isPipelined);
    return kind === "late" && !isLate ? [] : [at];
  });
  if (mayBe.length === 0) return damaged(pair, "missing", random);
  const at = pick(random, mayBe);
  const { turn } = candidate[at] as Said;
  return { ...pair, candidate: change(candidate, at, kind, random), defect: { kind, turn } };
}

function change(said: readonly Said[], at: number, kind: Defect, random: Random): readonly Said[] {
  const one = said[at] as Said;
  const { frame } = one;
  const field = pick(random, Object.keys(frame.value));
  const instead = (changed: Partial<TalkFrame>): readonly Said[] =>
    said.with(at, { ...one, frame: { ...frame, ...changed } });
  switch (kind) {
    case "missing":
      return said.toSpliced(at, 1);
    case "extra": {
      const notice = { ...frame, id: null, isFinal: false, type: "notice", value: { text: sentence(random) } };
      return said.toSpliced(at, 0, { ...one, frame: notice });
    }
    case "duplicate":
      return said.toSpliced(at + 1, 0, one);
    case "reordered": {
      const next = said[at + 1] as Said;
      return said.toSpliced(at, 2, { ...next, atMs: one.atMs }, { ...one, atMs: next.atMs });
    }
    case "late":
      return late(said, at);
    case "changed-value":
      return instead({ value: { ...frame.value, [field]: typeof frame.value[field] === "number" ? 1e9 : "other" } });
    case "changed-field": {
      const { [field]: _, ...rest } = frame.value;
      return instead({ value: rest });
    }
    case "changed-type":
      return instead({ type: "error", value: { code: "INTERNAL" } });
  }
}

/** Behind the first message of the next turn, of a push behind its answer; and long after its own has ended. */
function late(said: readonly Said[], at: number): readonly Said[] {
  const one = said[at] as Said;
  const isPush = one.frame.lane === "room";
  const behind = said.findIndex(
    ({ turn, frame }) => turn === one.turn + 1 && frame.lane === "tutor" && (!isPush || frame.isFinal),
  );
  const stalledFrom = isPush ? behind + 1 : said.findIndex(({ turn }) => turn > one.turn);
  const stalled = said.map((other, place) => (place < stalledFrom ? other : { ...other, atMs: other.atMs + STALL_MS }));
  const atMs = isPush ? (said[behind] as Said).atMs + STALL_MS : (stalled[behind] as Said).atMs;
  return stalled.toSpliced(behind + 1, 0, { ...one, atMs }).toSpliced(at, 1);
}
