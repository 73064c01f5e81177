// What is counted while exchanges are judged, minute by minute (shadow §14).
import type { Arm } from "../../kernel/index.ts";
import type { Verdict } from "../verdict.ts";
import { LogHistogram } from "./logHistogram.ts";
import type { MinuteRow } from "./model.ts";

const MINUTE_MS = 60_000;
/** Minutes that are kept until they are saved; a store that fails for longer loses the oldest. */
const MINUTES_MAX = 120;

/** So long a verdict may come after its minute; what is later counts in the present one. */
const GRACE_MINUTES = 5;

interface Minute {
  readonly routes: Map<string, Counted>;
  /** Grows with every count; `saved` is what the store has. */
  version: number;
  asked: number;
  saved: number;
}

interface Counted {
  sampled: number;
  readonly verdicts: Record<string, number>;
  readonly notCompared: Record<string, number>;
  readonly latency: Record<Arm, LogHistogram>;
}

export interface Judged {
  readonly route: string;
  readonly verdict: Verdict;
  /** Until the last byte, ms; null where an arm gave no answer. */
  readonly latencyMs: Readonly<Record<Arm, number | null>>;
}

export class MinuteCounters {
  readonly #process: string;
  readonly #onLost: (minutes: number) => void;
  readonly #minutes = new Map<number, Minute>();
  /** The last one that was forgotten: what is saved of it is not to be replaced. */
  #closed = Number.NEGATIVE_INFINITY;

  /** @param process names this process for as long as it lives @param onLost told of minutes that were never saved */
  constructor(process: string, onLost: (minutes: number) => void) {
    this.#process = process;
    this.#onLost = onLost;
  }

  /** Into the minute in which its verdict fell. @param times so many are alike */
  count({ route, verdict, latencyMs }: Judged, nowMs: number, times = 1): void {
    const counted = this.#counted(Math.max(this.#closed + 1, Math.floor(nowMs / MINUTE_MS)), route);
    counted.sampled += times;
    if (verdict.name === "not_compared") {
      counted.notCompared[verdict.reason] = (counted.notCompared[verdict.reason] ?? 0) + times;
    } else counted.verdicts[verdict.name] = (counted.verdicts[verdict.name] ?? 0) + times;
    for (const arm of ["control", "candidate"] as const) {
      const ms = latencyMs[arm];
      if (ms !== null) counted.latency[arm].observe(ms);
    }
  }

  /** What the store does not have yet; it stays until `saved` says that it was saved. */
  rows(): readonly MinuteRow[] {
    const rows: MinuteRow[] = [];
    for (const [minute, one] of this.#minutes) {
      if (one.version === one.saved) continue;
      one.asked = one.version;
      for (const [route, { sampled, verdicts, notCompared, latency }] of one.routes) {
        rows.push({
          process: this.#process,
          minute,
          route,
          sampled,
          verdicts: { ...verdicts },
          notCompared: { ...notCompared },
          latency: { control: latency.control.counts, candidate: latency.candidate.counts },
        });
      }
    }
    return rows;
  }

  /** The newest `rows` are saved. Minutes that are over for a while, and of which nothing came since, are forgotten. */
  saved(nowMs: number): void {
    const open = Math.floor(nowMs / MINUTE_MS) - GRACE_MINUTES;
    for (const [minute, one] of this.#minutes) {
      one.saved = one.asked;
      if (minute >= open || one.saved !== one.version) continue;
      this.#minutes.delete(minute);
      this.#closed = Math.max(this.#closed, minute);
    }
  }

  #counted(minute: number, route: string): Counted {
    let one = this.#minutes.get(minute);
    if (one === undefined) {
      one = { routes: new Map(), version: 0, asked: 0, saved: 0 };
      this.#minutes.set(minute, one);
      this.#dropOldest();
    }
    one.version += 1;
    let counted = one.routes.get(route);
    if (counted === undefined) {
      const latency = { control: new LogHistogram(), candidate: new LogHistogram() };
      counted = { sampled: 0, verdicts: {}, notCompared: {}, latency };
      one.routes.set(route, counted);
    }
    return counted;
  }

  #dropOldest(): void {
    const [oldest] = this.#minutes.keys();
    if (this.#minutes.size <= MINUTES_MAX || oldest === undefined) return;
    this.#minutes.delete(oldest);
    this.#onLost(1);
  }
}
