// What each call does with a request body; timing and faults included (contract services.md §13, faults.md §4).
import { readBangWords } from "./bangWords.ts";
import { closingEvents, completion, completionId, type Envelope, pieceEvents } from "./completion.ts";
import { asBase64, embed } from "./embed.ts";
import { type ApiError, rateLimited, serverError } from "./errors.ts";
import { cut, cutAfterHeaders, type Exchange, pause, Refusal, sendJson, startEvents, writeEvent } from "./exchange.ts";
import type { FaultItem } from "./faults.ts";
import { BAD_JSON_TEXT, type Reply, replyTo, type Usage, usageOf } from "./reply.ts";
import { type ChatRequest, readChatRequest, readEmbeddingsRequest } from "./request.ts";
import type { Settings } from "./settings.ts";
import { codePointLength } from "./words.ts";
import { varied } from "./varied.ts";

export type Manner = Pick<Settings, "chunkMs" | "delayMs" | "isVaried">;

/** A reply as the switched faults leave it. */
export function withFaults(reply: Reply, hits: readonly FaultItem[]): Reply {
  const has = (name: FaultItem["name"]): boolean => hits.some((hit) => hit.name === name);
  const slow = hits.find((hit) => hit.name === "mslow");
  const status = has("m429") ? 429 : has("m500") ? 500 : reply.status;
  return {
    ...reply,
    status,
    slowMs: Math.max(reply.slowMs, slow?.ms ?? 0),
    isCut: reply.isCut || has("mcut"),
    text: has("mbadjson") ? BAD_JSON_TEXT : reply.text,
  };
}

const REFUSALS: Readonly<Record<429 | 500, ApiError>> = { 429: rateLimited, 500: serverError };

async function streamReply(exchange: Exchange, reply: Reply, chat: Chat, manner: Manner): Promise<void> {
  const { envelope, request, usage } = chat;
  const pieces = pieceEvents(envelope, reply.text, request.wantsUsage);
  startEvents(exchange);
  for (const piece of reply.isCut ? pieces.slice(0, Math.floor(pieces.length / 2)) : pieces) {
    await pause(exchange, manner.chunkMs);
    await writeEvent(exchange, piece);
  }
  if (reply.isCut) return cut(exchange);
  for (const event of closingEvents(envelope, usage, request.wantsUsage)) await writeEvent(exchange, event);
  exchange.response.end();
}

interface Chat {
  readonly envelope: Envelope;
  readonly request: ChatRequest;
  readonly usage: Usage;
}

/** `POST /v1/chat/completions`; returns the kind of the call for the log. */
export async function chatCompletion(
  exchange: Exchange,
  body: string,
  hits: readonly FaultItem[],
  manner: Manner,
): Promise<string> {
  const request = readChatRequest(body);
  const known = replyTo(request);
  const reply = withFaults(manner.isVaried && known.status === 200 ? varied(known) : known, hits);
  await pause(exchange, reply.slowMs);
  if (reply.status !== 200) throw new Refusal(REFUSALS[reply.status]);
  const envelope = { id: completionId(request.key), model: request.model };
  const usage = usageOf(request.messages, reply.text);
  if (request.isStreaming) {
    await streamReply(exchange, reply, { envelope, request, usage }, manner);
    return reply.kind;
  }
  await pause(exchange, manner.delayMs);
  const answer = completion(envelope, reply.text, usage);
  if (reply.isCut) await cutAfterHeaders(exchange, answer);
  else sendJson(exchange, 200, answer);
  return reply.kind;
}

/** `POST /v1/embeddings`. The doubled `!` words reach it too: its inputs are stored texts, like those of other kinds. */
export async function embeddings(
  exchange: Exchange,
  body: string,
  hits: readonly FaultItem[],
  manner: Manner,
): Promise<string> {
  const request = readEmbeddingsRequest(body);
  const bang = readBangWords(request.input.join("\n"), 2);
  const asked: Reply = {
    kind: "embedding",
    text: "",
    slowMs: bang.slowMs,
    status: bang.status ?? 200,
    isCut: bang.isCut,
  };
  const reply = withFaults(asked, hits);
  await pause(exchange, reply.slowMs);
  if (reply.status !== 200) throw new Refusal(REFUSALS[reply.status]);
  await pause(exchange, manner.delayMs);
  const tokens = Math.ceil(request.input.reduce((sum, text) => sum + codePointLength(text), 0) / 4);
  const answer = {
    object: "list",
    data: request.input.map((text, index) => {
      const vector = embed(text, request.dimensions);
      return { object: "embedding", index, embedding: request.encoding === "float" ? vector : asBase64(vector) };
    }),
    model: request.model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
  if (reply.isCut) await cutAfterHeaders(exchange, answer);
  else sendJson(exchange, 200, answer);
  return reply.kind;
}

const MODELS = ["gpt-4.1-2025-04-14", "text-embedding-3-small"];

export const modelList: unknown = {
  object: "list",
  data: MODELS.map((id) => ({ id, object: "model", created: 1_700_000_000, owned_by: "model-stand-in" })),
};
