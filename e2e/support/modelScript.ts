import type { ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { Json } from "./json.ts";

/** What a scripted model answers to one request. */
export type ScriptedReply =
  /** Text of the assistant message; streamed in the given pieces when the request asks for a stream. */
  | { readonly pieces: readonly string[]; readonly cut?: boolean; readonly waitMs?: number }
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string }
  | { readonly reset: true };

const HEAD = { id: "chatcmpl-000000000000000000000000", created: 1_700_000_000 };
const USAGE = { prompt_tokens: 3, completion_tokens: 4, total_tokens: 7 };

function chunk(model: string, delta: Json, finish: string | null): string {
  const choices = [{ index: 0, delta, finish_reason: finish }];
  return `data: ${JSON.stringify({ ...HEAD, object: "chat.completion.chunk", model, choices })}\n\n`;
}

async function stream(pieces: readonly string[], isCut: boolean, body: Json, outgoing: ServerResponse): Promise<void> {
  outgoing.writeHead(200, { "Content-Type": "text/event-stream" });
  for (const piece of pieces) {
    outgoing.write(chunk(body.model, { content: piece }, null));
    await pause(3); // one network packet per event, so that events stay apart
  }
  if (isCut) {
    outgoing.destroy();
    return;
  }
  outgoing.write(chunk(body.model, {}, "stop"));
  if (body.stream_options?.include_usage) {
    outgoing.write(
      `data: ${JSON.stringify({ ...HEAD, object: "chat.completion.chunk", model: body.model, choices: [], usage: USAGE })}\n\n`,
    );
  }
  outgoing.end("data: [DONE]\n\n");
}

export async function playScript(reply: ScriptedReply, body: Json, outgoing: ServerResponse): Promise<void> {
  if ("reset" in reply) {
    outgoing.socket?.resetAndDestroy();
    return;
  }
  if ("status" in reply) {
    outgoing.writeHead(reply.status, { "Content-Type": "application/json", ...reply.headers });
    outgoing.end(reply.body ?? JSON.stringify({ error: { message: "scripted", type: "scripted", code: null } }));
    return;
  }
  if (reply.waitMs !== undefined) await pause(reply.waitMs);
  if (body.stream === true) return stream(reply.pieces, reply.cut ?? false, body, outgoing);
  if (reply.cut) {
    outgoing.writeHead(200, { "Content-Type": "application/json", "Content-Length": "4096" });
    outgoing.write("{");
    outgoing.destroy();
    return;
  }
  const message = { role: "assistant", content: reply.pieces.join("") };
  const completion = {
    ...HEAD,
    object: "chat.completion",
    model: body.model,
    choices: [{ index: 0, message, finish_reason: "stop" }],
    usage: USAGE,
  };
  outgoing.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify(completion));
}
