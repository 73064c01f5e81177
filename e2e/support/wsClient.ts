import type { IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import { within } from "./deadline.ts";
import type { Json } from "./json.ts";

export interface Frame {
  readonly isBinary: boolean;
  readonly data: Buffer;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export interface Refusal {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export interface SocketOptions {
  readonly headers?: Record<string, string>;
  readonly protocols?: string[];
  /** Off: protocol pings stay unanswered, to see what the server does about it. */
  readonly autoPong?: boolean;
  readonly perMessageDeflate?: boolean;
}

/** A handshake that was answered with a plain HTTP status instead of 101. */
export class HandshakeRefused extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal) {
    super(`handshake refused: ${refusal.status} ${refusal.body}`);
    this.refusal = refusal;
  }
}

function createMailbox() {
  const waiting: Frame[] = [];
  const readers: ((frame: Frame) => void)[] = [];
  return {
    waiting,
    put(frame: Frame): void {
      const reader = readers.shift();
      if (reader) reader(frame);
      else waiting.push(frame);
    },
    take(): Promise<Frame> {
      const frame = waiting.shift();
      return frame ? Promise.resolve(frame) : new Promise((resolve) => readers.push(resolve));
    },
  };
}

function readRefusal(response: IncomingMessage): Promise<Refusal> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", reject);
    response.on("end", () => {
      const headers = Object.fromEntries(Object.entries(response.headers).map(([k, v]) => [k, String(v)]));
      resolve({ status: response.statusCode ?? 0, headers, body: Buffer.concat(chunks).toString("utf8") });
    });
  });
}

/** Opens a socket; rejects with HandshakeRefused when the server answers with a status. */
export async function openSocket(url: string, options: SocketOptions = {}) {
  const socket = new WebSocket(url, options.protocols ?? [], {
    headers: options.headers ?? {},
    autoPong: options.autoPong ?? true,
    perMessageDeflate: options.perMessageDeflate ?? false,
    maxPayload: 64 * 1024 * 1024,
  });
  const mailbox = createMailbox();
  const log: Frame[] = [];
  socket.on("message", (data: Buffer, isBinary: boolean) => {
    const frame = { isBinary, data: Buffer.from(data) };
    log.push(frame);
    mailbox.put(frame);
  });
  const closed = new Promise<Closed>((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString("utf8") }));
  });
  let upgradeHeaders: Record<string, string> = {};
  const opened = new Promise<void>((resolve, reject) => {
    socket.on("upgrade", (response) => {
      upgradeHeaders = Object.fromEntries(Object.entries(response.headers).map(([k, v]) => [k, String(v)]));
    });
    socket.on("unexpected-response", (_request, response) => {
      readRefusal(response).then((refusal) => reject(new HandshakeRefused(refusal)), reject);
    });
    socket.on("open", resolve);
    socket.on("error", reject);
  });
  await within(opened, 10_000, `handshake of ${new URL(url).pathname}`);
  return {
    socket,
    /** Every frame received so far, in order. */
    log,
    upgradeHeaders,
    closed: (timeoutMs = 10_000) => within(closed, timeoutMs, "close"),
    send: (frame: Json) =>
      socket.send(typeof frame === "string" || Buffer.isBuffer(frame) ? frame : JSON.stringify(frame)),
    sendBinary: (bytes: Uint8Array) => socket.send(bytes, { binary: true }),
    next: (timeoutMs = 10_000): Promise<Frame> => within(mailbox.take(), timeoutMs, "next frame"),
    async nextJson(timeoutMs = 10_000): Promise<Json> {
      const frame = await within(mailbox.take(), timeoutMs, "next frame");
      if (frame.isBinary) throw new Error("a text frame was expected, a binary one came");
      return JSON.parse(frame.data.toString("utf8"));
    },
    /** Frames received and not yet taken. */
    pending: () => mailbox.waiting.length,
    async close(code = 1000): Promise<Closed> {
      socket.close(code);
      return within(closed, 10_000, "close");
    },
    terminate: () => socket.terminate(),
  };
}

export type Socket = Awaited<ReturnType<typeof openSocket>>;

/** The status and body a refused handshake was answered with; fails when the socket opens. */
export async function refusedHandshake(url: string, options: SocketOptions = {}): Promise<Refusal> {
  try {
    const socket = await openSocket(url, options);
    socket.terminate();
  } catch (error) {
    if (error instanceof HandshakeRefused) return error.refusal;
    throw error;
  }
  throw new Error("the handshake was accepted");
}
