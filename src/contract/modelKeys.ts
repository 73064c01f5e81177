// The canonical request of a model call (services §1): the key under which a recorded completion is replayed to the other arm.
// Hashing is left to whoever records, for this room has no digest that is meant for it.
import { canonicalJson } from "./canonicalJson.ts";
import { isObject, type JsonObject } from "./jsonObject.ts";
import { codePointLength } from "./text.ts";

export interface ModelCall {
  readonly method: string;
  /** Below the model's base URL. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface ModelCallKey {
  /** Of prompts, as `X-Model-Call` says it, or `embedding`. */
  readonly kind: string;
  readonly form: "stream" | "plain";
  /** Canonical JSON; for embeddings one for each input text, whatever batch it comes in. */
  readonly texts: readonly string[];
  readonly parts: EmbeddingParts | null;
}

export interface EmbeddingParts {
  split(reply: unknown): readonly EmbeddingPart[] | null;
  join(parts: readonly unknown[]): unknown;
}

/** What a reply says about one input text. */
interface EmbeddingPart {
  readonly item: JsonObject;
  readonly model: unknown;
  /** The text's share of what the whole call cost. */
  readonly tokens: number;
}

/** Null: none of the two calls of services §1. */
export function modelCallKey({ method, path, headers, body }: ModelCall): ModelCallKey | null {
  if (method !== "POST" || !isObject(body) || typeof body["model"] !== "string") return null;
  if (path === "/chat/completions") return chatKey(body, headers);
  if (path === "/embeddings") return embeddingsKey(body);
  return null;
}

/** The streaming flags are no part of the key: the same words come either way. */
function chatKey(body: JsonObject, headers: ModelCall["headers"]): ModelCallKey | null {
  const { model, messages, temperature = null, response_format = null } = body;
  if (!Array.isArray(messages)) return null;
  const text = canonicalJson({ endpoint: "chat", model, messages, temperature, response_format });
  const form = body["stream"] === true ? "stream" : "plain";
  return { kind: headers["x-model-call"] ?? kindLine(messages), form, texts: [text], parts: null };
}

/** The first line of the first system message (services §2). */
function kindLine(messages: readonly unknown[]): string {
  const system = messages.find((message) => isObject(message) && message["role"] === "system");
  const content = isObject(system) ? system["content"] : undefined;
  return (typeof content === "string" && /^#kind (\S+)/.exec(content)?.[1]) || "chat";
}

function embeddingsKey(body: JsonObject): ModelCallKey | null {
  const { model, input } = body;
  const inputs: readonly unknown[] = Array.isArray(input) ? input : [input];
  if (inputs.length === 0 || !inputs.every((one) => typeof one === "string")) return null;
  const texts = inputs.map((one) => canonicalJson({ endpoint: "embeddings", model, input: [one] }));
  return { kind: "embedding", form: "plain", texts, parts: embeddingParts(inputs.map(codePointLength)) };
}

/** Holds no text of the request: whoever records keeps it as long as the reply. */
function embeddingParts(lengths: readonly number[]): EmbeddingParts {
  const all = lengths.reduce((sum, length) => sum + length, 0);
  return {
    split(reply) {
      const { data, model, usage }: JsonObject = isObject(reply) ? reply : {};
      if (!Array.isArray(data) || data.length !== lengths.length) return null;
      const total = isObject(usage) && typeof usage["total_tokens"] === "number" ? usage["total_tokens"] : 0;
      const parts = lengths.map((length, index): EmbeddingPart | null => {
        const item: unknown = data.find((one) => isObject(one) && one["index"] === index);
        const share = all === 0 ? 1 / lengths.length : length / all;
        return isObject(item) ? { item, model, tokens: total * share } : null;
      });
      return parts.every((part) => part !== null) ? parts : null;
    },
    join(parts) {
      const known = parts as readonly EmbeddingPart[];
      const tokens = Math.max(0, Math.ceil(known.reduce((sum, part) => sum + part.tokens, 0) - 1e-6));
      return {
        object: "list",
        data: known.map(({ item }, index) => ({ ...item, index })),
        model: known[0]?.model ?? null,
        usage: { prompt_tokens: tokens, total_tokens: tokens },
      };
    },
  };
}

const TOTAL_TOKENS = /"total_tokens"\s*:\s*(\d{1,12})/g;

/** Of the end of a reply, streamed or whole: streams are asked for `usage` with their last event (services §1). Null: it does not say. */
export function modelTokensOf(end: string): number | null {
  const last = [...end.matchAll(TOTAL_TOKENS)].at(-1)?.[1];
  return last === undefined ? null : Number(last);
}
