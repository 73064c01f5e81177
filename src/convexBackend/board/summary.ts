// R8: what is on a board, for the dashboard and the tutor.
import { isBlank } from "../../contract/index.ts";
import { type BoardEntries, type BoardState, type Box, boxOf, byCodePoint, metadataOf } from "./entries.ts";
import type { BoardValue } from "./sanitise.ts";

const orUnknown = (value: unknown): string => (typeof value === "string" ? value : "unknown");
const orNull = (value: unknown): unknown => value ?? null;
const byId = (a: readonly [string, unknown], b: readonly [string, unknown]): number => byCodePoint(a[0], b[0]);

function countBy(entries: BoardEntries, keyOf: (value: BoardValue) => unknown): Record<string, number> {
  const counts = new Map<string, number>();
  for (const [, value] of entries) {
    const key = orUnknown(keyOf(value));
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return Object.fromEntries(counts);
}

const union = (a: Box, b: Box): Box => [
  Math.min(a[0], b[0]),
  Math.min(a[1], b[1]),
  Math.max(a[2], b[2]),
  Math.max(a[3], b[3]),
];

export const conceptOf = (value: BoardValue): string | null => {
  const concept = metadataOf(value)["concept"];
  return typeof concept === "string" && !isBlank(concept) ? concept : null;
};

function clusters(entries: BoardEntries) {
  const found = new Map<string, { bbox: Box; count: number }>();
  for (const [, value] of entries) {
    const concept = conceptOf(value);
    const box = concept === null ? null : boxOf(value);
    if (concept === null || !box) continue;
    const known = found.get(concept);
    found.set(concept, known ? { bbox: union(known.bbox, box), count: known.count + 1 } : { bbox: box, count: 1 });
  }
  return [...found].sort(byId).map(([concept, { bbox, count }]) => ({ concept, bbox, count }));
}

function recentPointer(entries: BoardEntries) {
  const expiry = (value: BoardValue): number => {
    const expiresAt = metadataOf(value)["expiresAt"];
    return typeof expiresAt === "number" ? expiresAt : Number.NEGATIVE_INFINITY;
  };
  const pings = entries
    .filter(([, value]) => value["kind"] === "pointer_ping")
    .sort((a, b) => expiry(b[1]) - expiry(a[1]) || byId(b, a));
  const latest = pings[0]?.[1];
  return latest ? { x: orNull(latest["x"]), y: orNull(latest["y"]), meta: metadataOf(latest) } : null;
}

const ephemeralSummary = (entries: BoardEntries) => ({
  activeHighlights: entries.filter(([, value]) => value["kind"] === "highlight_stroke").length,
  activeQuestionTags: entries
    .filter(([, value]) => value["kind"] === "question_tag")
    .sort(byId)
    .map(([id, value]) => ({ id, linkedObjectId: orNull(metadataOf(value)["linkedObjectId"]) })),
  recentPointer: recentPointer(entries),
});

export function boardSummary(state: BoardState): Record<string, unknown> {
  if (state.isEmpty) {
    return { counts: { by_kind: {}, by_owner: {} }, learner_question_tags: [], concept_clusters: [] };
  }
  const { objects, ephemeral } = state;
  return {
    counts: {
      by_kind: countBy(objects, (value) => value["kind"]),
      by_owner: countBy(objects, (value) => metadataOf(value)["source"]),
    },
    learner_question_tags: objects
      .filter(([, value]) => metadataOf(value)["role"] === "question_tag")
      .sort(byId)
      .map(([id, value]) => ({ id, x: orNull(value["x"]), y: orNull(value["y"]), meta: metadataOf(value) })),
    concept_clusters: clusters(objects),
    ephemeralSummary: ephemeralSummary(ephemeral),
  };
}
