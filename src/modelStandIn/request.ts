// Reading the bodies of the API into what a reply may depend on: the canonical request (contract services.md §1).
import { type Json, keyOf, wellFormed } from "./canonical.ts";

export interface Message {
  readonly role: string;
  readonly content: string;
}

export interface ChatRequest {
  readonly key: string;
  readonly model: string;
  readonly messages: readonly Message[];
  readonly wantsJson: boolean;
  readonly isStreaming: boolean;
  readonly wantsUsage: boolean;
}

export interface EmbeddingsRequest {
  readonly model: string;
  readonly input: readonly string[];
  readonly dimensions: number;
  readonly encoding: "float" | "base64";
}

/** A body the API refuses; answered 400 in the API's own error shape. */
export class RequestError extends Error {
  readonly param: string | null;
  constructor(message: string, param: string | null = null) {
    super(message);
    this.param = param;
  }
}

export const MESSAGES_MAX = 1_000;
export const INPUTS_MAX = 2_048;
export const DIMENSIONS_DEFAULT = 256;
export const DIMENSIONS_MAX = 4_096;
/** V8 parses deeper texts than its own stack can walk; nothing in the API nests anywhere near this. */
const DEPTH_MAX = 200;

type Members = { readonly [key: string]: Json };

function nestsDeeperThan(text: string, limit: number): boolean {
  let depth = 0;
  let isInText = false;
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charCodeAt(i);
    if (isInText) {
      if (c === 0x5c) i += 1;
      else if (c === 0x22) isInText = false;
    } else if (c === 0x22) isInText = true;
    else if (c === 0x7b || c === 0x5b) {
      depth += 1;
      if (depth > limit) return true;
    } else if (c === 0x7d || c === 0x5d) depth -= 1;
  }
  return false;
}

function membersOf(text: string): Members {
  if (nestsDeeperThan(text, DEPTH_MAX)) throw new RequestError("The body is nested too deeply.");
  let body: Json;
  try {
    body = JSON.parse(text) as Json;
  } catch {
    throw new RequestError("The body is not valid JSON.");
  }
  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new RequestError("The body is not a JSON object.");
  }
  return wellFormed(body) as Members;
}

function modelOf(body: Members): string {
  if (typeof body["model"] !== "string" || body["model"] === "") {
    throw new RequestError("You must provide a model.", "model");
  }
  return body["model"];
}

function messageOf(value: Json, index: number): Message {
  const { role, content } = (typeof value === "object" && value !== null ? value : {}) as Members;
  if (typeof role !== "string" || typeof content !== "string") {
    throw new RequestError("A message needs a text `role` and a text `content`.", `messages[${index}]`);
  }
  return { role, content };
}

const member = (value: Json | undefined, key: string): Json | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Members)[key] : undefined;

/** Body of `POST /v1/chat/completions`. Streaming flags are read, but are no part of the key. */
export function readChatRequest(text: string): ChatRequest {
  const body = membersOf(text);
  const model = modelOf(body);
  const list = body["messages"];
  if (!Array.isArray(list) || list.length === 0 || list.length > MESSAGES_MAX) {
    throw new RequestError(`\`messages\` must be a list of 1 to ${MESSAGES_MAX} messages.`, "messages");
  }
  const messages = (list as readonly Json[]).map(messageOf);
  const responseFormat = body["response_format"] ?? null;
  const canonical: Json = {
    endpoint: "chat",
    model,
    messages: messages.map(({ role, content }) => ({ role, content })),
    temperature: body["temperature"] ?? null,
    response_format: responseFormat,
  };
  return {
    key: keyOf(canonical),
    model,
    messages,
    wantsJson: member(responseFormat, "type") === "json_object",
    isStreaming: body["stream"] === true,
    wantsUsage: member(body["stream_options"], "include_usage") === true,
  };
}

/** Body of `POST /v1/embeddings`; one text or a list of texts. */
export function readEmbeddingsRequest(text: string): EmbeddingsRequest {
  const body = membersOf(text);
  const model = modelOf(body);
  const given = body["input"];
  const input = typeof given === "string" ? [given] : given;
  const isUsable = Array.isArray(input) && input.every((item) => typeof item === "string");
  if (!isUsable || input.length === 0 || input.length > INPUTS_MAX) {
    throw new RequestError(`\`input\` must be a text or a list of 1 to ${INPUTS_MAX} texts.`, "input");
  }
  const dimensions = body["dimensions"] ?? DIMENSIONS_DEFAULT;
  if (
    typeof dimensions !== "number" ||
    !Number.isInteger(dimensions) ||
    dimensions < 1 ||
    dimensions > DIMENSIONS_MAX
  ) {
    throw new RequestError(`\`dimensions\` must be an integer from 1 to ${DIMENSIONS_MAX}.`, "dimensions");
  }
  const encoding = body["encoding_format"] ?? "float";
  if (encoding !== "float" && encoding !== "base64") {
    throw new RequestError("`encoding_format` must be `float` or `base64`.", "encoding_format");
  }
  return { model, input, dimensions, encoding };
}
