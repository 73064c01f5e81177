import type { LimitsConfig } from "../../config/index.ts";
import type { Arm, RouteId, Subject, UnitId } from "../../kernel/index.ts";
import { rendezvous } from "../arms.ts";
import { type Core, decideRoute, type Environment } from "../core.ts";
import { createFrameTallies, type FrameTally } from "./frameTally.ts";
import type { SocketSession } from "./socketSession.ts";

/** Every open client socket of this process: counted, pinged, re-decided, drained. */
export interface SocketRegistry {
  add(session: SocketSession): void;
  remove(session: SocketSession): void;
  /** A turn of it has ended, or its leg is closed. */
  ended(session: SocketSession): void;
  /** Open plus being opened, for the limits. */
  countOf(subject: Subject): number;
  countAt(address: string): number;
  reserve(subject: Subject, address: string): () => void;
  readonly size: number;
  /** Open, or with a leg that still is. */
  of(subject: Subject, unit?: UnitId): readonly SocketSession[];
  /**
   * Asks every session's decision again, in slices, so that calls are served in between. Does nothing while epoch and
   * configuration are the ones it asked for last: quiet flags are confirmed every few seconds.
   */
  redecide(): void;
  /** Spread of a subject's close: the same for all its sockets, different between subjects (handoff.md §10). */
  spreadMs(subject: Subject): number;
  /** Closes all with 1012 over `spreadMs`; resolves when none is left or `capMs` is over, then cuts the rest. */
  drain(spreadMs: number, capMs: number): Promise<void>;
  framesOf(route: RouteId, arm: Arm): FrameTally;
  /** Cuts what is open. */
  stop(): void;
}

const NONE: readonly SocketSession[] = [];
const SLICE = 500;
const DECISION_CAP_MS = 120_000;
/** All have gone before the cap of a drain, whatever their number (handoff.md §10, §11). */
const SPREAD_MS_MAX = 110_000;

/** `core` is asked each time: after a reload a route may stand in another unit. */
export function createSocketRegistry(env: Environment, core: () => Core): SocketRegistry {
  const limits = (): LimitsConfig => core().config.limits;
  const sessions = new Set<SocketSession>();
  const ofSubject = new Map<Subject, Set<SocketSession>>();
  const bySubject = new Counter();
  const byAddress = new Counter();
  let round = 0;
  let decided = { epoch: env.flags.state.data.epoch, under: limits() };
  let draining: { readonly overMs: number } | null = null;
  let onEmpty: (() => void) | null = null;

  const spreadMs = (subject: Subject): number => {
    const { closeSpreadMs, closesPerSecond } = limits();
    const spread = Math.min(SPREAD_MS_MAX, Math.max(closeSpreadMs, (sessions.size / closesPerSecond) * 1_000));
    return share(subject, env.flags.state.data.epoch) * spread;
  };
  const redecideOne = (session: SocketSession): void => {
    const { route, subject } = session.parts;
    const { arm } = decideRoute(env, core().routes.byId(route.id) ?? route, subject);
    if (env.seats !== null && route.unit.fixed === null) env.seats.redecide(route.unit.id, subject, arm);
    else session.dispatch({ type: "decided", arm, delayMs: spreadMs(subject), capMs: DECISION_CAP_MS });
  };
  const redecide = (): void => {
    const { epoch } = env.flags.state.data;
    if (epoch === decided.epoch && limits() === decided.under) return;
    decided = { epoch, under: limits() };
    const mine = ++round;
    const waiting = [...sessions];
    let at = 0;
    const slice = (): void => {
      if (mine !== round) return; // a newer epoch starts over from the first
      for (const end = Math.min(at + SLICE, waiting.length); at < end; at++) redecideOne(waiting[at] as SocketSession);
      if (at < waiting.length) setImmediate(slice);
    };
    slice();
  };
  const forget = (session: SocketSession): void => {
    const { subject } = session.parts;
    const own = ofSubject.get(subject);
    own?.delete(session);
    if (own?.size === 0) ofSubject.delete(subject);
  };
  const sendAway = (session: SocketSession, overMs: number): void =>
    session.dispatch({ type: "drain", delayMs: Math.random() * overMs, capMs: overMs });
  const frames = createFrameTallies(env.metrics);
  const pings = startPings(env, limits, frames.flush);
  return {
    add(session) {
      const { subject, route } = session.parts;
      sessions.add(session);
      pings.add(session);
      const own = ofSubject.get(subject) ?? new Set();
      ofSubject.set(subject, own.add(session));
      // Its handshake was under way when the flags changed or the drain began: nobody has told it yet.
      if (draining) sendAway(session, draining.overMs);
      else {
        env.seats?.opened(route.unit.id, subject, session);
        if (session.parts.decision.epoch !== env.flags.state.data.epoch) redecideOne(session);
      }
    },
    remove(session) {
      sessions.delete(session);
      pings.remove(session);
      if (session.isLegClosed) forget(session);
      if (sessions.size === 0) onEmpty?.();
    },
    ended(session) {
      if (session.isLegClosed && !sessions.has(session)) forget(session);
      env.seats?.settled(session.parts.route.unit.id, session.parts.subject);
    },
    countOf: (subject) => bySubject.get(subject),
    countAt: (address) => byAddress.get(address),
    reserve(subject, address) {
      bySubject.add(subject, 1);
      byAddress.add(address, 1);
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        bySubject.add(subject, -1);
        byAddress.add(address, -1);
      };
    },
    get size() {
      return sessions.size;
    },
    of(subject, unit) {
      const own = ofSubject.get(subject);
      if (own === undefined) return NONE;
      return [...own].filter(({ parts }) => unit === undefined || parts.route.unit.id === unit);
    },
    redecide,
    spreadMs,
    drain(overMs, capMs) {
      draining = { overMs };
      if (sessions.size === 0) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = env.clock.after(capMs, () => {
        for (const session of sessions) session.terminate();
        resolve();
      });
      onEmpty = () => {
        cancel();
        resolve();
      };
      for (const session of sessions) sendAway(session, overMs);
      return promise;
    },
    framesOf: frames.of,
    stop() {
      pings.stop();
      frames.flush();
      for (const session of sessions) session.terminate();
    },
  };
}

/** 0 … 1, fixed for a subject and an epoch. */
const share = (subject: Subject, epoch: number): number => rendezvous(String(epoch), subject) / 2 ** 32;

const SLOTS = 20;
/** An answer to a ping has a quarter of the interval: silent for two pings is gone after 45 s (security X6). */
const ANSWER_SLOTS = SLOTS / 4;

interface Pings {
  add(session: SocketSession): void;
  remove(session: SocketSession): void;
  stop(): void;
}

/** One timer for all: each tick pings one slot of the sessions, so that pings never come in a burst. */
function startPings(env: Environment, limits: () => LimitsConfig, onTick: () => void): Pings {
  const slots = Array.from({ length: SLOTS }, () => new Set<SocketSession>());
  const slotOf = new WeakMap<SocketSession, Set<SocketSession>>();
  let at = 0;
  let joined = 0;
  let cancel = () => {};
  const tick = (): void => {
    onTick();
    at = (at + 1) % SLOTS;
    for (const session of slots[at] as Set<SocketSession>) session.keepAlive();
    for (const session of slots[(at + SLOTS - ANSWER_SLOTS) % SLOTS] as Set<SocketSession>) session.endIfSilent();
    cancel = env.clock.after(limits().pingIntervalMs / SLOTS, tick);
  };
  cancel = env.clock.after(limits().pingIntervalMs / SLOTS, tick);
  return {
    add(session) {
      const slot = slots[joined++ % SLOTS] as Set<SocketSession>;
      slot.add(session);
      slotOf.set(session, slot);
    },
    remove: (session) => void slotOf.get(session)?.delete(session),
    stop: () => cancel(),
  };
}

class Counter {
  readonly #counts = new Map<string, number>();

  get(key: string): number {
    return this.#counts.get(key) ?? 0;
  }

  add(key: string, by: number): void {
    const next = this.get(key) + by;
    if (next <= 0) this.#counts.delete(key);
    else this.#counts.set(key, next);
  }
}
