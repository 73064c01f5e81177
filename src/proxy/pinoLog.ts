import { LRUCache } from "lru-cache";
import pino, { type DestinationStream } from "pino";
import { createSubjectHash } from "../kernel/index.ts";
import type { ExchangeLine, ProxyLog } from "./ports.ts";

export interface PinoLogOptions {
  readonly level: "debug" | "info" | "warn" | "error" | "silent";
  /** Key of the subjects' hash: the same over all processes of an installation (security D2). */
  readonly subjectKey: Uint8Array;
  readonly destination?: DestinationStream;
  /** Told when nobody reads the log and a block of lines had to be dropped. */
  readonly onDrop?: () => void;
  /** What may wait for a reader, in characters. */
  readonly waitingMax?: number;
}

/** Lines are written in blocks; one that waits is seen after this long at the latest. */
const FLUSH_MS = 250;
/** Each block wakes a thread that writes it: a quarter as many cost a quarter as much (bench, rest). */
const BLOCK_CHARS = 65_536;
const WAITING_MAX = 16 * 1024 * 1024;
const FLUSH_MS_MAX = 1_000;
const REPEAT_MS = 60_000;
/** Event types are literals of the code; this bounds the memory all the same. */
const TYPES_MAX = 200;

/**
 * One JSON line per served exchange or event (ux.md §7). Subjects appear as a keyed hash; bodies, tokens and query
 * strings never come near it. A warning that repeats is one line a minute with a count.
 */
export function createPinoLog(options: PinoLogOptions): ProxyLog & { flush(): Promise<void> } {
  const destination = options.destination ?? createStdout(options);
  const log = pino({ level: options.level, base: null, formatters: { level: (level) => ({ level }) } }, destination);
  const hash = rememberHash(createSubjectHash(options.subjectKey));
  const repeats = new Map<string, { sinceMs: number; count: number }>();
  const isRepeat = (type: string): number | null => {
    const nowMs = performance.now();
    const seen = repeats.get(type);
    if (seen && nowMs - seen.sinceMs < REPEAT_MS) {
      seen.count++;
      return null;
    }
    if (seen || repeats.size < TYPES_MAX) repeats.set(type, { sinceMs: nowMs, count: 0 });
    return seen?.count ?? 0;
  };
  const flushing = destination as { flush?: (done?: () => void) => void; destroy?: () => void };
  let waiting = "";
  const writeWaiting = (): void => {
    if (waiting === "") return;
    destination.write(waiting);
    waiting = "";
  };
  const timer = setInterval(() => {
    writeWaiting();
    flushing.flush?.();
  }, FLUSH_MS);
  timer.unref();
  return {
    exchange(line) {
      if (!log.isLevelEnabled("info")) return;
      const subject = line.subject === null ? null : hash(line.subject);
      waiting += exchangeLine(line, subject, Date.now());
      if (waiting.length >= BLOCK_CHARS) writeWaiting();
    },
    event(type, fields, level = "info") {
      const isNoisy = level !== "info" || type === "route.unmatched";
      const repeated = isNoisy ? isRepeat(kindOf(type, fields)) : 0;
      if (repeated === null) return;
      writeWaiting(); // lines keep their order
      log[level]({ event: type, ...fields, ...(repeated > 0 ? { repeated } : {}) }, type);
    },
    async flush() {
      clearInterval(timer);
      writeWaiting();
      const { promise, resolve } = Promise.withResolvers<void>();
      // A reader that has stopped reading must not keep a process that wants to end.
      const deadline = setTimeout(() => {
        flushing.destroy?.(); // or the library would try again while the process exits, and wait for ever
        resolve();
      }, FLUSH_MS_MAX);
      if (flushing.flush) flushing.flush(() => resolve());
      else resolve();
      await promise;
      clearTimeout(deadline);
    },
  };
}

/** Standard output in blocks; what nobody reads is dropped beyond a limit, and told. */
function createStdout({ onDrop = () => {}, waitingMax = WAITING_MAX }: PinoLogOptions): DestinationStream {
  // Touching it makes the descriptor non-blocking: a full pipe must cost a retry, not a thread that never comes back.
  process.stdout.on("error", () => {});
  const stdout = pino.destination({ fd: 1, sync: false, minLength: 4_096, maxWrite: 65_536, maxLength: waitingMax });
  stdout.on("drop", onDrop);
  stdout.on("error", () => {}); // a closed pipe loses lines, never the process
  return stdout;
}

/**
 * The line of a call, put together by hand in the shape the library gives events: on the hot path its serialiser costs
 * more than the decision (bench, rest). Everything free that enters it is escaped; route, unit and codes are ours.
 */
export function exchangeLine(line: ExchangeLine, subject: string | null, nowMs: number): string {
  const durationMs = Math.round(line.durationMs * 1_000) / 1_000;
  const trace = line.traceId === null ? "" : `,"traceId":${JSON.stringify(line.traceId)}`;
  const code = line.code === null ? "" : `,"code":"${line.code}"`;
  const slow = line.isSlow ? ',"slow":true' : "";
  const decided =
    line.arm === null
      ? ""
      : `,"unit":${quoted(line.unit)},"subject":${subject === null ? "null" : `"${subject}"`},"arm":"${line.arm}","reason":"${line.reason}"`;
  return (
    `{"level":"info","time":${nowMs},"event":"exchange","requestId":${JSON.stringify(line.requestId)}${trace}` +
    `,"method":${quoted(line.method)},"route":${quoted(line.route)},"role":"served"${decided}` +
    `,"status":${line.status},"outcome":"${line.outcome}","durationMs":${durationMs}${slow}${code},"msg":"exchange"}\n`
  );
}

/** Two warnings are the same when these agree; anything finer would let a flood through. */
const kindOf = (type: string, fields: Parameters<ProxyLog["event"]>[1]): string =>
  [type, ...["arm", "code", "file", "pid", "nearest", "error"].map((key) => fields[key] ?? "")].join(":");

const QUOTES_MAX = 5_000;
const quotes = new Map<string, string>();

/** Routes, units, methods and hashes repeat; their quoted form is remembered, bounded. */
function quoted(text: string | null): string {
  if (text === null) return "null";
  const known = quotes.get(text);
  if (known !== undefined) return known;
  const made = JSON.stringify(text);
  if (quotes.size < QUOTES_MAX) quotes.set(text, made);
  return made;
}

const SUBJECTS_MAX = 20_000;

/** The keyed hash costs more than the rest of a line; a subject that talks is hashed once. */
function rememberHash(hash: (subject: string) => string): (subject: string) => string {
  const known = new LRUCache<string, string>({ max: SUBJECTS_MAX });
  return (subject) => {
    let hashed = known.get(subject);
    if (hashed === undefined) {
      hashed = hash(subject);
      known.set(subject, hashed);
    }
    return hashed;
  };
}
