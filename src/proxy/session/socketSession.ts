import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Arm, Decision, Subject } from "../../kernel/index.ts";
import type { Instance } from "../arms.ts";
import type { SocketTap } from "../ports.ts";
import type { Environment } from "../core.ts";
import { createPace, type Pace } from "../rateLimit.ts";
import type { Route } from "../routeTable.ts";
import type { FrameTally } from "./frameTally.ts";
import { closeLabel, cutReason, violationCode } from "./closeCodes.ts";
import { type Effect, type SessionEvent, type SessionState, startSession, step } from "./reducer.ts";
import { readWholeFrames } from "./wholeFrames.ts";
import { serverFrame, SMALL_MESSAGE_BYTES } from "./serverFrame.ts";

export interface SocketLimits {
  readonly messagesPerSecond: number;
  readonly messageBytesMax: number;
  readonly armMessageBytesMax: number;
  readonly pingsPerSecondMax: number;
  readonly floodMs: number;
  readonly bufferBytesMax: number;
  readonly slowReaderMs: number;
  readonly closeMs: number;
}

export interface SessionParts {
  readonly env: Environment;
  readonly route: Route;
  readonly subject: Subject;
  readonly address: string;
  readonly requestId: string;
  readonly decision: Decision;
  readonly instance: Instance;
  readonly client: WebSocket;
  /** What the client's WebSocket writes to. */
  readonly clientSocket: Duplex;
  readonly leg: WebSocket;
  readonly limits: SocketLimits;
  readonly frames: FrameTally;
  readonly tap: SocketTap | null;
  /** How long a lost leg's clients are spread (handoff.md §10). */
  spreadMs(subject: Subject): number;
  onClosed(session: SocketSession): void;
  /** A turn has ended, or the leg is closed: whoever waits for the subject to be quiet goes on. */
  onEnded(session: SocketSession): void;
}

/** Reading goes on below a quarter of the buffer's limit (handoff.md S2). */
const RESUME_SHARE = 4;

// Made once: every frame is sent with one of the two.
const AS_TEXT = { binary: false, compress: false };
const AS_BINARY = { binary: true, compress: false };

/** Of a frame (RFC 6455 §5.2). */
const HEADER_BYTES_MAX = 14;

const PINGS_MISSED_MAX = 2;

/** Does what the reducer says: owns both sockets, the timers, back-pressure and the pace. */
export class SocketSession {
  readonly parts: SessionParts;
  readonly openedAtMs: number;
  #state: SessionState;
  #frame: { isBinary: boolean; data: Buffer } | null = null;
  readonly #timers = new Map<string, () => void>();
  readonly #messagePace: Pace;
  readonly #pingPace: Pace;
  readonly #clientPauses = new Set<PauseReason>();
  readonly #legPauses = new Set<PauseReason>();
  #paceUntilMs = 0;
  #missedClient = 0;
  #missedLeg = 0;
  #closeCode: number | null = null;
  readonly #labels: { readonly route: string; readonly arm: Arm };
  readonly #onLegSent: (error?: Error | null) => void;
  readonly #onClientSent: (error?: Error | null) => void;

  constructor(parts: SessionParts) {
    this.parts = parts;
    const { env, route, decision, limits } = parts;
    this.openedAtMs = env.clock.now();
    this.#labels = { route: route.id, arm: decision.arm };
    const codec = env.application.codecs.get(route.config.codec) ?? null;
    this.#state = startSession(decision.arm, codec);
    if (codec !== null && this.#state.codec === null) env.metrics.codecDisabled.inc({ surface: route.config.codec });
    this.#messagePace = createPace(limits.messagesPerSecond, limits.floodMs);
    this.#pingPace = createPace(limits.pingsPerSecondMax, limits.floodMs);
    this.#onLegSent = () => this.#relax("client");
    this.#onClientSent = () => this.#relax("leg");
    this.#listen();
  }

  get arm(): Arm {
    return this.#state.arm;
  }

  get phase(): SessionState["phase"] {
    return this.#state.phase;
  }

  get openTurns(): number {
    const { codec, codecState, isLegOpen } = this.#state;
    return isLegOpen ? (codec?.openTurns(codecState) ?? 0) : 0;
  }

  get isLegClosed(): boolean {
    const { leg } = this.parts;
    return leg.readyState === leg.CLOSED;
  }

  goTo(arm: Arm, delayMs: number, capMs: number): void {
    this.dispatch({ type: "decided", arm, delayMs, capMs });
  }

  dispatch(event: SessionEvent): void {
    const [state, effects] = step(this.#state, event);
    this.#state = state;
    for (const effect of effects) this.#apply(effect);
  }

  // Listeners are set once and stay (handoff.md G4).
  #listen(): void {
    const { client, leg } = this.parts;
    const { messageBytesMax, armMessageBytesMax } = this.parts.limits;
    const onClientMessage = (data: Buffer, isBinary: boolean): void => this.#onClientMessage(data, isBinary);
    client.on("message", onClientMessage);
    readWholeFrames(client, { isMasked: true, messageBytesMax, onMessage: onClientMessage });
    client.on("close", (code, reason) => this.#onClientClose(code, reason.toString("utf8")));
    // ws closes with the right code itself; "close" follows, but with 1006, for the client sent no code.
    client.on("error", (error: Error & { code?: string }) => {
      this.#closeCode ??= violationCode(error.code ?? "");
    });
    client.on("ping", (data) => {
      client.pong(data);
      this.#onClientControl();
    });
    client.on("pong", () => this.#onClientControl());
    const gen = this.#state.gen;
    const onLegMessage = (data: Buffer, isBinary: boolean): void => this.#onLegMessage(gen, data, isBinary);
    leg.on("message", onLegMessage);
    readWholeFrames(leg, { isMasked: false, messageBytesMax: armMessageBytesMax, onMessage: onLegMessage });
    leg.on("close", (code, reason) => this.#onLegClose(gen, code, reason.toString("utf8")));
    leg.on("error", (error: Error & { code?: string }) => {
      // The next connection would get the same message again: no reason to come back (security X1).
      if (error.code !== "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH") return;
      this.dispatch({ type: "limit", code: 1009, reason: "Message too big" });
    });
    const onLegControl = (): void => {
      this.#missedLeg = 0;
    };
    leg.on("ping", onLegControl);
    leg.on("pong", onLegControl);
  }

  #onClientMessage(data: Buffer, isBinary: boolean): void {
    this.#missedClient = 0;
    const { limits, env } = this.parts;
    if (data.length > limits.messageBytesMax) {
      this.dispatch({ type: "limit", code: 1009, reason: "Message too big" });
      return;
    }
    const waitMs = this.#messagePace.count(env.clock.monotonic());
    if (waitMs !== 0) this.#slowDown(waitMs);
    const frame = { isBinary, data };
    this.#frame = frame;
    this.dispatch({ type: "client-frame", frame });
  }

  #onLegMessage(gen: number, data: Buffer, isBinary: boolean): void {
    this.#missedLeg = 0;
    const frame = { isBinary, data };
    this.#frame = frame;
    const before = this.#state.codecState;
    this.dispatch({ type: "arm-frame", gen, frame });
    if (this.#state.codecState !== before) this.parts.onEnded(this);
  }

  #onClientControl(): void {
    this.#missedClient = 0;
    const waitMs = this.#pingPace.count(this.parts.env.clock.monotonic());
    if (waitMs !== 0) this.#slowDown(waitMs);
  }

  #slowDown(waitMs: number): void {
    if (waitMs < 0) {
      this.dispatch({ type: "limit", code: 1008, reason: "rate" });
      return;
    }
    this.#pause("client", "pace");
    const untilMs = this.parts.env.clock.monotonic() + waitMs;
    // Two paces, one pause: the longer wait counts.
    if (this.#timers.has("pace") && untilMs <= this.#paceUntilMs) return;
    this.#paceUntilMs = untilMs;
    const { floodMs } = this.parts.limits;
    if (waitMs <= floodMs) this.#timer("pace", waitMs, () => this.#unpause("client", "pace"));
    // So much in one piece that calm could not come in time: over when its time is over.
    else this.#timer("pace", floodMs, () => this.dispatch({ type: "limit", code: 1008, reason: "rate" }));
  }

  #onClientClose(code: number, reason: string): void {
    const { env, instance } = this.parts;
    const sent = this.#closeCode ?? code;
    this.parts.tap?.closed("client", sent);
    this.dispatch({ type: "client-closed", code, reason });
    for (const cancel of this.#timers.values()) cancel();
    this.#timers.clear();
    instance.sockets--;
    env.metrics.sockets.dec(this.#labels);
    env.metrics.socketCloses.inc({ ...this.#labels, code: closeLabel(sent) });
    this.parts.onClosed(this);
  }

  #onLegClose(gen: number, code: number, reason: string): void {
    const { env, subject } = this.parts;
    env.metrics.socketArmCloses.inc({ ...this.#labels, code: closeLabel(code) });
    this.parts.tap?.closed("arm", code);
    this.dispatch({ type: "arm-closed", gen, code, reason, delayMs: this.parts.spreadMs(subject) });
    this.parts.onEnded(this);
  }

  #apply(effect: Effect): void {
    const { env, client, leg } = this.parts;
    switch (effect.type) {
      case "to-arm":
        this.#relay(leg, "client");
        break;
      case "to-client":
        this.#relay(client, "leg");
        break;
      case "close-client":
        this.#closeClient(effect.code, effect.reason);
        break;
      case "close-arm":
        this.#closeArm(effect.code, effect.reason);
        break;
      case "timer":
        this.#timer(effect.name, effect.ms, () => this.dispatch({ type: effect.name }));
        break;
      case "cancel-timers":
        this.#cancel("leave-due");
        this.#cancel("leave-cap");
        break;
      case "pause-client":
        this.#pause("client", "leg-lost");
        break;
      case "dropped":
        env.metrics.socketFramesDropped.inc({ reason: effect.reason });
        break;
      case "stale":
        env.metrics.staleEvents.inc();
        break;
      case "codec-off":
        env.metrics.codecDisabled.inc({ surface: this.parts.route.config.codec });
        break;
    }
  }

  /** Sends the frame in hand on; what waits behind a slow reader makes the other side wait (handoff.md S1, S2). */
  #relay(to: WebSocket, source: Side): void {
    const frame = this.#frame;
    if (frame === null) return;
    if (to.readyState !== to.OPEN) {
      this.parts.env.metrics.socketFramesDropped.inc({ reason: "closing" });
      return;
    }
    // Only what queues up beyond the mark for reading on needs to tell when it has left: a callback costs a tick of the
    // loop for each message. An error of the socket ends in "close" either way.
    const { bufferBytesMax } = this.parts.limits;
    const isQueue = to.bufferedAmount + frame.data.length + HEADER_BYTES_MAX > bufferBytesMax / RESUME_SHARE;
    const onSent = isQueue ? (source === "client" ? this.#onLegSent : this.#onClientSent) : undefined;
    if (source === "leg" && frame.data.length <= SMALL_MESSAGE_BYTES) {
      // The library writes to the same socket and, without compression, keeps nothing back: the order holds.
      this.parts.clientSocket.write(serverFrame(frame.data, frame.isBinary), onSent);
    } else to.send(frame.data, frame.isBinary ? AS_BINARY : AS_TEXT, onSent);
    const { frames, tap } = this.parts;
    if (source === "client") {
      frames.in++;
      tap?.fromClient(frame);
    } else {
      frames.out++;
      tap?.fromArm(frame);
    }
    if (to.bufferedAmount > bufferBytesMax) this.#wait(source);
  }

  #wait(source: Side): void {
    this.#pause(source, "slow");
    const slowTimer = source === "client" ? "slow-leg" : "slow-client";
    if (this.#timers.has(slowTimer)) return;
    this.#timer(slowTimer, this.parts.limits.slowReaderMs, () =>
      this.dispatch({ type: "limit", code: 1013, reason: "Slow consumer" }),
    );
  }

  #relax(source: Side): void {
    const pauses = source === "client" ? this.#clientPauses : this.#legPauses;
    if (!pauses.has("slow")) return;
    const to = source === "client" ? this.parts.leg : this.parts.client;
    if (to.bufferedAmount > this.parts.limits.bufferBytesMax / RESUME_SHARE) return;
    this.#cancel(source === "client" ? "slow-leg" : "slow-client");
    this.#unpause(source, "slow");
  }

  #pause(side: Side, reason: PauseReason): void {
    const pauses = side === "client" ? this.#clientPauses : this.#legPauses;
    if (pauses.has(reason)) return;
    pauses.add(reason);
    this.parts.env.metrics.socketPauses.inc({ reason });
    (side === "client" ? this.parts.client : this.parts.leg).pause();
  }

  #unpause(side: Side, reason: PauseReason): void {
    const pauses = side === "client" ? this.#clientPauses : this.#legPauses;
    pauses.delete(reason);
    if (pauses.size === 0) (side === "client" ? this.parts.client : this.parts.leg).resume();
  }

  #closeClient(code: number | null, reason: string): void {
    const { client, limits } = this.parts;
    this.#closeCode = code ?? 1005;
    this.parts.tap?.closed("proxy", this.#closeCode); // unless one of the sides was first
    // A paused socket would never read the client's answer to the close.
    this.#clientPauses.clear();
    client.resume();
    if (code === null) client.close();
    else client.close(code, cutReason(reason));
    // The close may wait behind a reader that does not read; it is over then all the same.
    this.#timer("close", limits.closeMs, () => {
      if (client.bufferedAmount > 0) this.parts.env.metrics.socketFramesDropped.inc({ reason: "closing" });
      client.terminate();
    });
  }

  #closeArm(code: number | null, reason: string): void {
    const { leg } = this.parts;
    // The same: its answer to the close must be read, what comes before it is dropped and counted.
    this.#legPauses.clear();
    leg.resume();
    if (code === null) leg.close();
    else leg.close(code, cutReason(reason));
  }

  /** Called every ping interval. A side that is paused cannot answer and is not asked. */
  keepAlive(): void {
    const { client, leg } = this.parts;
    if (client.readyState === client.OPEN && !client.isPaused) {
      this.#missedClient++;
      client.ping();
    }
    if (leg.readyState === leg.OPEN && !leg.isPaused) {
      this.#missedLeg++;
      leg.ping();
    }
  }

  /** Called a quarter of an interval later: two pings without any sign of life and the side is gone (security X6). */
  endIfSilent(): void {
    const { client, leg } = this.parts;
    if (this.#missedClient >= PINGS_MISSED_MAX && !client.isPaused) client.terminate();
    if (this.#missedLeg >= PINGS_MISSED_MAX && !leg.isPaused) leg.terminate();
  }

  /** Stops at once: the drain's time is over. */
  terminate(): void {
    this.parts.leg.terminate();
    this.parts.client.terminate();
  }

  #timer(name: string, ms: number, run: () => void): void {
    this.#cancel(name);
    const cancel = this.parts.env.clock.after(ms, () => {
      this.#timers.delete(name);
      run();
    });
    this.#timers.set(name, cancel);
  }

  #cancel(name: string): void {
    this.#timers.get(name)?.();
    this.#timers.delete(name);
  }
}

type Side = "client" | "leg";
type PauseReason = "slow" | "pace" | "leg-lost";
