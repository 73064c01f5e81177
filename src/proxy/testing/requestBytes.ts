/**
 * The oracle: reads requests from bytes as RFC 9112 writes them and accepts no other spelling. It shares nothing with
 * the parser under test, so that both cannot be wrong in the same way.
 */
export interface ParsedRequest {
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
}

export interface Parsed {
  readonly requests: readonly ParsedRequest[];
  /** Bytes behind the last complete request. */
  readonly rest: Buffer;
}

export class NotOneReading extends Error {}

const REQUEST_LINE = /^([A-Z]+) ([\x21-\x7e]+) HTTP\/1\.1$/;
const FIELD =
  /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?|)[ \t]*$/;

/** @throws NotOneReading when two readers could disagree about the bytes */
export function readRequests(bytes: Buffer): Parsed {
  const requests: ParsedRequest[] = [];
  let rest = bytes;
  for (;;) {
    const end = rest.indexOf("\r\n\r\n");
    if (end === -1) return { requests, rest };
    const read = readOne(rest.subarray(0, end).toString("latin1"), rest.subarray(end + 4));
    if (!read) return { requests, rest };
    requests.push(read.request);
    rest = read.rest;
  }
}

export const valuesOf = (request: Pick<ParsedRequest, "headers">, name: string): string[] =>
  request.headers.filter(([own]) => own.toLowerCase() === name).map(([, value]) => value);

function readOne(head: string, behind: Buffer): { request: ParsedRequest; rest: Buffer } | null {
  const [first = "", ...lines] = head.split("\r\n");
  const line = REQUEST_LINE.exec(first);
  if (!line) throw new NotOneReading(`no request line: ${JSON.stringify(first)}`);
  const headers = lines.map((text): [string, string] => {
    const match = FIELD.exec(text);
    if (!match) throw new NotOneReading(`no header field: ${JSON.stringify(text)}`);
    return [match[1] as string, match[2] as string];
  });
  const codings = valuesOf({ headers }, "transfer-encoding");
  const lengths = valuesOf({ headers }, "content-length");
  if (codings.length + lengths.length > 1) throw new NotOneReading("framed twice");
  const framed =
    codings.length === 1 ? readChunked(codings[0] as string, behind) : readLength(lengths[0] ?? "0", behind);
  if (!framed) return null;
  const request = { method: line[1] as string, target: line[2] as string, headers, body: framed.body };
  return { request, rest: framed.rest };
}

function readLength(text: string, bytes: Buffer): { body: Buffer; rest: Buffer } | null {
  if (!/^(?:0|[1-9]\d*)$/.test(text)) throw new NotOneReading(`no length: ${JSON.stringify(text)}`);
  const length = Number(text);
  return bytes.length < length ? null : { body: bytes.subarray(0, length), rest: bytes.subarray(length) };
}

function readChunked(coding: string, bytes: Buffer): { body: Buffer; rest: Buffer } | null {
  if (coding !== "chunked") throw new NotOneReading(`no coding: ${JSON.stringify(coding)}`);
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n", at);
    if (end === -1) return null;
    const size = bytes.subarray(at, end).toString("latin1");
    if (!/^[0-9A-Fa-f]+$/.test(size)) throw new NotOneReading(`no chunk size: ${JSON.stringify(size)}`);
    const length = Number.parseInt(size, 16);
    const next = end + 2 + length;
    if (bytes.length < next + 2) return null;
    if (bytes.subarray(next, next + 2).toString("latin1") !== "\r\n")
      throw new NotOneReading("a chunk without its end");
    if (length === 0) return { body: Buffer.concat(parts), rest: bytes.subarray(next + 2) };
    parts.push(bytes.subarray(end + 2, next));
    at = next + 2;
  }
}
