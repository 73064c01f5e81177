// A room on both arms: clients that send a trace and one that only looks on, whose frames a test may spoil. Manual time.
import type { Arm } from "../../../kernel/index.ts";
import { BodyRules } from "../../compare/bodyRules.ts";
import { NORMALISERS } from "../../compare/normalisers.ts";
import type { JsonObject } from "../../json/values.ts";
import type { DocumentRules } from "../checkDocuments.ts";
import { DocumentPair } from "../documentPair.ts";
import { PAIR_LIMITS, type PairLimits } from "../limits.ts";
import type { Verdict } from "../../verdict.ts";
import { isExpired, type Step, TRACE_NOW_MS, type Trace } from "./traces.ts";

const visible = (content: JsonObject, nowMs: number): JsonObject => {
  const { ephemeral = {}, ...rest } = content as { readonly ephemeral?: JsonObject };
  const kept = Object.entries(ephemeral).filter(([, value]) => !isExpired(plain(value), nowMs));
  return { ...rest, ephemeral: Object.fromEntries(kept) };
};
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

export const rulesFor = ({ roots }: Pick<Trace, "roots">): DocumentRules => ({
  roots,
  visible,
  body: new BodyRules([], NORMALISERS),
});

export const contextAt = (nowMs: number) => ({
  delayMs: 0,
  nowMs,
  shadow: "candidate" as const,
  conditions: {},
  ids: null,
});

export class Room {
  readonly pair: DocumentPair;
  readonly verdicts: Verdict[] = [];
  atMs = 0;

  constructor(trace: Pick<Trace, "roots">, limits: PairLimits = PAIR_LIMITS, shown = visible) {
    this.pair = new DocumentPair({ rules: { ...rulesFor(trace), visible: shown }, contextAt, limits }, this.moment);
  }

  get moment() {
    return { atMs: this.atMs, nowMs: TRACE_NOW_MS + this.atMs };
  }

  /** Runs what falls due until then. */
  advance(ms: number): void {
    const until = this.atMs + ms;
    for (let due = this.pair.dueAtMs; due !== null && due <= until; due = this.pair.dueAtMs) {
      this.atMs = Math.max(this.atMs, due);
      this.#note(this.pair.tick(this.moment));
    }
    this.atMs = until;
  }

  #note(verdict: Verdict | null): void {
    if (verdict !== null) this.verdicts.push(verdict);
  }

  join(...sockets: readonly string[]): void {
    for (const socket of sockets) for (const arm of ["control", "candidate"] as const) this.joinOn(arm, socket);
  }

  joinOn(arm: Arm, socket: string): void {
    this.#note(this.pair.take({ type: "joined", arm, socket }, this.moment));
  }

  leave(arm: Arm, socket: string): void {
    this.#note(this.pair.take({ type: "left", arm, socket }, this.moment));
  }

  sent(arm: Arm, socket: string, update: Uint8Array): void {
    this.#note(this.pair.take({ type: "sent", arm, socket, update }, this.moment));
  }

  received(arm: Arm, socket: string, ...updates: readonly Uint8Array[]): void {
    for (const update of updates) this.#note(this.pair.take({ type: "received", arm, socket, update }, this.moment));
  }

  get names(): readonly string[] {
    return [...new Set(this.verdicts.map(({ name }) => name))];
  }
}

export type Relay = (steps: readonly Step[]) => readonly Uint8Array[];
export const asSent: Relay = (steps) => steps.map(({ update }) => update);

/** Everyone sends at their own socket; who looks on gets what the arm makes of it. A frame every 5 ms. */
export function play(trace: Trace, relays: Readonly<Record<Arm, Relay>>): Room {
  const room = new Room(trace);
  room.join("c0", "c1", "c2", "onlooker");
  const shown = { control: relays.control(trace.steps), candidate: relays.candidate(trace.steps) };
  const length = Math.max(trace.steps.length, shown.control.length, shown.candidate.length);
  for (let at = 0; at < length; at++) {
    for (const arm of ["control", "candidate"] as const) {
      const step = trace.steps[at];
      for (const client of step === undefined ? [] : [0, 1, 2]) {
        if (client === step?.client) room.sent(arm, `c${client}`, step.update);
        else if (step !== undefined) room.received(arm, `c${client}`, step.update);
      }
      const update = shown[arm][at];
      if (update !== undefined) room.received(arm, "onlooker", update);
    }
    room.advance(5);
  }
  return room;
}
