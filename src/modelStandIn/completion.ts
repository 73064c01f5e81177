// The API's objects around a reply text: one completion, or its stream events (contract services.md §13).
import type { Usage } from "./reply.ts";

export const CREATED = 1_700_000_000;
const PIECE_CODE_POINTS = 12;

export interface Envelope {
  readonly id: string;
  readonly model: string;
}

export const completionId = (key: string): string => `chatcmpl-${key.slice(0, 24)}`;

/** Pieces of 12 code points; a surrogate pair is never split. */
export function piecesOf(text: string): string[] {
  const points = Array.from(text);
  const count = Math.ceil(points.length / PIECE_CODE_POINTS);
  return Array.from({ length: count }, (_, i) =>
    points.slice(i * PIECE_CODE_POINTS, (i + 1) * PIECE_CODE_POINTS).join(""),
  );
}

export const completion = ({ id, model }: Envelope, text: string, usage: Usage): unknown => ({
  id,
  object: "chat.completion",
  created: CREATED,
  model,
  choices: [
    { index: 0, message: { role: "assistant", content: text, refusal: null }, logprobs: null, finish_reason: "stop" },
  ],
  usage,
});

const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;

const chunk = ({ id, model }: Envelope, choices: readonly unknown[], usage: Usage | null | undefined): string =>
  event({
    id,
    object: "chat.completion.chunk",
    created: CREATED,
    model,
    choices,
    ...(usage === undefined ? {} : { usage }),
  });

/** One stream event per piece; with usage asked for, every chunk but the last says `usage: null`, as the API does. */
export function pieceEvents(envelope: Envelope, text: string, wantsUsage: boolean): string[] {
  const usage = wantsUsage ? null : undefined;
  return piecesOf(text).map((content, i) => {
    const delta = i === 0 ? { role: "assistant", content } : { content };
    return chunk(envelope, [{ index: 0, delta, logprobs: null, finish_reason: null }], usage);
  });
}

/** What follows the pieces: the finish reason, the usage when asked for, the end mark. */
export function closingEvents(envelope: Envelope, usage: Usage, wantsUsage: boolean): string[] {
  const finish = chunk(
    envelope,
    [{ index: 0, delta: {}, logprobs: null, finish_reason: "stop" }],
    wantsUsage ? null : undefined,
  );
  return [finish, ...(wantsUsage ? [chunk(envelope, [], usage)] : []), "data: [DONE]\n\n"];
}
