import { BINARY, CLOSE, CONTINUATION, closeFrame, frame, PING, PONG, TEXT, text } from "./session/testing/wire.ts";

/** Largest message of the route the rows are sent on; the direct server has the same. */
export const MESSAGE_MAX = 70_000;

/** Bytes of a client, and how they are cut into writes. Whatever comes of it must be what a direct connection gives. */
export interface FramingRow {
  readonly name: string;
  readonly bytes: Buffer;
  readonly isByteByByte: boolean;
}

const row = (name: string, ...frames: readonly Buffer[]): FramingRow => ({
  name,
  bytes: Buffer.concat(frames),
  isByteByByte: false,
});
const slowly = (name: string, ...frames: readonly Buffer[]): FramingRow => ({
  ...row(name, ...frames),
  isByteByByte: true,
});

const NAMES = new Map([
  [CONTINUATION, "continuation"],
  [TEXT, "text"],
  [BINARY, "binary"],
  [CLOSE, "close"],
  [PING, "ping"],
  [PONG, "pong"],
]);
const nameOf = (opcode: number): string => NAMES.get(opcode) ?? `opcode ${opcode}`;
const RESERVED_OPCODES = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15];
const CONTROLS = [CLOSE, PING, PONG];

const opcodes = (): FramingRow[] =>
  RESERVED_OPCODES.flatMap((opcode) => [
    row(`${nameOf(opcode)} with FIN`, frame({ opcode, payload: "x" })),
    row(`${nameOf(opcode)} without FIN`, frame({ opcode, payload: "x", isFinal: false })),
  ]);

const reservedBits = (): FramingRow[] =>
  [TEXT, BINARY, PING, PONG, CLOSE].flatMap((opcode) =>
    [1, 2, 3, 4, 5, 6, 7].map((rsv) =>
      row(`${nameOf(opcode)} with reserved bits ${rsv}`, frame({ opcode, rsv, payload: "" })),
    ),
  );

const masks = (): FramingRow[] => [
  ...[TEXT, BINARY, CLOSE, PING, PONG].map((opcode) =>
    row(`unmasked ${nameOf(opcode)}`, frame({ opcode, mask: null })),
  ),
  row(
    "unmasked continuation",
    frame({ opcode: TEXT, isFinal: false, payload: "a" }),
    frame({ opcode: CONTINUATION, mask: null }),
  ),
  row("masked with zeros", text("zeros", { mask: Buffer.alloc(4) })),
  row("masked with ones", text("ones", { mask: Buffer.alloc(4, 0xff) })),
  row(
    "another mask each frame",
    text("a", { mask: Buffer.from([1, 2, 3, 4]) }),
    text("b", { mask: Buffer.from([9, 8, 7, 6]) }),
  ),
  row(
    "masked binary of 1,001 bytes",
    frame({ opcode: BINARY, payload: Buffer.alloc(1_001, 7), mask: Buffer.from([0, 0, 0, 1]) }),
  ),
];

const SIZES = [
  0,
  1,
  2,
  124,
  125,
  126,
  127,
  128,
  65_534,
  65_535,
  65_536,
  65_537,
  MESSAGE_MAX - 1,
  MESSAGE_MAX,
  MESSAGE_MAX + 1,
];
const sizes = (): FramingRow[] => [
  ...SIZES.flatMap((size) => [
    row(`text of ${size} bytes`, text("x".repeat(size))),
    row(`binary of ${size} bytes`, frame({ opcode: BINARY, payload: Buffer.alloc(size, 0xa5) })),
  ]),
  ...[16, 64].flatMap((lengthBits) => [
    row(`5 bytes of text with a length of ${lengthBits} bits`, text("abcde", { lengthBits: lengthBits as 16 })),
    row(`empty binary with a length of ${lengthBits} bits`, frame({ opcode: BINARY, lengthBits: lengthBits as 16 })),
    row(
      `ping with a length of ${lengthBits} bits`,
      frame({ opcode: PING, payload: "abc", lengthBits: lengthBits as 16 }),
    ),
  ]),
  ...[2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n].flatMap((saidLength) => [
    row(`text that says ${saidLength} bytes`, frame({ opcode: TEXT, payload: "x", lengthBits: 64, saidLength })),
    row(`binary that says ${saidLength} bytes`, frame({ opcode: BINARY, payload: "x", lengthBits: 64, saidLength })),
  ]),
];

/** One message in pieces. */
function pieces(opcode: number, parts: readonly (string | Uint8Array)[], between: readonly Buffer[] = []): Buffer[] {
  return parts.flatMap((payload, i) => [
    frame({ opcode: i === 0 ? opcode : CONTINUATION, payload, isFinal: i === parts.length - 1 }),
    ...(i < parts.length - 1 ? between : []),
  ]);
}

const START = frame({ opcode: TEXT, payload: "start", isFinal: false });
const fragments = (): FramingRow[] => [
  ...[2, 3, 10, 100, 1_023, 1_024, 1_025, 1_500].flatMap((n) => [
    row(
      `text in ${n} pieces`,
      ...pieces(
        TEXT,
        Array.from({ length: n }, () => "p"),
      ),
    ),
    row(
      `binary in ${n} empty pieces`,
      ...pieces(
        BINARY,
        Array.from({ length: n }, () => ""),
      ),
    ),
  ]),
  row("an empty piece first", ...pieces(TEXT, ["", "b", "c"])),
  row("an empty piece in the middle", ...pieces(TEXT, ["a", "", "c"])),
  row("an empty piece last", ...pieces(TEXT, ["a", "b", ""])),
  row("a ping between pieces", ...pieces(TEXT, ["a", "b"], [frame({ opcode: PING, payload: "in between" })])),
  row("a pong between pieces", ...pieces(BINARY, ["a", "b", "c"], [frame({ opcode: PONG, payload: "unasked" })])),
  row("a close between pieces", START, closeFrame(1000, "early")),
  row("a text between pieces", START, text("other")),
  row("a binary between pieces", START, frame({ opcode: BINARY, payload: "other" })),
  row("a first piece between pieces", START, frame({ opcode: TEXT, payload: "other", isFinal: false })),
  row("a continuation of nothing", frame({ opcode: CONTINUATION, payload: "x" })),
  row("an unfinished continuation of nothing", frame({ opcode: CONTINUATION, payload: "x", isFinal: false })),
  row("a reserved bit in a continuation", START, frame({ opcode: CONTINUATION, rsv: 4, payload: "x" })),
  row("pieces that are too large together", ...pieces(BINARY, [Buffer.alloc(40_000), Buffer.alloc(30_001)])),
  row("pieces that just fit together", ...pieces(BINARY, [Buffer.alloc(40_000), Buffer.alloc(30_000)])),
  row("two messages in pieces", ...pieces(TEXT, ["a", "b"]), ...pieces(BINARY, ["c", "d"])),
];

const controls = (): FramingRow[] => [
  ...CONTROLS.flatMap((opcode) => [
    row(`${nameOf(opcode)} in pieces`, frame({ opcode, isFinal: false })),
    ...[126, 127, 1_000].map((size) =>
      row(`${nameOf(opcode)} of ${size} bytes`, frame({ opcode, payload: Buffer.alloc(size, 0x33) })),
    ),
  ]),
  ...[0, 1, 4, 124, 125].map((size) =>
    row(`ping of ${size} bytes`, frame({ opcode: PING, payload: Buffer.alloc(size, 0x70) })),
  ),
  ...[0, 1, 125].map((size) =>
    row(`unasked pong of ${size} bytes`, frame({ opcode: PONG, payload: Buffer.alloc(size, 0x70) })),
  ),
  row("five pings", ...["1", "2", "3", "4", "5"].map((payload) => frame({ opcode: PING, payload }))),
];

const VALID_TEXTS = [
  "ascii",
  "Grüße",
  "€uro",
  "日本語",
  "😀",
  "\u0000",
  "\ufeffbom",
  "\ufffe",
  "\uffff",
  "\u{10ffff}",
  "e\u0301",
  "\u200d",
];
const INVALID_TEXTS = [
  "80",
  "bf",
  "c0",
  "c080",
  "c1bf",
  "c2",
  "c220",
  "e080",
  "e08080",
  "e09fbf",
  "e282",
  "e28228",
  "eda080",
  "edbfbf",
  "eda080edb080",
  "f0",
  "f08080",
  "f0808080",
  "f08fbfbf",
  "f09f98",
  "f09f9828",
  "f4908080",
  "f5808080",
  "f7bfbfbf",
  "f888808080",
  "fc8480808080",
  "fe",
  "ff",
  "fffe",
  "6162ff6364",
];
const eachByte = (bytes: Buffer): Buffer[] => Array.from(bytes, (byte) => Buffer.from([byte]));
const utf8 = (): FramingRow[] => [
  ...VALID_TEXTS.flatMap((sample) => [
    row(`text ${JSON.stringify(sample)}`, text(sample)),
    row(`text ${JSON.stringify(sample)} byte by byte in pieces`, ...pieces(TEXT, eachByte(Buffer.from(sample)))),
  ]),
  ...INVALID_TEXTS.flatMap((hex) => [
    row(`text with the bytes ${hex}`, frame({ opcode: TEXT, payload: Buffer.from(hex, "hex") })),
    row(`text with the bytes ${hex} in pieces`, ...pieces(TEXT, eachByte(Buffer.from(`61${hex}`, "hex")))),
  ]),
  ...INVALID_TEXTS.slice(0, 6).map((hex) =>
    row(`binary with the bytes ${hex}`, frame({ opcode: BINARY, payload: Buffer.from(hex, "hex") })),
  ),
];

const VALID_CODES = [
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4001, 4403, 4999,
];
const INVALID_CODES = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535];
const closes = (): FramingRow[] => [
  row("close without a code", closeFrame(null)),
  row("close with one byte", frame({ opcode: CLOSE, payload: Buffer.from([3]) })),
  ...VALID_CODES.flatMap((code) => [
    row(`close ${code}`, closeFrame(code)),
    row(`close ${code} with a reason`, closeFrame(code, "the reason — why")),
  ]),
  ...INVALID_CODES.map((code) => row(`close ${code}`, closeFrame(code, "no such code"))),
  row("close with a reason of 123 bytes", closeFrame(1000, "r".repeat(123))),
  row("close with a reason of 123 bytes in characters of three", closeFrame(1000, "€".repeat(41))),
  row("close with a reason of 124 bytes", closeFrame(1000, "r".repeat(124))),
  ...["ff", "c3", "eda080", "6162e2"].map((hex) =>
    row(`close with the bytes ${hex}`, closeFrame(1000, Buffer.from(hex, "hex"))),
  ),
  row("two closes", closeFrame(4000, "first"), closeFrame(4001, "second")),
  row("text behind a close", closeFrame(1000), text("too late")),
];

const cutUp = (): FramingRow[] => [
  slowly("text byte by byte", text("slow text")),
  slowly("text of 126 bytes byte by byte", text("x".repeat(126))),
  slowly("binary with a length of 64 bits byte by byte", frame({ opcode: BINARY, payload: "abc", lengthBits: 64 })),
  slowly("pieces byte by byte", ...pieces(TEXT, ["a€", "", "😀"])),
  slowly("ping byte by byte", frame({ opcode: PING, payload: "slow" })),
  slowly("close byte by byte", closeFrame(4002, "slow")),
  slowly("a wrong opcode byte by byte", frame({ opcode: 3, payload: "x" })),
  slowly("an unmasked frame byte by byte", text("x", { mask: null })),
  slowly("bad UTF-8 byte by byte", frame({ opcode: TEXT, payload: Buffer.from("61ff", "hex") })),
];

export const FRAMING_ROWS: readonly FramingRow[] = [
  ...opcodes(),
  ...reservedBits(),
  ...masks(),
  ...sizes(),
  ...fragments(),
  ...controls(),
  ...utf8(),
  ...closes(),
  ...cutUp(),
];
