// Hands a provider's answer on as it comes; a copy is taken of what was already handed on.
import type { IncomingMessage, ServerResponse } from "node:http";
import { cutShort } from "./answers.ts";
import { answerHeaders, recordedHeaders } from "./headers.ts";
import type { TapeEnd, TapeHead } from "./tape.ts";

/** Whoever keeps, or counts, what passes. */
export interface AnswerCopy {
  begin(head: TapeHead): void;
  append(chunk: Uint8Array): void;
  end(how: TapeEnd): void;
}

export function passAnswer(answer: IncomingMessage, response: ServerResponse, copy: AnswerCopy): void {
  const head = { status: answer.statusCode ?? 502, statusText: answer.statusMessage ?? "" };
  const headers = answerHeaders(answer.rawHeaders);
  response.sendDate = false;
  try {
    response.writeHead(head.status, head.statusText, headers);
  } catch {
    // A head that Node reads and does not write: a status below 100.
    response.destroy();
    return;
  }
  // With the first bytes if they are here already: one packet less, and one wake-up less for whoever waits for them.
  setImmediate(() => {
    if (!response.destroyed) response.flushHeaders();
  });
  copy.begin({ ...head, headers: recordedHeaders(headers) });
  answer.on("data", (chunk: Buffer) => {
    if (!response.write(chunk)) answer.pause();
    copy.append(chunk);
  });
  response.on("drain", () => answer.resume());
  answer.on("end", () => {
    response.end();
    copy.end("complete");
  });
  answer.on("error", () => undefined);
  answer.on("close", () => {
    if (response.writableEnded || response.destroyed) return;
    copy.end("broken");
    cutShort(response);
  });
}
