// Interaction logs (rest.md §5; R14, R15, R33).
import { z } from "zod";
import { id, integer, ts } from "../fields.ts";

/** R14's body is camelCase. */
export const miniQuizRequest = z.object({
  question: z.string(),
  selectedOption: z.string(),
  correctOption: z.string(),
  isCorrect: z.boolean(),
  relatedSection: z.exactOptional(z.string().nullable()),
  topic: z.exactOptional(z.string().nullable()),
});

export const summaryRequest = z.object({ section: z.string(), topic: z.string(), summary: z.string() });

export const interaction = z.strictObject({
  id,
  role: z.enum(["user", "agent", "system"]),
  content: z.string(),
  content_type: z.string(),
  event_type: z.string(),
  created_at: ts,
});

export const interactionsQuery = z.object({
  limit: z.exactOptional(integer.min(1).max(200)),
  after: z.exactOptional(z.string()),
});
export const interactionList = z.strictObject({ interactions: z.array(interaction), next_after: id.nullable() });

export type Interaction = z.infer<typeof interaction>;
