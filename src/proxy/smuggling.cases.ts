import { request } from "./testing/rawClient.ts";

/** The request that hides: it must never be read as a request by anyone. */
export const HIDDEN = request(["GET /calls/hidden HTTP/1.1", "Host: api.example", "X-Hidden: 1"]);
/** Behind every attack: an honest request after which the connection closes, so that each attack has an end. */
const LAST = request(["GET /calls/last HTTP/1.1", "Host: api.example", "Connection: close"]);

export interface Mutant {
  readonly name: string;
  /** Header lines that carry the mutation. */
  readonly lines: string;
}

const TE = "Transfer-Encoding";
const mutant = (name: string, lines: string): Mutant => ({ name, lines });

/** Spellings that some parser takes for `chunked` and another does not. */
export const NAMED: readonly Mutant[] = [
  mutant("plain", `${TE}: chunked`),
  mutant("blank before the colon", `${TE} : chunked`),
  mutant("tab before the colon", `${TE}\t: chunked`),
  mutant("tab after the colon", `${TE}:\tchunked`),
  mutant("no blank", `${TE}:chunked`),
  mutant("two blanks", `${TE}:  chunked`),
  mutant("folded", `${TE}:\r\n chunked`),
  mutant("folded with a tab", `${TE}:\r\n\tchunked`),
  mutant("bare LF after the colon", `${TE}:\n chunked`),
  mutant("bare CR before the value", `${TE}: \rchunked`),
  mutant("bare CR behind the value", `${TE}: chunked\r`),
  mutant("behind a bare LF", `X-A: b\n${TE}: chunked`),
  mutant("behind a bare CR", `X-A: b\r${TE}: chunked`),
  mutant("leading blank", ` ${TE}: chunked`),
  mutant("leading tab", `\t${TE}: chunked`),
  mutant("quoted", `${TE}: "chunked"`),
  mutant("in single quotes", `${TE}: 'chunked'`),
  mutant("list with identity first", `${TE}: identity, chunked`),
  mutant("list with identity last", `${TE}: chunked, identity`),
  mutant("list with gzip", `${TE}: gzip, chunked`),
  mutant("empty list element", `${TE}: ,chunked`),
  mutant("parameter", `${TE}: chunked;a=b`),
  mutant("prefix", `${TE}: xchunked`),
  mutant("suffix", `${TE}: chunkedx`),
  mutant("twice", `${TE}: chunked\r\n${TE}: chunked`),
  mutant("twice, cow last", `${TE}: chunked\r\n${TE}: cow`),
  mutant("underscore", `Transfer_Encoding: chunked`),
  mutant("capitals", `TRANSFER-ENCODING: CHUNKED`),
  mutant("wrapped in Connection", `Connection: ${TE}\r\n${TE}: chunked`),
  mutant("named by Connection with an upgrade", `Connection: keep-alive, upgrade\r\nUpgrade: h2c\r\n${TE}: chunked`),
];

/** Every byte that is no CR, no LF and no visible ASCII, at four places of the header line. */
export const BYTES: readonly Mutant[] = Array.from({ length: 256 }, (_, code) => code)
  .filter((code) => (code <= 0x20 || code >= 0x7f) && code !== 0x0a && code !== 0x0d)
  .flatMap((code) => {
    const byte = String.fromCharCode(code);
    const hex = code.toString(16).padStart(2, "0");
    return [
      mutant(`byte ${hex} before the name`, `${byte}${TE}: chunked`),
      mutant(`byte ${hex} before the colon`, `${TE}${byte}: chunked`),
      mutant(`byte ${hex} before the value`, `${TE}:${byte}chunked`),
      mutant(`byte ${hex} behind the value`, `${TE}: chunked${byte}`),
    ];
  });

/** Lengths that two readers could take for two numbers. The body is 5 bytes of chunks, then the hidden request. */
export const LENGTHS: readonly Mutant[] = [
  "Content-Length: 5\r\nContent-Length: 0",
  "Content-Length: 0\r\nContent-Length: 5",
  "Content-Length: 5, 0",
  "Content-Length: +5",
  "Content-Length: 5 5",
  "Content-Length: 0x5",
  "Content-Length: 5;a",
  "Content-Length : 5",
  " Content-Length: 5",
  "Content-Length:\r\n 5",
  "Content-Length: 5\r",
  "X: y\rContent-Length: 5",
  "X: y\nContent-Length: 5",
  "Content_Length: 5",
  "Content-Length: 05",
  "Content-Length: ５",
  "Content-Length: 5\0",
  "Content-Length: -5",
  "Connection: Content-Length\r\nContent-Length: 5",
].map((lines) => mutant(JSON.stringify(lines), lines));

const BODY = `0\r\n\r\n${HIDDEN}`;
const HEAD = ["POST /calls/open HTTP/1.1", "Host: api.example"];

/** Form A: one parser trusts the length, which covers all, the other the coding, which ends before the hidden request. */
export const besideLength = ({ lines }: Mutant): string =>
  request([...HEAD, `Content-Length: ${BODY.length}`, lines], BODY + LAST);
/** Form B: without any length; a parser that does not see the coding finds garbage behind the head. Only where the
 * coding is accepted is the second request an honest one, which must then be routed by itself. */
export const alone = ({ lines }: Mutant): string => request([...HEAD, lines], BODY + LAST);
/** Form A with the length last: some parsers keep the first of two. */
export const beforeLength = ({ lines }: Mutant): string =>
  request([...HEAD, lines, `Content-Length: ${BODY.length}`], BODY + LAST);
