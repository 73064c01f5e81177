// Compares the bodies of two replies with one status (shadow §5): as values where both can be read as such, otherwise as bytes.
import type { JsonNote } from "../json/reader.ts";
import type { Reply } from "../observation.ts";
import type { VerdictNote } from "../verdict.ts";
import type { BodyReader } from "./exchange.ts";
import { type CompareContext, compareBodies } from "./body.ts";
import type { BodyRules } from "./bodyRules.ts";
import { type Decoded, decode, headerOf, mediaTypeOf, uncoded } from "./decode.ts";
import type { FoundDifference } from "./foundDifferences.ts";
import { valueClass } from "./valueClass.ts";

export interface ReplyBodies {
  readonly differences: readonly FoundDifference[];
  readonly normalisers: Iterable<string>;
  readonly notes: readonly VerdictNote[];
  readonly ruleHits: ReadonlyMap<string, number>;
  /** Without their content coding (shadow §7, `identical`). */
  readonly isSameBytes: boolean;
}

const NO_HITS: ReadonlyMap<string, number> = new Map();
const SAME: ReplyBodies = { differences: [], normalisers: [], notes: [], ruleHits: NO_HITS, isSameBytes: true };

/** @param isTypeTold the header says already that the media types differ */
export function compareReplyBodies(
  control: Reply,
  candidate: Reply,
  rules: BodyRules,
  context: CompareContext,
  isTypeTold: boolean,
  reader: BodyReader | null = null,
): ReplyBodies {
  const isSameType =
    mediaTypeOf(headerOf(control, "content-type")) === mediaTypeOf(headerOf(candidate, "content-type"));
  const bytes = bytesOf(control, candidate);
  const isSameBytes = bytes === "same";
  // The same bytes may hold names of things that the other arm calls otherwise.
  if (isSameBytes && (!isSameType || context.ids === null || context.ids.isEmpty)) return SAME;
  // The header says it already, unless a rule leaves it out.
  if (!isSameType && isTypeTold) return { ...SAME, isSameBytes };
  const [one, other] = isSameBytes
    ? [decode(control), decode(candidate)]
    : [read(control, bytes.control, reader), read(candidate, bytes.candidate, reader)];
  if (one.as !== "value" || other.as !== "value") {
    return isSameBytes ? SAME : compareBytes(one, other, notesOf(one, other));
  }
  try {
    const { differences, normalisers, ruleHits } = compareBodies(one.value, other.value, rules, context);
    if (isSameBytes && differences.length === 0) return SAME;
    const names = differences.length === 0 && normalisers.size === 0 ? [spellingOf(control, one, other)] : normalisers;
    return { differences, normalisers: names, notes: notesOf(one, other), ruleHits, isSameBytes };
  } catch {
    // A normaliser or condition of the application failed.
    return isSameBytes ? SAME : compareBytes(one, other, ["undecodable"]);
  }
}

/** What two bodies differ in that say the same. */
function spellingOf(reply: Reply, ...both: readonly Extract<Decoded, { as: "value" }>[]): string {
  if (mediaTypeOf(headerOf(reply, "content-type")).startsWith("multipart/")) return "parts";
  return both.some(({ notes }) => notes.has("escape")) ? "esc" : "blanks";
}

/** As the application reads this route's bodies, else as everybody's. */
function read(reply: Reply, bytes: Uint8Array | null, reader: BodyReader | null): Decoded {
  const value = bytes === null ? null : (reader?.read(bytes) ?? null);
  return value === null ? decode(reply, bytes) : { as: "value", value, notes: new Set() };
}

const areEqual = (one: Uint8Array, other: Uint8Array): boolean => Buffer.compare(one, other) === 0;

/** Without their content coding; null: it cannot be taken off. */
function bytesOf(control: Reply, candidate: Reply) {
  const isSameCoding = headerOf(control, "content-encoding") === headerOf(candidate, "content-encoding");
  if (isSameCoding && areEqual(control.body, candidate.body)) return "same";
  const bytes = { control: uncoded(control), candidate: uncoded(candidate) };
  const isSame = bytes.control !== null && bytes.candidate !== null && areEqual(bytes.control, bytes.candidate);
  return isSame ? "same" : bytes;
}

/** Of bodies that are not the same. */
function compareBytes(one: Decoded, other: Decoded, notes: readonly VerdictNote[]): ReplyBodies {
  const [control, candidate] = [classOf(one), classOf(other)];
  const isBreaking = control !== candidate;
  const difference: FoundDifference = {
    template: "$",
    path: "$",
    kind: isBreaking ? "type" : "value",
    severity: isBreaking ? "breaking" : "value",
    control,
    candidate,
    count: 1,
    acceptedBy: null,
  };
  return { differences: [difference], normalisers: [], notes, ruleHits: NO_HITS, isSameBytes: false };
}

function classOf(decoded: Decoded): string | null {
  if (decoded.as === "value") return valueClass(decoded.value);
  if (decoded.isUndecodable) return "undecodable";
  return decoded.bytes.length === 0 ? null : "bytes";
}

const NOTES: Readonly<Record<JsonNote, VerdictNote | null>> = {
  "invalid-number": "invalid-json",
  "duplicate-key": "duplicate-key",
  escape: null,
};

function notesOf(...both: readonly Decoded[]): readonly VerdictNote[] {
  const notes = new Set<VerdictNote>();
  for (const one of both) {
    if (one.as === "bytes" && one.isUndecodable) notes.add("undecodable");
    for (const note of one.as === "value" ? one.notes : []) {
      const told = NOTES[note];
      if (told !== null) notes.add(told);
    }
  }
  return [...notes];
}
