// R22: figures over the objects of a board.
import { codePointLength, r4 } from "../../contract/index.ts";
import { type BoardState, type Box, byCodePoint, metadataOf } from "./entries.ts";
import type { BoardValue } from "./sanitise.ts";
import { conceptOf } from "./summary.ts";

const BOARD_AREA = 880 * 1_680;
function numericBox(value: BoardValue): Box | null {
  const { x, y, width, height } = value as Record<string, unknown>;
  const isNumeric = [x, y, width, height].every((part) => typeof part === "number");
  return isNumeric
    ? [x as number, y as number, (x as number) + (width as number), (y as number) + (height as number)]
    : null;
}

/** Unordered pairs whose boxes share a positive area; a sweep over the left edges. */
export function countOverlaps(boxes: readonly Box[]): number {
  const sorted = [...boxes].sort((a, b) => a[0] - b[0]);
  let overlaps = 0;
  let active: Box[] = [];
  for (const box of sorted) {
    active = active.filter((other) => other[2] > box[0]);
    for (const other of active) {
      const width = Math.min(other[2], box[2]) - Math.max(other[0], box[0]);
      const height = Math.min(other[3], box[3]) - Math.max(other[1], box[1]);
      if (width > 0 && height > 0) overlaps += 1;
    }
    active.push(box);
  }
  return overlaps;
}

function conceptCounts(values: readonly BoardValue[]) {
  const counts = new Map<string, number>();
  for (const value of values) {
    const concept = conceptOf(value);
    if (concept !== null) counts.set(concept, (counts.get(concept) ?? 0) + 1);
  }
  return [...counts]
    .map(([concept, count]) => ({ concept, count }))
    .sort((a, b) => b.count - a.count || byCodePoint(a.concept, b.concept));
}

export function boardInsights(state: BoardState, snapshotCount: number) {
  const values = state.objects.map(([, value]) => value);
  const boxes = values.map(numericBox).filter((box) => box !== null);
  const area = boxes.reduce((sum, [left, top, right, bottom]) => sum + (right - left) * (bottom - top), 0);
  const texts = values.map((value) => value["text"]).filter((text) => typeof text === "string");
  const learners = values.filter((value) => metadataOf(value)["source"] === "user").length;
  return {
    object_count: values.length,
    text_chars: texts.reduce((sum, text) => sum + codePointLength(text), 0),
    coverage: r4(Math.min(1, area / BOARD_AREA)),
    overlaps: countOverlaps(boxes),
    concepts: conceptCounts(values),
    learner_share: values.length === 0 ? 0 : r4(learners / values.length),
    snapshot_count: snapshotCount,
  };
}
