// What shadow §17, row 10 asks for, for one kind of trace: the small test and the long one differ in how many.
import * as Y from "yjs";
import { asSent, play, type Relay } from "./room.ts";
import { type Random, seeded } from "../../testing/seeded.ts";
import { below, isExpired, makeTrace, type Step, TRACE_NOW_MS, type TraceKind } from "./traces.ts";

export const VARIANTS = ["as sent", "batched", "gc off", "duplicated", "reversed", "shuffled", "late state"] as const;
export type Variant = (typeof VARIANTS)[number];

function batched(random: Random): Relay {
  return (steps) => {
    const updates = [...asSent(steps)];
    const batches: Uint8Array[] = [];
    while (updates.length > 0) batches.push(Y.mergeUpdates(updates.splice(0, 1 + below(random, 6))));
    return batches;
  };
}

/** The state half-way as a server would send it, then the rest. */
const viaState =
  (gc: boolean, share: number): Relay =>
  (steps) => {
    const doc = new Y.Doc({ gc });
    const half = Math.floor(steps.length * share);
    for (const { update } of steps.slice(0, half)) Y.applyUpdate(doc, update);
    const state = Y.encodeStateAsUpdate(doc);
    doc.destroy();
    return [state, ...asSent(steps.slice(half - 3))];
  };

function shuffled(random: Random, width: number): Relay {
  return (steps) => {
    const updates = [...asSent(steps)];
    for (let at = updates.length - 1; at > 0; at--) {
      const other = Math.max(0, at - below(random, width));
      [updates[at], updates[other]] = [updates[other] as Uint8Array, updates[at] as Uint8Array];
    }
    return updates;
  };
}

function relaysOf(variant: Variant, random: Random): { control: Relay; candidate: Relay } {
  switch (variant) {
    case "as sent":
      return { control: asSent, candidate: asSent };
    case "batched":
      return { control: asSent, candidate: batched(random) };
    case "gc off":
      return { control: viaState(true, 0.5), candidate: viaState(false, 0.7) };
    case "duplicated":
      return {
        control: asSent,
        candidate: (steps) => asSent(steps).flatMap((one) => (random() < 0.5 ? [one, one] : [one])),
      };
    case "reversed":
      return { control: asSent, candidate: (steps) => asSent(steps).toReversed() };
    case "shuffled":
      return { control: shuffled(random, 6), candidate: shuffled(random, 30) };
    case "late state":
      return { control: asSent, candidate: viaState(true, 1) };
  }
}

/** What was told and should not have been. */
export function noFalse(kind: TraceKind, variant: Variant, seed: number, steps: number): readonly string[] {
  const room = play(makeTrace(kind, seed, steps), relaysOf(variant, seeded(seed + 7)));
  room.advance(12_000);
  const { malformed, ignored, cut } = room.pair.losses;
  const wrong = room.names.filter((name) => name !== "identical" && name !== "equivalent");
  if (room.pair.phase !== "converged") wrong.push(room.pair.phase, JSON.stringify(room.pair.open));
  if (room.verdicts.length === 0) wrong.push("nothing was said");
  if (malformed + ignored + cut > 0) wrong.push("something was not compared");
  return wrong;
}

export interface Fault {
  readonly seed: number;
  readonly steps: number;
  readonly at: number;
  /** Null: lost. */
  readonly changed: Uint8Array | null;
}

/** Single lost and single changed updates of one trace. */
export function faults(kind: TraceKind, seed: number, steps: number, each: number): readonly Fault[] {
  const random = seeded(seed + 1);
  const { steps: sent } = makeTrace(kind, seed, steps);
  return Array.from({ length: each * 2 }, (_, number) => {
    const at = below(random, sent.length);
    const changed = number < each ? null : withByteChanged((sent[at] as Step).update, random);
    return { seed, steps, at, changed };
  });
}

function withByteChanged(update: Uint8Array, random: Random): Uint8Array {
  const changed = update.slice();
  const at = below(random, changed.length);
  changed[at] = ((changed[at] as number) ^ (1 << below(random, 8))) & 0xff;
  return changed;
}

/** Faults that could be seen, and those of them that were not told in time. */
export function foundLate(kind: TraceKind, all: readonly Fault[]): { seen: number; missed: readonly string[] } {
  const missed: string[] = [];
  let seen = 0;
  for (const fault of all) {
    const trace = makeTrace(kind, fault.seed, fault.steps);
    const spoilt: Relay = (steps) =>
      asSent(steps).flatMap((update, at) =>
        at !== fault.at ? [update] : fault.changed === null ? [] : [fault.changed],
      );
    const isVisible = replay(asSent(trace.steps)) !== replay(spoilt(trace.steps));
    seen += isVisible ? 1 : 0;
    const room = play(trace, { control: asSent, candidate: spoilt });
    room.advance(2_000);
    const atQuiet = room.pair.phase;
    room.advance(8_100);
    const isTold =
      atQuiet === "lagging" && room.pair.phase === "diverged" && room.verdicts.at(-1)?.name === "different";
    if (isVisible && !isTold) missed.push(`${describe(fault)}: ${atQuiet}, ${room.pair.phase}`);
  }
  return { seen, missed };
}

const describe = ({ at, changed }: Fault): string =>
  `${at} ${changed === null ? "lost" : Buffer.from(changed).toString("hex")}`;

/** What a client would have in the end, and what it still waits for; each update applied as it comes. */
function replay(updates: readonly Uint8Array[]): string {
  const doc = new Y.Doc();
  const dropped = updates.filter((update) => {
    try {
      Y.decodeUpdate(update);
      Y.applyUpdate(doc, update);
      return false;
    } catch {
      return true;
    }
  });
  const tree = doc.getMap("tree").toJSON();
  const marks = Object.entries(doc.getMap("ephemeral").toJSON()).filter(([, one]) => !isExpired(one, TRACE_NOW_MS));
  const missing = [...(doc.store.pendingStructs?.missing ?? [])];
  const shown = [
    doc.getText("text").toDelta(),
    sorted(doc.getMap("objects").toJSON()),
    marks.sort(([one], [other]) => (one < other ? -1 : 1)),
    doc.getArray("list").toJSON(),
    sorted(tree),
    doc.getXmlFragment("page").toJSON(),
    missing,
    dropped.length,
  ];
  doc.destroy();
  return JSON.stringify(shown);
}

const sorted = (map: object): unknown => Object.entries(map).sort(([one], [other]) => (one < other ? -1 : 1));
