// What a sample says (shadow §16): written by the compare thread, read by reports and commands. Shapes only, nothing but names of the
// protocol stands in it as it was.
import { z } from "zod";
import { MESSAGE_STATES } from "../conversation/message.ts";
import { DIFFERENCE_KINDS, SEVERITIES } from "../words.ts";

const side = z.union([
  z.object({ status: z.number(), headers: z.array(z.string()), body: z.unknown().optional() }),
  z.object({ error: z.string() }),
  z.null(),
]);

const difference = z.object({
  template: z.string(),
  path: z.string(),
  kind: z.enum(DIFFERENCE_KINDS),
  severity: z.enum(SEVERITIES),
  control: z.string().nullable(),
  candidate: z.string().nullable(),
});

/** Templates that differed. */
const templates = z.array(z.string());

const again = z.object({
  /** The call once more on both arms: the new answers beside each other, and each arm beside its own first answer. */
  rechecks: z.array(z.object({ arms: templates, control: templates, candidate: templates })),
  /** Control alone once more, beside its first answer; null: it was not asked. */
  repeat: templates.nullable(),
});

const frame = z.object({
  who: z.enum(["client", "control", "candidate"]),
  turn: z.number(),
  type: z.string().nullable(),
  ms: z.number(),
  chars: z.number(),
  parts: z.number().nullable(),
  state: z.enum([...MESSAGE_STATES, "before", "behind"]).nullable(),
  link: z.number().nullable(),
  /** Its shape; absent: it is not kept. */
  body: z.unknown().optional(),
});

const conversation = z.object({
  turn: z.number(),
  /** Which of the frames is the first that differs; null: no frame alone. */
  first: z.number().nullable(),
  frames: z.array(frame),
  leftOut: z.number(),
});

const document = z.object({
  /** Null: the contents are equal. */
  root: z.string().nullable(),
  control: z.unknown().optional(),
  candidate: z.unknown().optional(),
  /** Clocks of both arms by the shape of the Yjs client; those that differ first. */
  vectors: z.array(z.object({ client: z.string(), control: z.number(), candidate: z.number() })),
  leftOut: z.number(),
});

const sampleBody = z.object({
  differences: z.array(difference),
  control: side.optional(),
  candidate: side.optional(),
  /** Values are kept beside it, sealed. */
  bodies: z.string().optional(),
  again: again.optional(),
  conversation: conversation.optional(),
  document: document.optional(),
});

export type SampleBody = z.infer<typeof sampleBody>;
export type SampleSide = z.infer<typeof side>;
export type SampleDifference = z.infer<typeof difference>;
export type SampleAgain = z.infer<typeof again>;
export type SampleConversation = z.infer<typeof conversation>;
export type SampleFrame = z.infer<typeof frame>;
export type SampleDocument = z.infer<typeof document>;

/** Null: another version has stored it. */
export function readSample(body: unknown): SampleBody | null {
  return sampleBody.safeParse(body).data ?? null;
}
