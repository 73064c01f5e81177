import { randomBytes } from "node:crypto";
import { RawClient, type RawReply } from "../../testing/rawClient.ts";
import { tokenFor } from "../../testing/tokens.ts";
import { until } from "../../testing/wait.ts";

/** Frames as bytes, written by hand so that they can be wrong (RFC 6455 §5.2). */
export interface FrameShape {
  readonly opcode: number;
  readonly payload?: Uint8Array | string;
  readonly isFinal?: boolean;
  /** Three reserved bits. */
  readonly rsv?: number;
  /** null: not masked. */
  readonly mask?: Uint8Array | null;
  /** 7, 16 or 64 bits; the shortest that fits unless told. */
  readonly lengthBits?: 7 | 16 | 64;
  /** Says another length than the payload has. */
  readonly saidLength?: bigint;
}

export const CONTINUATION = 0;
export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;
export const PONG = 10;

const MASK = Buffer.from([0x37, 0xfa, 0x21, 0x3d]);

export function frame(shape: FrameShape): Buffer {
  const { isFinal = true, rsv = 0, mask = MASK } = shape;
  const payload = Buffer.from((shape.payload ?? "") as string);
  const length = shape.saidLength ?? BigInt(payload.length);
  const bits = shape.lengthBits ?? (length < 126n ? 7 : length < 65_536n ? 16 : 64);
  const head = Buffer.alloc(bits === 7 ? 2 : bits === 16 ? 4 : 10);
  head[0] = (isFinal ? 0x80 : 0) | (rsv << 4) | shape.opcode;
  head[1] = (mask ? 0x80 : 0) | (bits === 7 ? Number(length) : bits === 16 ? 126 : 127);
  if (bits === 16) head.writeUInt16BE(Number(length), 2);
  if (bits === 64) head.writeBigUInt64BE(length, 2);
  if (!mask) return Buffer.concat([head, payload]);
  const masked = Buffer.from(payload);
  for (let i = 0; i < masked.length; i++) masked[i] = (masked[i] as number) ^ (mask[i & 3] as number);
  return Buffer.concat([head, mask, masked]);
}

export const text = (payload: string, shape: Partial<FrameShape> = {}): Buffer =>
  frame({ opcode: TEXT, payload, ...shape });

export function closeFrame(
  code: number | null,
  reason: string | Uint8Array = "",
  shape: Partial<FrameShape> = {},
): Buffer {
  const bytes = Buffer.from(reason as string);
  const payload = Buffer.alloc(code === null ? 0 : 2 + bytes.length);
  if (code !== null) {
    payload.writeUInt16BE(code, 0);
    bytes.copy(payload, 2);
  }
  return frame({ opcode: CLOSE, payload, ...shape });
}

/** A frame as it was received; the reader takes only whole frames. */
export interface SeenFrame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly isMasked: boolean;
  readonly rsv: number;
  readonly payload: Buffer;
}

export function readFrames(bytes: Buffer): { frames: SeenFrame[]; size: number } {
  const frames: SeenFrame[] = [];
  let at = 0;
  for (;;) {
    const seen = readFrame(bytes, at);
    if (!seen) return { frames, size: at };
    frames.push(seen.frame);
    at = seen.end;
  }
}

function readFrame(bytes: Buffer, at: number): { frame: SeenFrame; end: number } | null {
  if (bytes.length < at + 2) return null;
  const first = bytes[at] as number;
  const second = bytes[at + 1] as number;
  const said = second & 0x7f;
  const extra = said === 126 ? 2 : said === 127 ? 8 : 0;
  if (bytes.length < at + 2 + extra) return null;
  const length = extra === 0 ? said : extra === 2 ? bytes.readUInt16BE(at + 2) : Number(bytes.readBigUInt64BE(at + 2));
  const isMasked = second >= 0x80;
  const start = at + 2 + extra + (isMasked ? 4 : 0);
  const end = start + length;
  if (bytes.length < end) return null;
  const payload = Buffer.from(bytes.subarray(start, end));
  if (isMasked)
    for (let i = 0; i < length; i++) payload[i] = (payload[i] as number) ^ (bytes[start - 4 + (i & 3)] as number);
  return { frame: { opcode: first & 0x0f, isFinal: first >= 0x80, isMasked, rsv: (first >> 4) & 7, payload }, end };
}

export const newKey = (): string => randomBytes(16).toString("base64");

export interface HandshakeLines {
  readonly token?: string | null;
  readonly origin?: string | null;
  readonly key?: string | null;
  readonly version?: string | null;
  readonly method?: string;
  readonly httpVersion?: string;
  readonly extra?: readonly string[];
}

/** The head of a handshake; every line can be left out or replaced. */
export function handshake(path: string, lines: HandshakeLines = {}): string {
  const { token = tokenFor("ada"), origin = null, key = newKey(), version = "13", extra = [] } = lines;
  const all = [
    `${lines.method ?? "GET"} ${path} HTTP/${lines.httpVersion ?? "1.1"}`,
    "Host: proxy.test",
    "Connection: Upgrade",
    "Upgrade: websocket",
    ...(version === null ? [] : [`Sec-WebSocket-Version: ${version}`]),
    ...(key === null ? [] : [`Sec-WebSocket-Key: ${key}`]),
    ...(token === null ? [] : [`Authorization: Bearer ${token}`]),
    ...(origin === null ? [] : [`Origin: ${origin}`]),
    ...extra,
  ];
  return `${all.join("\r\n")}\r\n\r\n`;
}

/** A WebSocket client that sends exactly the bytes it is given. */
export class WireClient {
  readonly raw: RawClient;
  readonly reply: RawReply;
  readonly #start: number;

  private constructor(raw: RawClient, reply: RawReply) {
    this.raw = raw;
    this.reply = reply;
    this.#start = raw.received.indexOf("\r\n\r\n") + 4;
  }

  /** Connects and waits for the answer; `behind` goes out in one piece with the head. */
  static async open(port: number, path: string, lines: HandshakeLines = {}, behind: Uint8Array = Buffer.alloc(0)) {
    const raw = await RawClient.connect(port);
    raw.send(Buffer.concat([Buffer.from(handshake(path, lines), "latin1"), behind]));
    return new WireClient(raw, await raw.reply({ withinMs: 8_000 }));
  }

  send(...frames: readonly Uint8Array[]): this {
    this.raw.send(Buffer.concat(frames));
    return this;
  }

  get frames(): readonly SeenFrame[] {
    return readFrames(this.raw.received.subarray(this.#start)).frames;
  }

  get messages(): readonly SeenFrame[] {
    return this.frames.filter(({ opcode }) => opcode <= BINARY);
  }

  get close(): { code: number | null; reason: string } | null {
    const seen = this.frames.find(({ opcode }) => opcode === CLOSE);
    if (!seen) return null;
    if (seen.payload.length < 2) return { code: null, reason: "" };
    return { code: seen.payload.readUInt16BE(0), reason: seen.payload.subarray(2).toString("utf8") };
  }

  async sees(what: string, holds: () => boolean, withinMs = 5_000): Promise<void> {
    await until(what, () => holds() || this.raw.isClosed, withinMs);
    if (!holds()) throw new Error(`the connection ended without: ${what}`);
  }

  async closed(withinMs = 5_000) {
    await until("a close frame or the end of the connection", () => this.close !== null || this.raw.isClosed, withinMs);
    return this.close;
  }

  end(): void {
    this.raw.end();
  }
}
