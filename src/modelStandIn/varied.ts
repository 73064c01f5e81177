// Other words every time, as a live model has them (STANDIN_VARIED): whoever compares two answers must not mind.
import type { Reply } from "./reply.ts";

const ENDINGS = [
  "Shall we look at an example together?",
  "Take your time, and tell me what you think of it.",
  "That is the most of it; the rest comes by doing.",
  "Does this make sense to you so far?",
  "There is more to it, and we will come to that later.",
];

/** The same reply; where it is prose, or an explanation, with an ending by chance. @param chance 0 … 1 */
export function varied(reply: Reply, chance: () => number = Math.random): Reply {
  const ending = ENDINGS[Math.floor(chance() * ENDINGS.length)] ?? "";
  if (!reply.text.startsWith("{")) return { ...reply, text: `${reply.text} ${ending}` };
  const { name, args, ...more } = toolCallOf(reply.text);
  if (name !== "explain" || typeof args?.text !== "string") return reply;
  return { ...reply, text: JSON.stringify({ name, args: { ...args, text: `${args.text} ${ending}` }, ...more }) };
}

interface ToolCall {
  readonly name?: unknown;
  readonly args?: { readonly text?: unknown };
}

/** Empty for a reply that stops in the middle, as one was asked for. */
function toolCallOf(text: string): ToolCall {
  try {
    return JSON.parse(text) as ToolCall;
  } catch {
    return {};
  }
}
