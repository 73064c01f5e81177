// One socket from the service's side: ordered sending with limits (contract G12), keep-alive, and the socket faults.
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { spoilJson } from "../faults/spoilJson.ts";
import { type Faultable, numberArg, type Switchboard } from "../faults/switchboard.ts";
import type { Metrics } from "../metrics.ts";

const FRAMES_WAITING_MAX = 1_000;
const BYTES_WAITING_MAX = 16 * 1_048_576;
const PING_MS = 20_000;
const HELD_MS = 500;

export type SocketSurface = "tutor" | "whiteboard";

export interface Channel {
  readonly surface: SocketSurface;
  readonly at: Faultable;
  readonly requestId: string;
  readonly isOpen: boolean;
  /** Frames handed to the socket and not yet taken by the kernel. */
  readonly waitingFrames: number;
  /** JSON text; `isReply` marks what answers an inbound frame (the faults of answers act on it). */
  sendText(text: string, type: string, isReply?: boolean): void;
  sendBytes(bytes: Uint8Array): void;
  close(code: number, reason: string): void;
}

export interface ChannelDeps {
  readonly faults: Switchboard;
  readonly metrics: Metrics;
  readonly pingMs?: number;
}

interface Outgoing {
  readonly data: string | Uint8Array;
  readonly type: string;
}

export function createChannel(
  ws: WebSocket,
  raw: Socket,
  identity: { readonly surface: SocketSurface; readonly at: Faultable; readonly requestId: string },
  { faults, metrics, pingMs = PING_MS }: ChannelDeps,
): Channel & { readonly fallSilent: () => void } {
  const { surface, at } = identity;
  let waitingFrames = 0;
  let waitingBytes = 0;
  let isSilent = false;
  let held: Outgoing | null = null;
  let tail: Promise<void> | null = null;

  const isOpen = (): boolean => ws.readyState === WebSocket.OPEN;

  function transmit({ data, type }: Outgoing): void {
    if (!isOpen() || isSilent) return;
    const size = typeof data === "string" ? Buffer.byteLength(data) : data.length;
    waitingFrames += 1;
    waitingBytes += size;
    metrics.wsFrames.labels({ surface, direction: "out", type }).inc();
    ws.send(data, () => {
      waitingFrames -= 1;
      waitingBytes -= size;
    });
    if (waitingFrames > FRAMES_WAITING_MAX || waitingBytes > BYTES_WAITING_MAX) ws.close(1013, "Slow consumer");
  }

  /** `reorder-frames`: one frame is held until the next has gone, at most half a second. */
  function pass(frame: Outgoing): void {
    if (held) {
      const first = held;
      held = null;
      transmit(frame);
      transmit(first);
      return;
    }
    if (!faults.fire("reorder-frames", at)) return transmit(frame);
    held = frame;
    setTimeout(() => {
      if (held !== frame) return;
      held = null;
      transmit(frame);
    }, HELD_MS).unref();
  }

  function spoil(frame: Outgoing): void {
    if (faults.fire("drop-frame", at)) return;
    const data = typeof frame.data === "string" ? spoilJson(frame.data, faults, at) : frame.data;
    pass({ ...frame, data });
    if (faults.fire("dup-frame", at)) pass({ ...frame, data });
    if (faults.fire("extra-frame", at)) pass({ data: '{"type":"noise"}', type: "other" });
  }

  function answerFaults(): number {
    if (faults.fire("reset", at)) {
      raw.resetAndDestroy();
      isSilent = true;
    }
    if (faults.fire("hang", at)) isSilent = true;
    const slow = faults.fire("slow-reply", at);
    return slow ? numberArg(slow, 1_000) : 0;
  }

  function send(frame: Outgoing, isReply: boolean): void {
    const delayMs = isReply ? answerFaults() : 0;
    if (delayMs === 0 && !tail) return spoil(frame);
    // Once one frame is delayed the later ones queue behind it.
    const mine: Promise<void> = (tail ?? Promise.resolve())
      .then(() => new Promise<void>((resolve) => setTimeout(resolve, delayMs)))
      .then(() => spoil(frame))
      .finally(() => {
        if (tail === mine) tail = null;
      });
    tail = mine;
  }

  let isPongDue = false;
  const pinger = setInterval(() => {
    if (isSilent || !isOpen()) return;
    if (isPongDue) return ws.close(1011, "keepalive ping timeout");
    isPongDue = true;
    ws.ping();
  }, pingMs);
  pinger.unref();
  ws.on("pong", () => {
    isPongDue = false;
  });

  metrics.wsConnections.labels({ surface }).inc();
  ws.on("error", () => undefined);
  ws.on("close", (code) => {
    clearInterval(pinger);
    metrics.wsConnections.labels({ surface }).dec();
    metrics.wsCloses.labels({ surface, code: String(code) }).inc();
  });

  return {
    ...identity,
    get isOpen() {
      return isOpen();
    },
    get waitingFrames() {
      return waitingFrames;
    },
    sendText: (text, type, isReply = false) => send({ data: text, type }, isReply),
    sendBytes: (bytes) => send({ data: bytes, type: "update" }, false),
    close: (code, reason) => ws.close(code, reason),
    fallSilent() {
      isSilent = true;
      ws.pause();
    },
  };
}

/** `half-open`: from here on nothing is read or written. */
export function halfOpen(channel: ReturnType<typeof createChannel>, faults: Switchboard): boolean {
  if (!faults.fire("half-open", channel.at)) return false;
  channel.fallSilent();
  return true;
}

export type InboundVerdict = "handle" | "ignore";

/** Faults that act on an inbound frame, before anything else sees it. */
export function inboundFaults(channel: ReturnType<typeof createChannel>, faults: Switchboard): InboundVerdict {
  const { at } = channel;
  if (halfOpen(channel, faults)) return "ignore";
  if (faults.fire("close-1011", at)) {
    channel.close(1011, "Internal error");
    return "ignore";
  }
  return faults.fire("drop-inbound", at) ? "ignore" : "handle";
}
