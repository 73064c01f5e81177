import { isUtf8 } from "node:buffer";
import type { Writable } from "node:stream";
import type { WebSocket } from "ws";
import { SMALL_MESSAGE_BYTES } from "./serverFrame.ts";

/**
 * Small messages that arrive whole, as nearly all of a lesson's and a board's do, are read straight from the bytes that
 * came; everything else (control frames, fragments, what came in pieces, every violation) is the library's, which also
 * keeps its order: nothing is read here while it holds a part of something. RFC 6455 §5.2, bench `ws`.
 */
export function readWholeFrames(socket: WebSocket, options: WholeFrames): void {
  const receiver = (socket as { readonly _receiver?: Receiver })._receiver;
  if (!receiver) return;
  const writeToLibrary = receiver.write.bind(receiver);
  const { isMasked, messageBytesMax, onMessage } = options;
  const bytesMax = Math.min(messageBytesMax, SMALL_MESSAGE_BYTES);
  receiver.write = (chunk: Buffer): boolean => {
    let at = 0;
    while (at < chunk.length && isIdle(receiver)) {
      const opcode = (chunk[at] as number) ^ FIN;
      const from = payloadAt(chunk, at, isMasked);
      if (from === 0 || (opcode !== TEXT && opcode !== BINARY)) break;
      const to = from + lengthAt(chunk, at);
      if (to > chunk.length || to - from > bytesMax) break;
      if (isMasked) toggleMask(chunk, from, to);
      const payload = chunk.subarray(from, to);
      if (opcode === TEXT && !isUtf8(payload)) {
        if (isMasked) toggleMask(chunk, from, to);
        break;
      }
      at = to;
      onMessage(payload, opcode === BINARY);
    }
    if (at === chunk.length) return true;
    return writeToLibrary(at === 0 ? chunk : chunk.subarray(at));
  };
}

export interface WholeFrames {
  /** As what a client sends is. */
  readonly isMasked: boolean;
  readonly messageBytesMax: number;
  /** The listener of the socket's "message". */
  readonly onMessage: (data: Buffer, isBinary: boolean) => void;
}

const FIN = 0x80;
const TEXT = 0x1;
const BINARY = 0x2;
const MASKED = 0x80;
const LENGTH = 0x7f;
const LENGTH_16 = 126;
const MASK_BYTES = 4;

/** The library's own state; a version that names it differently is never idle, and reads everything itself. */
interface Receiver extends Writable {
  readonly _state?: number;
  readonly _bufferedBytes?: number;
  readonly _fragmented?: number;
  readonly _opcode?: number;
  readonly _errored?: boolean;
  write(chunk: Buffer): boolean;
}

const AT_A_FRAMES_BEGIN = 0;
const CLOSE = 0x8;

const isIdle = (receiver: Receiver): boolean =>
  receiver._state === AT_A_FRAMES_BEGIN &&
  receiver._bufferedBytes === 0 &&
  receiver._fragmented === 0 &&
  receiver._errored === false &&
  receiver._opcode !== CLOSE;

/** 0: the header is not whole, or of another shape. */
function payloadAt(chunk: Buffer, at: number, isMasked: boolean): number {
  const second = chunk[at + 1];
  if (second === undefined || (second & MASKED) !== (isMasked ? MASKED : 0)) return 0;
  const length = second & LENGTH;
  if (length > LENGTH_16) return 0;
  const from = at + (length === LENGTH_16 ? 4 : 2) + (isMasked ? MASK_BYTES : 0);
  return from <= chunk.length ? from : 0;
}

function lengthAt(chunk: Buffer, at: number): number {
  const length = (chunk[at + 1] as number) & LENGTH;
  return length < LENGTH_16 ? length : chunk.readUInt16BE(at + 2);
}

/** Masks or unmasks the bytes in place; the mask lies before them (RFC 6455 §5.3). */
function toggleMask(chunk: Buffer, from: number, to: number): void {
  const a = chunk[from - 4] as number;
  const b = chunk[from - 3] as number;
  const c = chunk[from - 2] as number;
  const d = chunk[from - 1] as number;
  let at = from;
  for (; at + 3 < to; at += MASK_BYTES) {
    chunk[at] = (chunk[at] as number) ^ a;
    chunk[at + 1] = (chunk[at + 1] as number) ^ b;
    chunk[at + 2] = (chunk[at + 2] as number) ^ c;
    chunk[at + 3] = (chunk[at + 3] as number) ^ d;
  }
  if (at < to) chunk[at] = (chunk[at] as number) ^ a;
  if (at + 1 < to) chunk[at + 1] = (chunk[at + 1] as number) ^ b;
  if (at + 2 < to) chunk[at + 2] = (chunk[at + 2] as number) ^ c;
}
