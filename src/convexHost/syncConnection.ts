import type { Duplex } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { type Alarm, type Timers, createAlarm } from "./alarm.ts";
import type { CallerAuth, FunctionRunner } from "./ports.ts";
import { isRefusal, outcomeOfRefusal } from "./refusals.ts";
import type { Watcher } from "./queryFacts.ts";
import type { Subscriptions } from "./subscriptions.ts";
import { SyncOutbox } from "./syncOutbox.ts";
import { parseClientMessage, ProtocolError } from "./syncParse.ts";
import { openSession, reduce } from "./syncSession.ts";
import { type Call, CLOSE, type Effect, type SessionHappening, type SessionState } from "./syncState.ts";
import { type ServerMessage, encodeServerMessage } from "./syncWire.ts";
import { type Outcome, TransportError } from "./words.ts";

/** What all connections of a server share. */
export interface SyncPorts {
  readonly runner: FunctionRunner;
  readonly auth: CallerAuth;
  readonly clock: () => number;
  readonly timers: Timers;
  readonly subscriptions: Subscriptions;
  claim(sessionId: string, connection: SyncConnection): void;
  forget(sessionId: string, connection: SyncConnection): void;
}

/** For the client to read what waits and to answer the close; then the socket is destroyed. */
const CLOSE_GRACE_MS = 5_000;
/** Of a close frame. */
const REASON_BYTES_MAX = 123;

/** One socket with its session: turns what happens into events, and does the effects. */
export class SyncConnection {
  readonly #socket: WebSocket;
  readonly #ports: SyncPorts;
  readonly #outbox: SyncOutbox;
  readonly #watcher: Watcher;
  readonly #wake: Alarm;
  #state: SessionState;
  /** What happened while effects were being done: their turn comes after. */
  readonly #happened: SessionHappening[] = [];
  #isBusy = false;
  #isClosing = false;
  #cancelDestroy = () => {};
  #transitions = 0;

  /** `wire`: what the socket reads from and writes to. */
  constructor(socket: WebSocket, wire: Duplex, ports: SyncPorts) {
    this.#socket = socket;
    this.#ports = ports;
    this.#outbox = new SyncOutbox(socket, wire);
    this.#watcher = ports.subscriptions.watch((queries) => this.happen({ type: "stale", queries }));
    this.#wake = createAlarm({ clock: ports.clock, timers: ports.timers, ring: () => this.happen({ type: "woke" }) });
    this.#state = openSession(ports.clock());
    socket.on("message", (data, isBinary) => this.#read(data, isBinary));
    socket.on("close", () => this.#gone());
    // "close" follows; without a listener the process would end.
    socket.on("error", () => undefined);
  }

  happen(happening: SessionHappening): void {
    this.#happened.push(happening);
    if (this.#isBusy) return;
    this.#isBusy = true;
    try {
      for (let next = this.#happened.shift(); next !== undefined; next = this.#happened.shift()) this.#step(next);
    } finally {
      this.#isBusy = false;
    }
  }

  #step(happening: SessionHappening): void {
    const event = { ...happening, nowMs: this.#ports.clock(), heardTs: this.#ports.subscriptions.ts };
    const [state, effects] = reduce(this.#state, event);
    this.#state = state;
    for (const effect of effects) this.#do(effect);
  }

  #do(effect: Effect): void {
    switch (effect.type) {
      case "send":
        return this.#send(effect.message);
      case "close":
        return this.#close(effect.code, effect.reason);
      case "claimSession":
        return this.#ports.claim(effect.sessionId, this);
      case "verify":
        return void this.#verify(effect);
      case "wakeAt":
        return this.#wake.set(effect.atMs);
      case "run":
        return void this.#run(effect);
      case "hold":
        return this.#watcher.hold(effect.queryId, effect.fact);
      case "release":
        return this.#ports.subscriptions.release(effect.fact);
      case "drop":
        return this.#watcher.drop(effect.queryId);
      case "call":
        return void this.#call(effect.generation, effect.sessionId, effect.call);
      case "pauseReading":
        return this.#socket.pause();
      case "resumeReading":
        return this.#socket.resume();
    }
  }

  #read(data: RawData, isBinary: boolean): void {
    if (this.#isClosing) return;
    // With the default `binaryType` a message is one Buffer.
    const frame = (data as Buffer).toString();
    try {
      if (isBinary) throw new ProtocolError("expected a text frame, got a binary one");
      this.happen({ type: "received", message: parseClientMessage(frame), frameLength: frame.length });
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.happen({ type: "unreadable", error: error.message });
    }
  }

  #send(message: ServerMessage): void {
    if (this.#isClosing) return;
    this.#transitions += 1;
    try {
      const frames = encodeServerMessage(message, String(this.#transitions));
      // The client makes nothing of a mutation's success before the transition that shows it, which follows.
      const isPartOfNext = message.type === "MutationResponse" && "valueJson" in message.outcome.result;
      if (isPartOfNext) this.#outbox.hold();
      const isFine = this.#outbox.send(frames);
      if (!isPartOfNext) this.#outbox.release();
      if (isFine) return;
      this.happen({ type: "closing", code: CLOSE.tryAgain, reason: "the client reads too slowly" });
    } catch (error) {
      this.#fail(error);
    }
  }

  async #verify({ generation, credential }: Effect & { readonly type: "verify" }): Promise<void> {
    const { auth } = this.#ports;
    try {
      if (credential.tokenType === "User") {
        return this.happen({ type: "verified", generation, caller: await auth.ofToken(credential.value) });
      }
      const { value, actingAs } = credential;
      const caller = actingAs === null ? auth.ofAdminKey(value) : auth.ofAdminKey(value, actingAs);
      this.happen({ type: "verified", generation, caller });
    } catch (error) {
      if (isRefusal(error)) this.happen({ type: "refused", generation, error: error.message });
      else this.#fail(error);
    }
  }

  async #run({ generation, queries, caller, isAlone }: Effect & { readonly type: "run" }): Promise<void> {
    try {
      const answer = await this.#ports.subscriptions.run(queries, caller, isAlone);
      const results = answer.results.flatMap(({ fact, outcome, digest }, at) => {
        const query = queries[at];
        // `staleAt` as it is now: from here on the watcher tells.
        return query === undefined
          ? []
          : [{ queryId: query.queryId, fact, ts: fact.ts, staleAt: fact.staleAt, digest, outcome }];
      });
      this.happen({ type: "ran", generation, ts: answer.ts, results });
    } catch (error) {
      this.#fail(error);
    }
  }

  async #call(generation: number, sessionId: string, call: Call): Promise<void> {
    const { type, requestId, path, component, args } = call.message;
    const isMutation = type === "Mutation";
    try {
      const outcome = await this.#ports.runner.run({
        kind: isMutation ? "mutation" : "action",
        path,
        args,
        caller: call.caller,
        ...(component === "" ? {} : { component }),
        ...(isMutation ? { request: { sessionId, requestId } } : {}),
      });
      this.happen({ type: "answered", generation, outcome });
    } catch (error) {
      this.#callFailed(generation, isMutation, error);
    }
  }

  /**
   * The host could not run it. A mutation is left unanswered and the socket closed: the client connects again and repeats it,
   * and gets its stored outcome if it did happen. An action is never repeated, so its failure is its answer.
   */
  #callFailed(generation: number, isMutation: boolean, error: unknown): void {
    if (isMutation && !isRefusal(error)) return this.#fail(error);
    const refusal =
      error instanceof TransportError ? error : new TransportError(500, "InternalServerError", textOf(error));
    const outcome: Outcome = outcomeOfRefusal(refusal, this.#ports.subscriptions.ts);
    this.happen({ type: "answered", generation, outcome });
  }

  /** The host's own trouble, by the words that make the official client wait before it connects again. */
  #fail(error: unknown): void {
    const isBusy = error instanceof TransportError;
    const reason = isBusy ? `${error.code}: ${error.message}` : `InternalServerError: ${textOf(error)}`;
    this.happen({ type: "closing", code: isBusy ? CLOSE.tryAgain : CLOSE.internal, reason });
  }

  #close(code: number, reason: string): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    this.#outbox.release();
    this.#wake.set(null);
    this.#watcher.close();
    this.#ports.forget(this.#state.sessionId, this);
    this.#cancelDestroy = this.#ports.timers.set(() => this.#socket.terminate(), CLOSE_GRACE_MS);
    // A socket that is not read never sees the answer to its close.
    this.#socket.resume();
    this.#socket.close(
      code,
      Buffer.from(reason)
        .subarray(0, REASON_BYTES_MAX)
        .toString()
        .replace(/\uFFFD+$/, ""),
    );
  }

  #gone(): void {
    this.happen({ type: "disconnected" });
    this.#isClosing = true;
    this.#wake.set(null);
    this.#cancelDestroy();
    this.#watcher.close();
    this.#ports.forget(this.#state.sessionId, this);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
