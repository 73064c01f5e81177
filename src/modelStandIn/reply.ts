// A chat reply as a pure function of the canonical request (contract services.md §13).
import { type BangWords, readBangWords } from "./bangWords.ts";
import { executorReply, explainMessage } from "./executor.ts";
import { jsonKindReply } from "./jsonKinds.ts";
import type { ChatRequest, Message } from "./request.ts";
import { companionReply, documentAnalysis, logSummary } from "./textKinds.ts";
import { codePointLength } from "./words.ts";

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

/** What the server does: wait, then a status without text, or a text, perhaps cut off on the way. */
export interface Reply {
  readonly kind: string;
  readonly slowMs: number;
  readonly status: 200 | 429 | 500;
  readonly text: string;
  readonly isCut: boolean;
}

export const BAD_JSON_TEXT = "Here is my answer, but it is not in the requested form.";
const RETRY_NOTE = "The last reply was not usable (";
const TOOL_RESULT = "Tool result ";
const OTHER = "other";

/** The kind line is the first line of the first system message (contract services.md §2). */
export function kindOf(messages: readonly Message[]): string {
  const system = messages.find((message) => message.role === "system");
  return /^#kind (\S+)/.exec(system?.content ?? "")?.[1] ?? OTHER;
}

const hasRetryNote = (messages: readonly Message[]): boolean => {
  const last = messages.at(-1);
  return last?.role === "system" && last.content.startsWith(RETRY_NOTE);
};

function inputOf(content: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(content);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const half = (text: string): string => {
  const points = Array.from(text);
  return points.slice(0, Math.ceil(points.length / 2)).join("");
};

/** An `explain` reply that stops inside `args.text`. */
function truncatedExplain(message: string): string {
  const whole = explainMessage(message);
  const start = whole.indexOf('"text":"') + 8;
  return whole.slice(0, start) + half(explainedText(whole));
}

const explainedText = (reply: string): string => {
  const { args } = JSON.parse(reply) as { args: { text: string } };
  return JSON.stringify(args.text).slice(1, -1);
};

interface Turn {
  readonly key: string;
  readonly kind: string;
  readonly message: string;
  readonly toolResult: string | null;
  readonly wantsJson: boolean;
}

function turnOf(request: ChatRequest): Turn {
  const { key, messages, wantsJson } = request;
  const last = messages.findLastIndex((message) => message.role === "user");
  const result = messages
    .slice(last + 1)
    .findLast((message) => message.role === "system" && message.content.startsWith(TOOL_RESULT));
  return {
    key,
    kind: kindOf(messages),
    message: messages[last]?.content ?? "",
    toolResult: result?.content.slice(TOOL_RESULT.length) ?? null,
    wantsJson,
  };
}

/** `chat/1` and `conversation/1` know only the `!` rows of the executor's table. */
function companion(turn: Turn): string {
  const asksTool = turn.message.includes("!tool=") || turn.message.includes("!board");
  return asksTool ? executorReply({ ...turn, toolResult: null }) : companionReply(turn.message);
}

function normalText(turn: Turn): string {
  const { kind, message } = turn;
  if (kind === "tutor.executor/1") return executorReply(turn);
  if (kind === "doc_analysis/1") return documentAnalysis(inputOf(message));
  if (kind === "log_summary/1") return logSummary(inputOf(message));
  const json = jsonKindReply(kind, inputOf(message));
  if (json !== null) return json;
  return turn.wantsJson ? JSON.stringify({ reply: companionReply(message) }) : companion(turn);
}

/** Kinds where a user speaks take the words with one `!`; the others quote logs and documents and need two (§13). */
const SPEAKING = new Set(["tutor.executor/1", "chat/1", "conversation/1", OTHER]);

function textOf(turn: Turn, bang: BangWords, isRetry: boolean): string {
  if (bang.isBadJson || (bang.isBadJsonOnce && !isRetry)) return BAD_JSON_TEXT;
  if (bang.isTruncatedOnce) {
    if (turn.kind !== "tutor.executor/1") return isRetry ? normalText(turn) : half(normalText(turn));
    return isRetry ? explainMessage(turn.message) : truncatedExplain(turn.message);
  }
  return normalText(turn);
}

export function replyTo(request: ChatRequest): Reply {
  const turn = turnOf(request);
  const bang = readBangWords(turn.message, SPEAKING.has(turn.kind) ? 1 : 2);
  const base = { kind: turn.kind, slowMs: bang.slowMs };
  // Rows are checked top down: a refusing status comes before everything, waiting included.
  if (bang.status !== null) return { ...base, slowMs: 0, status: bang.status, text: "", isCut: false };
  return { ...base, status: 200, text: textOf(turn, bang, hasRetryNote(request.messages)), isCut: bang.isCut };
}

const tokens = (codePoints: number): number => Math.ceil(codePoints / 4);

/** ceil(code points / 4) of prompt and reply (§13). */
export function usageOf(messages: readonly Message[], text: string): Usage {
  const prompt_tokens = tokens(messages.reduce((sum, { content }) => sum + codePointLength(content), 0));
  const completion_tokens = tokens(codePointLength(text));
  return { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
}
