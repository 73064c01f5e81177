// A labelled corpus of socket conversations (shadow §17, row 9): what control said, and the same with one known defect.
import type { ArmMessage, MessageState } from "../conversation/message.ts";
import type { JsonObject } from "../json/values.ts";
import { seeded } from "./seeded.ts";

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

export interface LabelledPair {
  readonly control: readonly ArmMessage[];
  readonly candidate: readonly ArmMessage[];
  readonly defect: { readonly kind: Defect; readonly turn: number } | null;
}

const WORDS = "cell wall water salt membrane root leaf light sugar energy".split(" ");
const TURN_MS = 1_000;

/** Every `cleanEvery`-th pair has no defect; the others go through the kinds. */
export function* labelledPairs(count: number, seed: number, cleanEvery = 3): Generator<LabelledPair> {
  const random = seeded(seed);
  let defects = 0;
  for (let at = 0; at < count; at++) {
    const control = conversation(random);
    const copy = control.map((message) => jittered(message, random));
    if (at % cleanEvery === 0) yield { control, candidate: copy, defect: null };
    else yield damaged(control, copy, DEFECTS[defects++ % DEFECTS.length] as Defect, random);
  }
}

const pick = <T>(random: () => number, all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;

const sentence = (random: () => number): string =>
  Array.from({ length: 3 + Math.floor(random() * 8) }, () => pick(random, WORDS)).join(" ");

/** Some turns of a tutor: a receipt, a streamed text, an answer, drawings; and a room beside it. */
function conversation(random: () => number): readonly ArmMessage[] {
  const messages: ArmMessage[] = [];
  const turns = 3 + Math.floor(random() * 10);
  const hasIds = random() < 0.5;
  for (let turn = 1; turn <= turns; turn++) {
    let ms = 20 + random() * 30;
    const say = (lane: string, type: string, value: JsonObject): void => {
      ms += 5 + random() * 40;
      const correlationId = hasIds && lane === "tutor" ? `${turn}-${type}-${messages.length}` : null;
      messages.push({
        lane,
        type,
        correlationId,
        turn,
        atMs: turn * TURN_MS + ms,
        sinceTurnMs: ms,
        value,
        parts: null,
      });
    };
    if (random() < 0.7) say("tutor", "receipt", { turn, ok: true, at: Math.floor(random() * 1e6) });
    say("tutor", "text", { turn, text: sentence(random), mood: pick(random, WORDS) });
    for (let n = Math.floor(random() * 4); n > 0; n--) {
      say("tutor", "drawing", {
        id: `d-${turn}-${n}-${Math.floor(random() * 1e9)}`,
        x: Math.floor(random() * 800),
        label: sentence(random),
      });
    }
    say("tutor", "answer", {
      turn,
      text: sentence(random),
      code: pick(random, [null, "A", "B"]),
      score: Math.floor(random() * 100),
    });
    if (random() < 0.4) say("room", "push", { of: sentence(random), n: Math.floor(random() * 1e6) });
  }
  return messages;
}

function jittered(message: ArmMessage, random: () => number): ArmMessage {
  const ms = random() * 30;
  return { ...message, atMs: message.atMs + ms, sinceTurnMs: message.sinceTurnMs + ms };
}

function damaged(
  control: readonly ArmMessage[],
  copy: readonly ArmMessage[],
  kind: Defect,
  random: () => number,
): LabelledPair {
  const lastTurn = control.at(-1)?.turn ?? 0;
  const mayBe = copy.flatMap((message, at) => {
    const next = copy[at + 1];
    const isSwappable = next !== undefined && next.lane === message.lane && next.turn === message.turn;
    if (kind === "reordered" && !isSwappable) return [];
    return kind === "late" && message.turn === lastTurn ? [] : [at];
  });
  const at = mayBe.length === 0 ? 0 : pick(random, mayBe);
  if (mayBe.length === 0) return damaged(control, copy, "missing", random);
  const message = copy[at] as ArmMessage;
  const candidate = change(copy, at, kind, random);
  // Without ids the names of what is sent twice must not be ids either.
  return { control, candidate, defect: { kind, turn: message.turn } };
}

function change(copy: readonly ArmMessage[], at: number, kind: Defect, random: () => number): readonly ArmMessage[] {
  const message = copy[at] as ArmMessage;
  const value = message.value as JsonObject;
  const fields = Object.keys(value);
  const field = pick(random, fields);
  const instead = (changed: Partial<ArmMessage>): readonly ArmMessage[] => copy.with(at, { ...message, ...changed });
  switch (kind) {
    case "missing":
      return copy.toSpliced(at, 1);
    case "extra":
      return copy.toSpliced(at, 0, {
        ...message,
        correlationId: null,
        type: "notice",
        value: { text: sentence(random) },
      });
    case "duplicate":
      return copy.toSpliced(at + 1, 0, message);
    case "reordered":
      return copy.toSpliced(at, 2, copy[at + 1] as ArmMessage, message);
    case "late": {
      // Behind the first answer of the next turn, and far beyond what may slip.
      const next = copy.findIndex(({ turn }) => turn > message.turn);
      const late = { ...message, turn: message.turn + 1, sinceTurnMs: 900, atMs: message.atMs + TURN_MS };
      return copy.toSpliced(next + 1, 0, late).toSpliced(at, 1);
    }
    case "changed-value":
      return instead({ value: { ...value, [field]: typeof value[field] === "number" ? 1e9 : "something else" } });
    case "changed-field": {
      const { [field]: _, ...rest } = value;
      return instead({ value: rest });
    }
    case "changed-type":
      return instead({ type: "error", value: { code: "INTERNAL" }, correlationId: null });
  }
}
