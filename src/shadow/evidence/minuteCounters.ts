// What is counted while exchanges are judged, minute by minute (shadow §14).
import type { Arm } from "../../kernel/index.ts";
import type { Verdict } from "../verdict.ts";
import { LogHistogram } from "./logHistogram.ts";
import type { MinuteRow } from "./model.ts";

const MINUTE_MS = 60_000;
/** Minutes that are kept until they are saved; a store that fails for longer loses the oldest. */
const MINUTES_MAX = 120;

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
  /** By minute, then route. */
  readonly #minutes = new Map<number, Map<string, Counted>>();

  /** @param process names this process for as long as it lives @param onLost told of minutes that were never saved */
  constructor(process: string, onLost: (minutes: number) => void) {
    this.#process = process;
    this.#onLost = onLost;
  }

  /** Into the minute in which its verdict fell. */
  count({ route, verdict, latencyMs }: Judged, nowMs: number): void {
    const counted = this.#counted(Math.floor(nowMs / MINUTE_MS), route);
    counted.sampled += 1;
    if (verdict.name === "not_compared") {
      counted.notCompared[verdict.reason] = (counted.notCompared[verdict.reason] ?? 0) + 1;
    } else counted.verdicts[verdict.name] = (counted.verdicts[verdict.name] ?? 0) + 1;
    for (const arm of ["control", "candidate"] as const) {
      const ms = latencyMs[arm];
      if (ms !== null) counted.latency[arm].observe(ms);
    }
  }

  /** What is to be saved; it stays until `saved` says that it was. */
  rows(): readonly MinuteRow[] {
    return [...this.#minutes].flatMap(([minute, routes]) =>
      [...routes].map(([route, { sampled, verdicts, notCompared, latency }]) => ({
        process: this.#process,
        minute,
        route,
        sampled,
        verdicts: { ...verdicts },
        notCompared: { ...notCompared },
        latency: { control: latency.control.counts, candidate: latency.candidate.counts },
      })),
    );
  }

  /** Minutes that are over at `nowMs` are forgotten: the present one is saved again. */
  saved(nowMs: number): void {
    for (const minute of this.#minutes.keys()) if (minute < Math.floor(nowMs / MINUTE_MS)) this.#minutes.delete(minute);
  }

  #counted(minute: number, route: string): Counted {
    let routes = this.#minutes.get(minute);
    if (routes === undefined) {
      routes = new Map();
      this.#minutes.set(minute, routes);
      this.#dropOldest();
    }
    let counted = routes.get(route);
    if (counted === undefined) {
      const latency = { control: new LogHistogram(), candidate: new LogHistogram() };
      counted = { sampled: 0, verdicts: {}, notCompared: {}, latency };
      routes.set(route, counted);
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
