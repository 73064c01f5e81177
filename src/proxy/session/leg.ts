import type { ClientRequest, IncomingMessage } from "node:http";
import { WebSocket } from "ws";
import type { LimitsConfig } from "../../config/index.ts";
import { type Clock, SwitchyardError } from "../../kernel/index.ts";
import type { Instance } from "../arms.ts";
import { toUpstreamError } from "../upstreamError.ts";

/** What a leg's handshake carries: built by us from an allow-list, nothing of the client's head crosses (security W5). */
export interface LegRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

export type LegResult =
  | { readonly kind: "open"; readonly leg: WebSocket; readonly replyHeaders: IncomingMessage["headers"] }
  /** The arm's own answer, passed on with its status (handoff.md §5 "Handshake"). */
  | { readonly kind: "refused"; readonly status: number; readonly contentType: string | null; readonly body: Buffer }
  | { readonly kind: "failed"; readonly error: SwitchyardError; readonly isUnsent: boolean };

const REFUSAL_BYTES_MAX = 64 * 1024;

export interface LegHooks {
  readonly clock: Clock;
  /** The client is gone: the leg is not needed any more. */
  readonly signal: AbortSignal;
  onOpen(result: Extract<LegResult, { kind: "open" }>): void;
}

/**
 * Opens a leg to one instance. `onOpen` runs in the same turn in which the leg opens, before any frame of the arm can
 * arrive, so that none is lost between the two handshakes. Settles once; never rejects.
 */
export function openLeg(
  instance: Instance,
  request: LegRequest,
  limits: LimitsConfig,
  hooks: LegHooks,
): Promise<LegResult> {
  const { promise, resolve } = Promise.withResolvers<LegResult>();
  const watch = watchConnecting(limits, hooks.clock, (isUnsent) => {
    resolve({ kind: "failed", error: tooSlow(), isUnsent });
    leg.terminate();
  });
  const leg = new WebSocket(`${instance.origin.replace(/^http/, "ws")}/`, {
    agent: false, // a kept connection could end just when the handshake is sent on it
    headers: request.headers,
    perMessageDeflate: false, // security W6
    maxPayload: limits.armMessageBytesMax,
    maxFragments: limits.fragmentsMax,
    maxBufferedChunks: limits.chunksMax,
    closeTimeout: limits.closeMs,
    followRedirects: false, // a reply selects no host (security F17)
    ...instance.tls,
    // The path goes out as it was routed: the URL parser behind the address would re-encode it (security T1).
    finishRequest: (req: ClientRequest) => {
      req.path = request.path;
      watch.follow(req);
      req.end();
    },
  } as ConstructorParameters<typeof WebSocket>[2]);
  const abort = (): void => leg.terminate();
  hooks.signal.addEventListener("abort", abort, { once: true });
  const settle = (result: LegResult): void => {
    watch.stop();
    hooks.signal.removeEventListener("abort", abort);
    resolve(result);
  };
  let replyHeaders: IncomingMessage["headers"] = {};
  leg.once("upgrade", (reply) => {
    replyHeaders = reply.headers;
  });
  leg.once("open", () => {
    const result = { kind: "open", leg, replyHeaders } as const;
    settle(result);
    if (hooks.signal.aborted) leg.terminate();
    else hooks.onOpen(result);
  });
  leg.once("unexpected-response", (req, reply) => {
    watch.reply = reply;
    void readRefusal(reply).then((refused) => {
      req.destroy();
      settle(refused);
    });
  });
  // Stays for the leg's life: an error without a listener would end the process (security W7).
  leg.on("error", (error) => settle({ kind: "failed", ...failure(error) }));
  if (hooks.signal.aborted) abort();
  return promise;
}

/** Bounds the whole handshake, whatever trickles in, and the connecting on its own: nothing was sent until then. */
function watchConnecting(limits: LimitsConfig, clock: Clock, onLate: (isUnsent: boolean) => void) {
  let cancelConnect = (): void => {};
  const watch = {
    /** The arm's refusal, once its head is there: then its body is cut and the status stands. */
    reply: null as IncomingMessage | null,
    follow(req: ClientRequest): void {
      req.once("socket", (socket) => {
        if (!socket.connecting) return;
        cancelConnect = clock.after(limits.armConnectMs, () => onLate(true));
        socket.once("connect", cancelConnect);
      });
    },
    stop(): void {
      cancelConnect();
      cancelAll();
    },
  };
  const cancelAll = clock.after(limits.upgradeMs, () => (watch.reply ? watch.reply.destroy() : onLate(false)));
  return watch;
}

const tooSlow = (): SwitchyardError => new SwitchyardError("SY_UPSTREAM_TIMEOUT", "the backend did not answer in time");

function failure(error: Error): { error: SwitchyardError; isUnsent: boolean } {
  const mapped = toUpstreamError(error);
  return { error: mapped, isUnsent: mapped.code === "SY_UPSTREAM_REFUSED" };
}

async function readRefusal(reply: IncomingMessage): Promise<LegResult> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of reply) {
      bytes += (chunk as Buffer).length;
      if (bytes > REFUSAL_BYTES_MAX) break;
      chunks.push(chunk as Buffer);
    }
  } catch {
    chunks.length = 0; // half a body explains nothing; the status stands
  }
  const status = reply.statusCode ?? 502;
  // A success or a redirect is no refusal, and no handshake either (security F15).
  if (status < 400) {
    const error = new SwitchyardError("SY_UPSTREAM_RESET", "the backend answered the handshake with something else");
    return { kind: "failed", error, isUnsent: false };
  }
  return { kind: "refused", status, contentType: reply.headers["content-type"] ?? null, body: Buffer.concat(chunks) };
}
