// Reads of the stored board (rest.md §4; R8, R22).
import { z } from "zod";
import { count } from "../fields.ts";

const tally = z.record(z.string(), count);
const coordinate = z.unknown();

const common = {
  counts: z.strictObject({ by_kind: tally, by_owner: tally }),
  learner_question_tags: z.array(
    z.strictObject({ id: z.string(), x: coordinate, y: coordinate, meta: z.record(z.string(), z.unknown()) }),
  ),
  concept_clusters: z.array(
    z.strictObject({
      concept: z.string(),
      bbox: z.tuple([z.number(), z.number(), z.number(), z.number()]),
      count,
    }),
  ),
};

export const ephemeralSummary = z.strictObject({
  activeHighlights: count,
  activeQuestionTags: z.array(z.strictObject({ id: z.string(), linkedObjectId: z.unknown() })),
  recentPointer: z.strictObject({ x: coordinate, y: coordinate, meta: z.unknown() }).nullable(),
});

/** R8 over two empty root maps: three keys, all empty. */
export const emptyBoardSummary = z.strictObject({
  counts: z.strictObject({ by_kind: z.strictObject({}), by_owner: z.strictObject({}) }),
  learner_question_tags: z.tuple([]),
  concept_clusters: z.tuple([]),
});

/** R8 otherwise: four keys. Casing is mixed on purpose. */
export const filledBoardSummary = z.strictObject({ ...common, ephemeralSummary });

export const boardSummary = z.union([emptyBoardSummary, filledBoardSummary]);

const share = z.number().min(0).max(1);

export const boardInsights = z.strictObject({
  object_count: count,
  text_chars: count,
  coverage: share,
  overlaps: count,
  concepts: z.array(z.strictObject({ concept: z.string(), count })),
  learner_share: share,
  snapshot_count: count,
});

export type BoardSummary = z.infer<typeof boardSummary>;
export type BoardInsights = z.infer<typeof boardInsights>;
