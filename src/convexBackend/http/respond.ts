// Writing an answer: headers of every response (contract README §3, G11), and the faults that act on answers.
import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as delay } from "node:timers/promises";
import { CONTRACT_VERSION } from "../../contract/index.ts";
import { spoilJson } from "../faults/spoilJson.ts";
import { type Faultable, numberArg, type Switchboard } from "../faults/switchboard.ts";
import type { Reply } from "./call.ts";
import type { Headers } from "./cors.ts";

const JSON_TYPE = "application/json";

export const identityHeaders: Headers = { "X-Contract-Version": CONTRACT_VERSION, "X-Backend-Arm": "candidate" };

/** A stream that breaks breaks the answer: its reader must not take a part for the whole. */
function writeStream(response: ServerResponse, reply: Reply, stream: AsyncIterable<string>, extra: Headers): void {
  const type = reply.contentType ?? JSON_TYPE;
  const own = { ...identityHeaders, ...extra, ...reply.headers };
  response.writeHead(reply.status, { ...own, "Content-Type": type, "Cache-Control": "no-store" });
  pipeline(Readable.from(stream), response).catch(() => response.destroy());
}

export function writeReply(response: ServerResponse, reply: Reply, extra: Headers): void {
  if (reply.stream) return writeStream(response, reply, reply.stream, extra);
  const body = reply.body === undefined ? Buffer.alloc(0) : Buffer.from(reply.body as string);
  const type = reply.contentType ?? JSON_TYPE;
  const hasBody = reply.status !== 204;
  response.writeHead(reply.status, {
    ...identityHeaders,
    ...extra,
    ...reply.headers,
    ...(hasBody && { "Content-Type": type, "Content-Length": body.length }),
    ...(hasBody && type === JSON_TYPE && { "Cache-Control": "no-store" }),
  });
  response.end(hasBody ? body : undefined);
}

export type Spoiled =
  | { readonly kind: "send"; readonly reply: Reply }
  | { readonly kind: "silence" }
  | { readonly kind: "reset" };

/** What the faults that are on make of an answer. */
export async function spoilReply(reply: Reply, faults: Switchboard, at: Faultable): Promise<Spoiled> {
  const slow = faults.fire("slow-reply", at);
  if (slow) await delay(numberArg(slow, 1_000), undefined, { ref: false });
  if (faults.fire("hang", at)) return { kind: "silence" };
  if (faults.fire("reset", at)) return { kind: "reset" };
  const json = typeof reply.body === "string" && reply.contentType === undefined ? reply.body : null;
  const body = json === null ? {} : { body: spoilJson(json, faults, at) };
  const wrong = faults.fire("wrong-status", at);
  const status = wrong ? numberArg(wrong, 500) : reply.status;
  return { kind: "send", reply: { ...reply, ...body, status } };
}
