// Writes what was recorded as an answer: head, pieces in their borders and their time, and the same end (shadow K3, K4).
import type { IncomingMessage, ServerResponse } from "node:http";
import { cutShort, sendProblem } from "./answers.ts";
import { withValue } from "./headers.ts";
import { untilSaid } from "./play.ts";
import { UNREACHABLE } from "./provider.ts";
import type { TapeEnd, TapeEvent, TapeHead } from "./tape.ts";

export interface PlaybackCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly requestId: string | null;
  /** Aborted when the client is gone. */
  readonly left: AbortSignal;
}

/** @param recordedFor the request id under which it was recorded @throws TapeGone */
export async function writeEvents(
  events: AsyncIterable<TapeEvent> | Iterable<TapeEvent>,
  recordedFor: string | null,
  call: PlaybackCall,
): Promise<void> {
  const { response, left } = call;
  for await (const event of events) {
    if (left.aborted) return;
    if (event.type === "head") writeHead(event.head, recordedFor, call);
    else if (event.type === "end") writeEnd(event.how, call);
    else if (!response.write(event.bytes)) await untilDrained(response, left);
  }
}

function writeHead({ status, statusText, headers }: TapeHead, recordedFor: string | null, call: PlaybackCall): void {
  const { response, requestId } = call;
  // A provider that echoes the id of the call would say another call's.
  const isOther = recordedFor !== null && requestId !== null && recordedFor !== requestId;
  const own = isOther ? withValue(headers, "x-request-id", recordedFor, requestId) : [...headers];
  response.sendDate = false;
  response.writeHead(status, statusText, own);
  response.flushHeaders();
}

function writeEnd(how: TapeEnd, { request, response }: PlaybackCall): void {
  if (how === "complete") response.end();
  else if (how === "broken") cutShort(response);
  else sendProblem(request, response, "SY_UPSTREAM_REFUSED", UNREACHABLE);
}

function untilDrained(response: ServerResponse, left: AbortSignal): Promise<void> {
  return untilSaid(left, (say) => {
    response.once("drain", say);
    return () => response.off("drain", say);
  });
}
