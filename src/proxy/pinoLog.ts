import pino, { type DestinationStream } from "pino";
import { createSubjectHash } from "../kernel/index.ts";
import type { ProxyLog } from "./ports.ts";

export interface PinoLogOptions {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  /** Key of the subjects' hash: the same over all processes of an installation (security D2). */
  readonly subjectKey: Uint8Array;
  readonly destination?: DestinationStream;
}

const REPEAT_MS = 60_000;
/** Event types are literals of the code; this bounds the memory all the same. */
const TYPES_MAX = 200;

/**
 * One JSON line per served exchange or event (ux.md §7). Subjects appear as a keyed hash; bodies, tokens and query
 * strings never come near it. A warning that repeats is one line a minute with a count.
 */
export function createPinoLog(options: PinoLogOptions): ProxyLog & { flush(): void } {
  const destination = options.destination ?? pino.destination({ fd: 1, sync: false, minLength: 4_096 });
  const log = pino({ level: options.level, base: null, timestamp: () => `,"time":${Date.now()}` }, destination);
  const hash = createSubjectHash(options.subjectKey);
  const repeats = new Map<string, { sinceMs: number; count: number }>();
  const isRepeat = (type: string): number | null => {
    const nowMs = performance.now();
    const seen = repeats.get(type);
    if (seen && nowMs - seen.sinceMs < REPEAT_MS) {
      seen.count++;
      return null;
    }
    if (repeats.size < TYPES_MAX) repeats.set(type, { sinceMs: nowMs, count: 0 });
    return seen?.count ?? 0;
  };
  const flushing = destination as { flush?: () => void };
  const timer = setInterval(() => flushing.flush?.(), 1_000);
  timer.unref();
  return {
    exchange(line) {
      if (!log.isLevelEnabled("info")) return;
      const subject = line.subject === null ? null : hash(line.subject);
      log.info({ event: "exchange", role: "served", ...line, subject, durationMs: Math.round(line.durationMs * 1_000) / 1_000 }, "exchange");
    },
    event(type, fields, level = "info") {
      const isNoisy = level !== "info" || type === "route.unmatched";
      const repeated = isNoisy ? isRepeat(`${type}:${fields["arm"] ?? fields["nearest"] ?? ""}`) : 0;
      if (repeated === null) return;
      log[level]({ event: type, ...fields, ...(repeated > 0 ? { repeated } : {}) }, type);
    },
    flush() {
      clearInterval(timer);
      (destination as { flushSync?: () => void }).flushSync?.();
    },
  };
}
