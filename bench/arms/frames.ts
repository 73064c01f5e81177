import { WebSocket } from "ws";
import { VoidMeasurement } from "../lib/void.ts";

const FRAME_MS = 30_000;
const CLOSE_MS = 2_000;
/** More than a correct arm ever leaves unread here. */
const WAITING_MAX = 1_000;

export interface Frames {
  send(data: string | Uint8Array): void;
  /** The next frame. @throws VoidMeasurement when the socket ends, or nothing comes for 30 s */
  next(): Promise<Buffer>;
  close(): Promise<void>;
}

interface Reader {
  readonly resolve: (frame: Buffer) => void;
  readonly reject: (error: Error) => void;
}

/** A socket that is read frame by frame. */
export async function openFrames(url: string, token: string): Promise<Frames> {
  const socket = new WebSocket(url.replace(/^http/, "ws"), {
    headers: { authorization: `Bearer ${token}` },
    perMessageDeflate: false,
    handshakeTimeout: FRAME_MS,
  });
  const waiting: Buffer[] = [];
  let reader: Reader | null = null;
  let failure: Error | null = null;
  const fail = (why: string): void => {
    failure ??= new VoidMeasurement(`${new URL(url).pathname}: ${why}`);
    reader?.reject(failure);
    reader = null;
  };
  socket.on("message", (data: Buffer) => {
    if (reader === null) waiting.push(data);
    else reader.resolve(data);
    reader = null;
    if (waiting.length > WAITING_MAX) fail("too many frames that nobody asked for");
  });
  const closed = new Promise<void>((resolve) => {
    socket.on("close", (code) => {
      fail(`closed with ${code}`);
      resolve();
    });
  });
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve);
    socket.on("error", (error) => {
      fail(error.message);
      reject(new VoidMeasurement(`${new URL(url).pathname}: ${error.message}`));
    });
  });
  return {
    send: (data) => socket.send(data),
    next() {
      const first = waiting.shift();
      if (first !== undefined) return Promise.resolve(first);
      if (failure !== null) return Promise.reject(failure);
      const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
      reader = { resolve, reject };
      const late = setTimeout(() => fail(`no frame within ${FRAME_MS / 1_000} s`), FRAME_MS);
      return promise.finally(() => clearTimeout(late));
    },
    async close() {
      socket.close(1000);
      const late = setTimeout(() => socket.terminate(), CLOSE_MS);
      await closed;
      clearTimeout(late);
    },
  };
}
