// Shows a request that was never recorded beside the recorded one that is most like it: paths and value classes (shadow K3, P1).
import { compareBodies, type CompareContext } from "../compare/body.ts";
import { BodyRules } from "../compare/bodyRules.ts";
import { fingerprintOf } from "../compare/fingerprint.ts";
import { valueClass } from "../compare/valueClass.ts";
import { readJson } from "../json/reader.ts";
import { isArray, isObject, type JsonObject, type JsonValue } from "../json/values.ts";
import { keyText } from "../paths/pattern.ts";
import type { NearestRecording, RequestDifference } from "./ports.ts";
import type { Tape } from "./tape.ts";

/** So many requests, and so much of them, are looked at for one miss: it happens on the thread that serves. */
const TEXTS_MAX = 20;
const BYTES_MAX = 1_048_576;
const DIFFERENCES_MAX = 20;

const NO_RULES = new BodyRules([], {});
const CONTEXT: CompareContext = { delayMs: 0, nowMs: 0, shadow: "candidate", conditions: {}, ids: null };
/** A key that needs quotes may be a value: an address, a sentence. */
const QUOTED_KEY = /\["(?:[^"\\]|\\.)*"\]/g;

interface Recorded {
  readonly key: string;
  readonly requestId: string | null;
  readonly text: Uint8Array;
}

export interface AskedRequest {
  readonly text: Uint8Array;
  readonly requestId: string | null;
}

/** @param tapes of the asked kind, the newest first; those of the same request alone when there are any */
export function nearestRecording(asked: AskedRequest, tapes: readonly Tape[]): NearestRecording | null {
  const value = valueOf(asked.text);
  const own = tapes.filter(({ requestId }) => requestId !== null && requestId === asked.requestId);
  let nearest: NearestRecording | null = null;
  for (const { key, requestId, text } of within(own.length > 0 ? own : tapes)) {
    const differences = differencesOf(valueOf(text), value);
    const isNearer = nearest === null || weightOf(differences) < weightOf(nearest.differences);
    if (isNearer) nearest = { key, requestId, differences };
  }
  return nearest && { ...nearest, differences: nearest.differences.slice(0, DIFFERENCES_MAX) };
}

function* within(tapes: readonly Tape[]): Generator<Recorded> {
  let [texts, bytes] = [0, 0];
  for (const { key, requestId } of tapes) {
    for (const [at, text] of (key?.texts ?? []).entries()) {
      texts += 1;
      bytes += text.length;
      // The first is always shown, as long as it is.
      if (texts > 1 && (texts > TEXTS_MAX || bytes > BYTES_MAX)) return;
      yield { key: key?.hashes[at] ?? "", requestId, text };
    }
  }
}

/** Null: no JSON, for the application may say otherwise than in JSON what it asks. */
function valueOf(text: Uint8Array): JsonValue {
  const reading = readJson(text);
  return "value" in reading ? reading.value : null;
}

/** A difference of a whole list or object stands for several of what is in it. */
const weightOf = (differences: readonly RequestDifference[]): number =>
  differences.reduce(
    (sum, { count, recorded, asked }) => sum + (isWhole(recorded) || isWhole(asked) ? 3 : 1) * count,
    0,
  );

const isWhole = (valueClassName: string | null): boolean => /^(?:array|object)/.test(valueClassName ?? "");

/** Reads recorded → asked. */
export function differencesOf(recorded: JsonValue, asked: JsonValue): readonly RequestDifference[] {
  if (!isObject(recorded) || !isObject(asked)) return compared(recorded, asked, "");
  // Lists of different lengths are taken out: what was put in or left out is told, not that the lists differ.
  const lists = Object.keys(recorded).filter((name) => isUnequal(recorded[name], asked[name]));
  const rest = compared(without(recorded, lists), without(asked, lists), "");
  const items = lists.flatMap((name) =>
    listDifferences(`$${keyText(name)}`, recorded[name] as readonly JsonValue[], asked[name] as readonly JsonValue[]),
  );
  return [...rest, ...items].map((one) => ({ ...one, path: one.path.replace(QUOTED_KEY, ".*") }));
}

const isUnequal = (recorded: JsonValue | undefined, asked: JsonValue | undefined): boolean =>
  recorded !== undefined &&
  asked !== undefined &&
  isArray(recorded) &&
  isArray(asked) &&
  recorded.length !== asked.length;

const without = (value: JsonObject, names: readonly string[]): JsonObject =>
  Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)));

function compared(recorded: JsonValue, asked: JsonValue, under: string): RequestDifference[] {
  return compareBodies(recorded, asked, NO_RULES, CONTEXT).differences.map(
    ({ path, kind, control, candidate, count }) => ({
      path: under === "" ? path : under + path.slice(1),
      kind,
      recorded: control,
      asked: candidate,
      count,
    }),
  );
}

/** What both begin and end with is the same; of what is between, the first ones are set beside each other. */
function listDifferences(path: string, recorded: readonly JsonValue[], asked: readonly JsonValue[]) {
  const [ones, others] = [recorded.map(nameOf), asked.map(nameOf)];
  const shorter = Math.min(ones.length, others.length);
  let start = 0;
  while (start < shorter && ones[start] === others[start]) start++;
  let end = 0;
  while (end < shorter - start && ones.at(-1 - end) === others.at(-1 - end)) end++;
  const [left, right] = [recorded.slice(start, ones.length - end), asked.slice(start, others.length - end)];
  const both = Math.min(left.length, right.length);
  const differences = left
    .slice(0, both)
    .flatMap((item, at) => compared(item, right[at] as JsonValue, `${path}[${start + at}]`));
  const [first, count] = [(left[both] ?? right[both]) as JsonValue, Math.abs(left.length - right.length)];
  const isMissing = left.length > right.length;
  differences.push({
    path: `${path}[${start + both}]`,
    kind: isMissing ? "missing" : "extra",
    recorded: isMissing ? valueClass(first) : null,
    asked: isMissing ? null : valueClass(first),
    count,
  });
  return differences;
}

const nameOf = (item: JsonValue): string => fingerprintOf(item, NO_RULES);
