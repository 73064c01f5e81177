// Conversations and documents in the form in which they are kept (shadow §16.5): shapes, and no more of them than a sample may take.
import type { Trail, TrailFrame } from "../conversation/talkTrail.ts";
import { isArray, isObject, JsonNumber, type JsonObject, type JsonValue } from "../json/values.ts";
import type { DocumentView } from "../yjs/documentView.ts";
import type { Redactor } from "./redact.ts";
import type { SampleConversation, SampleDocument, SampleFrame } from "./sampleBody.ts";

/** Of one view; what is beyond goes, what lies furthest from the first difference first. */
const VIEW_BYTES_MAX = 32 * 1_024;
/** So many clients of a document; those that differ first. */
const VECTORS_MAX = 100;
const TYPE_CHARS_MAX = 64;
/** Deeper differences are shown with all that stands beside them. */
const LEVELS_MAX = 8;

type Shapes = Pick<Redactor, "redact">;

const sizeOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value) ?? "");

export function conversationView({ turn, first, frames, leftOut }: Trail, shapes: Shapes): SampleConversation {
  const bare = frames.map(bareFrame);
  let left = VIEW_BYTES_MAX - sizeOf(bare);
  const middle = first ?? frames.length - 1;
  const bodies = new Map<number, unknown>();
  const nearestFirst = [...frames.entries()].sort(
    ([one], [other]) => Math.abs(one - middle) - Math.abs(other - middle) || one - other,
  );
  for (const [at, { value }] of nearestFirst) {
    if (value === null) continue;
    const body = shapes.redact(value.of, "shape");
    const size = sizeOf(body) + '"body":,'.length;
    if (size > left) continue;
    left -= size;
    bodies.set(at, body);
  }
  return {
    turn,
    first,
    frames: bare.map((one, at) => (bodies.has(at) ? { ...one, body: bodies.get(at) } : one)),
    leftOut,
  };
}

const bareFrame = ({ who, turn, type, ms, chars, parts, state, link }: TrailFrame): SampleFrame => ({
  who,
  turn,
  type: type === null ? null : type.slice(0, TYPE_CHARS_MAX),
  ms: Math.round(ms),
  chars,
  parts,
  state,
  link,
});

export function documentView({ root, control, candidate }: DocumentView, shapes: Shapes): SampleDocument {
  const clients = [...new Set([...control.keys(), ...candidate.keys()])].map((client) => ({
    client: String(shapes.redact(String(client), "shape")),
    control: control.get(client) ?? 0,
    candidate: candidate.get(client) ?? 0,
  }));
  const isEqual = (one: (typeof clients)[number]): boolean => one.control === one.candidate;
  clients.sort((one, other) => Number(isEqual(one)) - Number(isEqual(other)) || (one.client < other.client ? -1 : 1));
  const vectors = clients.slice(0, VECTORS_MAX);
  const plain = { root: root?.name ?? null, vectors, leftOut: clients.length - vectors.length };
  if (root === null) return plain;
  const [one, other] = withoutEqual(root.control, root.candidate, LEVELS_MAX);
  const sides = { control: shapes.redact(one, "shape"), candidate: shapes.redact(other, "shape") };
  return sizeOf(sides) + sizeOf(plain) > VIEW_BYTES_MAX ? plain : { ...plain, ...sides };
}

/** Both without the members that are the same: a document may be larger than what a sample can hold. */
function withoutEqual(one: JsonValue, other: JsonValue, levels: number): readonly [JsonValue, JsonValue] {
  if (levels === 0 || !isObject(one) || !isObject(other)) return [one, other];
  const [left, right]: [Record<string, JsonValue>, Record<string, JsonValue>] = [{}, {}];
  for (const key of new Set([...Object.keys(one), ...Object.keys(other)])) {
    const [mine, theirs] = [memberOf(one, key), memberOf(other, key)];
    if (mine !== undefined && theirs !== undefined) {
      if (isSame(mine, theirs)) continue;
      [left[key], right[key]] = withoutEqual(mine, theirs, levels - 1);
    } else if (mine !== undefined) left[key] = mine;
    else if (theirs !== undefined) right[key] = theirs;
  }
  return [left, right];
}

const memberOf = (of: JsonObject, key: string): JsonValue | undefined => (Object.hasOwn(of, key) ? of[key] : undefined);

function isSame(one: JsonValue, other: JsonValue): boolean {
  if (isArray(one) && isArray(other)) {
    return one.length === other.length && one.every((item, at) => isSame(item, other[at] as JsonValue));
  }
  if (isArray(one) || isArray(other)) return false;
  if (isObject(one) && isObject(other)) {
    const keys = Object.keys(one);
    if (keys.length !== Object.keys(other).length) return false;
    return keys.every((key) => {
      const theirs = memberOf(other, key);
      return theirs !== undefined && isSame(one[key] as JsonValue, theirs);
    });
  }
  const plain = (value: JsonValue): unknown => (value instanceof JsonNumber ? value.text : value);
  return plain(one) === plain(other);
}
