// Bodies that lie about how they were sent: codings, charsets, media types (shadow §5, transfer and content decoding).
import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { JSON_LIMITS } from "../../json/reader.ts";
import { bytesOf, type Sent } from "./replies.ts";

export interface HostileTransfer extends Sent {
  readonly name: string;
  /** `read`: as a value. `bytes`: nobody says what it is, so that it is compared as it came. */
  readonly expected: "read" | "bytes" | "refused";
}

const JSON_BODY = Buffer.from(
  JSON.stringify({ items: Array.from({ length: 500 }, (_, at) => ({ at, text: `no. ${at}` })) }),
);
const quick = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } };
const CODINGS = {
  gzip: gzipSync,
  br: (bytes: Uint8Array) => brotliCompressSync(bytes, quick),
  deflate: deflateSync,
  "deflate, raw": deflateRawSync,
} as const;

const ofCodings = (): readonly HostileTransfer[] =>
  Object.entries(CODINGS).flatMap(([name, encode]) => {
    const coding = name.split(",", 1)[0] ?? name;
    const whole = encode(JSON_BODY);
    const broken = Uint8Array.from(whole, (byte, at) => (at > 20 && at % 7 === 0 ? byte ^ 0xff : byte));
    const large = encode(Buffer.alloc(64 * 1_048_576));
    const most = encode(Buffer.from(`"${"x".repeat(JSON_LIMITS.bytes - 2)}"`));
    const of = (what: string, body: Uint8Array, expected: HostileTransfer["expected"]): HostileTransfer => ({
      name: `${name}: ${what}`,
      coding,
      body,
      expected,
    });
    return [
      of("whole", whole, "read"),
      of("as large as is read", most, "read"),
      of("a bomb", large, "refused"),
      of("cut in the middle", whole.subarray(0, whole.length / 2), "refused"),
      of("cut behind its first byte", whole.subarray(0, 1), "refused"),
      of("broken", broken, "refused"),
      of("not coded at all", JSON_BODY, "refused"),
      of("nothing", new Uint8Array(), "refused"),
    ];
  });

const stored = (bytes: Uint8Array, times: number): Uint8Array => {
  let coded = bytes;
  for (let time = 0; time < times; time++) coded = gzipSync(coded, { level: 0 });
  return coded;
};
const often = (coding: string, times: number): string => Array.from({ length: times }, () => coding).join(", ");

const ofLies = (): readonly HostileTransfer[] => [
  { name: "gzip that is called br", coding: "br", body: gzipSync(JSON_BODY), expected: "refused" },
  { name: "br that is called gzip", coding: "gzip", body: brotliCompressSync(JSON_BODY), expected: "refused" },
  { name: "coded, and nobody says so", body: gzipSync(JSON_BODY), expected: "refused" },
  { name: "an unknown coding", coding: "zstandard-9", body: JSON_BODY, expected: "refused" },
  { name: "a coding from a prototype", coding: "constructor", body: JSON_BODY, expected: "refused" },
  { name: "two codings", coding: "deflate, gzip", body: gzipSync(deflateSync(JSON_BODY)), expected: "read" },
  {
    name: "two codings, the wrong way round",
    coding: "gzip, deflate",
    body: gzipSync(deflateSync(JSON_BODY)),
    expected: "refused",
  },
  {
    name: "2 MiB in 200 codings",
    coding: often("gzip", 200),
    body: stored(Buffer.alloc(2_097_152, "1"), 200),
    expected: "refused",
  },
  { name: "no coding, a thousand times", coding: often("identity", 1_000), body: JSON_BODY, expected: "refused" },
  { name: "100,000 members without a byte", coding: "gzip", body: gzipMembers(100_000), expected: "bytes" },
];

/** A gzip stream may be several, one behind the other (RFC 1952 §2.2). */
function gzipMembers(count: number): Uint8Array {
  const one = gzipSync("");
  return Buffer.alloc(one.length * count, one);
}

const plain = JSON_BODY.toString();
const ofCharsets = (): readonly HostileTransfer[] => [
  {
    name: "UTF-16, and says so",
    type: "application/json; charset=utf-16le",
    body: Buffer.from(plain, "utf16le"),
    expected: "read",
  },
  {
    name: "UTF-8 that is called UTF-16",
    type: "application/json; charset=utf-16le",
    body: JSON_BODY,
    expected: "refused",
  },
  {
    name: "UTF-16 that is called UTF-8",
    type: "application/json; charset=utf-8",
    body: Buffer.from(plain, "utf16le"),
    expected: "refused",
  },
  {
    name: "Latin-1 that is called UTF-8",
    type: "text/plain; charset=utf-8",
    body: Buffer.from("é", "latin1"),
    expected: "refused",
  },
  { name: "an unknown charset", type: 'application/json; charset="klingon"', body: JSON_BODY, expected: "refused" },
  {
    name: "a charset that hides marks",
    type: "application/json; charset=iso-2022-kr",
    body: JSON_BODY,
    expected: "refused",
  },
  {
    name: "a charset of 10,000 letters",
    type: `application/json; charset=${"u".repeat(10_000)}`,
    body: JSON_BODY,
    expected: "refused",
  },
  {
    name: "a type without an end",
    type: `application/json${"; charset".repeat(1_500)}`,
    body: JSON_BODY,
    expected: "read",
  },
  { name: "no type at all", type: "", body: JSON_BODY, expected: "bytes" },
];

const full = (unit: string): string => unit.repeat(Math.floor(JSON_LIMITS.bytes / unit.length));
const numbered = (write: (at: number) => string, count: number): string =>
  Array.from({ length: count }, (_, at) => write(at)).join("");

const EVENTS = "text/event-stream";
const LINES = "application/x-ndjson";
const FORM = "application/x-www-form-urlencoded";
const PARTS = "multipart/mixed; boundary=b";

const ofTypes = (): readonly HostileTransfer[] => [
  { name: "events without an end", type: EVENTS, body: full("data:x"), expected: "read" },
  { name: "an event of too many lines", type: EVENTS, body: full("data:x\n"), expected: "refused" },
  { name: "too many events", type: EVENTS, body: full("data:1\n\n"), expected: "refused" },
  {
    name: "too many values in events",
    type: EVENTS,
    body: full(`data:[${"0,".repeat(500)}0]\n\n`),
    expected: "refused",
  },
  {
    name: "events with names of their own",
    type: EVENTS,
    body: numbered((at) => `event:${at}\ndata:1\n\n`, 50_000),
    expected: "read",
  },
  { name: "an event called __proto__", type: EVENTS, body: "event:__proto__\ndata:1\n\n", expected: "read" },
  { name: "comments only", type: EVENTS, body: full(":\r"), expected: "refused" },
  { name: "too many lines of JSON", type: LINES, body: full("1\n"), expected: "refused" },
  { name: "too many values in lines", type: LINES, body: full(`[${"0,".repeat(500)}0]\n`), expected: "refused" },
  { name: "empty lines", type: LINES, body: full("\n"), expected: "refused" },
  { name: "a line that is no JSON", type: LINES, body: "1\n2\n{\n", expected: "refused" },
  { name: "too many fields", type: FORM, body: full("a=1&"), expected: "refused" },
  { name: "fields with names of their own", type: FORM, body: numbered((at) => `k${at}=1&`, 50_000), expected: "read" },
  { name: "a field called __proto__", type: FORM, body: "__proto__=1&constructor=2", expected: "read" },
  { name: "percent signs only", type: FORM, body: full("%"), expected: "read" },
  { name: "parts without an end", type: PARTS, body: full("--b\r\n\r\nx\r\n"), expected: "refused" },
  { name: "parts without a boundary", type: "multipart/mixed", body: full("--b\r\n"), expected: "refused" },
  { name: "delimiters only", type: PARTS, body: full("--b\r\n"), expected: "refused" },
  {
    name: "too many parts",
    type: PARTS,
    body: `${full("--b\r\n\r\nx\r\n").slice(0, -100)}\r\n--b--`,
    expected: "refused",
  },
  { name: "many parts", type: PARTS, body: `${"--b\r\n\r\nx\r\n".repeat(30_000)}--b--`, expected: "read" },
  {
    name: "one part as large as is read",
    type: PARTS,
    body: `--b\r\n\r\n${full("-").slice(50)}\r\n--b--`,
    expected: "read",
  },
  {
    name: "nearly delimiters only",
    type: PARTS,
    body: `--b\r\n\r\n${full("\r\n--").slice(50)}\r\n--b--`,
    expected: "read",
  },
  {
    name: "headers without an end",
    type: PARTS,
    body: `--b\r\n${full("a:b\r\n").slice(50)}\r\n--b--`,
    expected: "refused",
  },
  {
    name: "too many values in parts",
    type: PARTS,
    body: `--b\r\ncontent-type: application/json\r\n\r\n[${"0,".repeat(150_000)}0]\r\n`.repeat(2).concat("--b--"),
    expected: "refused",
  },
  { name: "bytes that are called text", type: "text/plain", body: bytesOf(gzipSync(JSON_BODY)), expected: "refused" },
];

export const hostileTransfers = (): readonly HostileTransfer[] => [
  ...ofCodings(),
  ...ofLies(),
  ...ofCharsets(),
  ...ofTypes(),
];
