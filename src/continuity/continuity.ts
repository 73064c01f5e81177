// Both relays, the copies, the checks and the seats of one fleet, in the process that coordinates (handoff §3).
import { type Arm, ARMS, type Clock, type Subject, type UnitId } from "../kernel/index.ts";
import type { Metrics } from "../metrics/index.ts";
import { type Copies, createCopies } from "./copies.ts";
import type { Continuity, ContinuityLog, ContinuityState, SeatState, StateCarrier } from "./ports.ts";
import { createRelay, type Relay } from "./relay.ts";
import { createSeatChecks } from "./seatChecks.ts";
import { createSeatKeeper, type SeatMetrics } from "./seatKeeper.ts";
import { tellApplied } from "./tellApplied.ts";
import { verifySubject } from "./verify.ts";

export interface ContinuityOptions {
  readonly carrier: StateCarrier;
  readonly state: ContinuityState & SeatState;
  readonly clock: Clock;
  readonly metrics: SeatMetrics &
    Pick<
      Metrics,
      "relayLag" | "relaySteps" | "relayRows" | "relayConflicts" | "relayFailures" | "relayChecks" | "copies"
    >;
  readonly log: ContinuityLog;
  /** By the newest flags: the arm at which a subject is to be. */
  decide(unit: UnitId, subject: Subject): Arm;
}

const NOT_WHOLE =
  "not everything of control has been at the candidate yet: wait for the relay, or run `switchyard data copy --all`";

export function createContinuity(options: ContinuityOptions): Continuity {
  const { carrier, state } = options;
  const copies: Copies = createCopies(options);
  const relays = ARMS.map((from): Relay => createRelay({ ...options, from, onLost: () => copies.startAll(from) }));
  const data: Pick<Continuity, "isMovable" | "carry" | "copy" | "repair"> = {
    isMovable: (subject, from) => state.direction(from).isWhole || state.isCopied(subject, from),
    async carry(subject, from, signal) {
      const carried = await carrier.carry(subject, from, state.direction(from).cursor, signal);
      tellApplied(options, from, carried);
      return carried;
    },
    copy: (subject, from) => copies.copy(subject, from),
    async repair(subject, signal) {
      for (const from of ARMS) await copies.copy(subject, from);
      return verifySubject(carrier, subject, signal);
    },
  };
  const checks = createSeatChecks({ ...options, data });
  const seats = createSeatKeeper({ ...options, data, onSeated: ({ subject }) => checks.schedule(subject) });
  return {
    ...data,
    seats,
    redecide: () => seats.redecide(),
    armOf: (key) => seats.armOf(key),
    get status() {
      const progress = ARMS.flatMap((from) => copies.progress(from) ?? []);
      const exposureProblem = state.direction("control").isWhole ? null : NOT_WHOLE;
      return { relays: relays.map((relay) => relay.status), copies: progress, seats: seats.status, exposureProblem };
    },
    start() {
      for (const relay of relays) relay.start();
      // What a process before this one had begun.
      for (const from of ARMS) if (state.copyRun(from) !== null) copies.startAll(from);
    },
    async stop() {
      await Promise.all([seats.stop(), checks.stop(), ...relays.map((relay) => relay.stop()), copies.stop()]);
      state.close();
    },
    copyAll: (from) => copies.startAll(from),
    verify: (subject, signal) => verifySubject(carrier, subject, signal),
    subjects: (arm, after, signal) => carrier.subjects(arm, after, signal),
  };
}
