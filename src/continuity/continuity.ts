// Both relays, the copies and the checks of one fleet, in the process that coordinates (handoff §3).
import { ARMS, type Clock } from "../kernel/index.ts";
import type { Metrics } from "../metrics/index.ts";
import { type Copies, createCopies } from "./copies.ts";
import type { Continuity, ContinuityLog, ContinuityState, StateCarrier } from "./ports.ts";
import { createRelay, type Relay } from "./relay.ts";
import { verifySubject } from "./verify.ts";

export interface ContinuityOptions {
  readonly carrier: StateCarrier;
  readonly state: ContinuityState;
  readonly clock: Clock;
  readonly metrics: Pick<Metrics, "relayLag" | "relayRows" | "relayConflicts" | "relayFailures" | "copies">;
  readonly log: ContinuityLog;
}

export function createContinuity(options: ContinuityOptions): Continuity {
  const { carrier, state } = options;
  const copies: Copies = createCopies(options);
  const relays = ARMS.map((from): Relay => createRelay({ ...options, from, onLost: () => copies.startAll(from) }));
  return {
    get status() {
      const progress = ARMS.flatMap((from) => copies.progress(from) ?? []);
      return { relays: relays.map((relay) => relay.status), copies: progress };
    },
    start() {
      for (const relay of relays) relay.start();
      // What a process before this one had begun.
      for (const from of ARMS) if (state.copyRun(from) !== null) copies.startAll(from);
    },
    async stop() {
      await Promise.all([...relays.map((relay) => relay.stop()), copies.stop()]);
      state.close();
    },
    isMovable: (subject, from) => state.direction(from).isWhole || state.isCopied(subject, from),
    carry: (subject, from, signal) => carrier.carry(subject, from, state.direction(from).cursor, signal),
    copy: (subject, from) => copies.copy(subject, from),
    copyAll: (from) => copies.startAll(from),
    verify: (subject, signal) => verifySubject(carrier, subject, signal),
    async repair(subject, signal) {
      for (const from of ARMS) await copies.copy(subject, from);
      return verifySubject(carrier, subject, signal);
    },
    subjects: (arm, after, signal) => carrier.subjects(arm, after, signal),
  };
}
