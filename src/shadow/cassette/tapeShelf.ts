// All recordings: found by key, by the request they were made for, and by kind; bounded in bytes and age (shadow K2, K5).
import type { Clock } from "../../kernel/index.ts";
import type { CallKey } from "./callKey.ts";
import type { CassetteLimits } from "./limits.ts";
import type { CassetteDrop } from "./ports.ts";
import { Rows } from "./rows.ts";
import { Tape, type TapeKeeper } from "./tape.ts";

export interface ShelfOptions {
  readonly limits: Pick<CassetteLimits, "bytesMax" | "recordingBytesMax" | "ageMs">;
  readonly clock: Clock;
  readonly dropped: (reason: CassetteDrop) => void;
}

/** Recordings of one kind that are looked through; those of a request that runs are among the last. */
const UNASKED_LOOK = 200;

const callName = (hash: string, requestId: string): string => `${hash} ${requestId}`;

export class TapeShelf {
  readonly #options: ShelfOptions;
  readonly #keeper: TapeKeeper;
  /** The oldest first. */
  readonly #tapes = new Set<Tape>();
  readonly #byCall = new Rows<Tape>();
  readonly #byKey = new Rows<Tape>();
  readonly #byKind = new Rows<Tape>();
  readonly #watchers = new Map<string, Set<() => void>>();
  #bytes = 0;
  #cancelSweep: (() => void) | null = null;

  constructor(options: ShelfOptions) {
    this.#options = options;
    this.#keeper = {
      grew: (tape, bytes) => this.#grew(tape, bytes),
      changed: (tape) => this.#tell(tape),
      outgrew: () => options.dropped("too_large"),
    };
  }

  get bytes(): number {
    return this.#bytes;
  }

  get size(): number {
    return this.#tapes.size;
  }

  /** A recording that begins; it is found only once it has a key. */
  open(requestId: string | null): Tape {
    const { limits, clock } = this.#options;
    const tape = new Tape({ requestId, bytesMax: limits.recordingBytesMax, clock, keeper: this.#keeper });
    this.#tapes.add(tape);
    this.#grew(tape, tape.bytes);
    this.#cancelSweep ??= clock.after(limits.ageMs, () => this.#sweep());
    return tape;
  }

  file(tape: Tape, key: CallKey): void {
    if (!this.#tapes.has(tape)) return;
    tape.name(key);
    if (!this.#tapes.has(tape)) return;
    for (const hash of new Set(key.hashes)) {
      this.#byKey.push(hash, tape);
      if (tape.requestId !== null) this.#byCall.push(callName(hash, tape.requestId), tape);
    }
    this.#byKind.push(key.kind, tape);
    this.#tell(tape);
  }

  /** Of a request, the n-th with this key. */
  nth(hash: string, requestId: string, n: number): Tape | null {
    return this.#byCall.nth(callName(hash, requestId), n);
  }

  lastOf(hash: string, requestId: string): Tape | null {
    return this.#byCall.last(callName(hash, requestId));
  }

  /** Whatever request it was for: a failure belongs to its own, and one in another form helps nobody, so both come last. */
  newest(hash: string, form: string): Tape | null {
    return (
      this.#byKey.last(hash, (tape) => tape.isSound && tape.key?.form === form) ??
      this.#byKey.last(hash, (tape) => tape.isSound) ??
      this.#byKey.last(hash)
    );
  }

  /** The newest first. */
  ofKind(kind: string, most: number): readonly Tape[] {
    return this.#byKind.newest(kind, most);
  }

  /** The request has asked the provider for something of this kind that it has not asked for at the replay side. */
  hasUnasked(kind: string, requestId: string): boolean {
    return this.#byKind.newest(kind, UNASKED_LOOK).some((tape) => tape.requestId === requestId && !tape.wasAsked);
  }

  drop(tape: Tape, reason: CassetteDrop): void {
    if (this.#remove(tape)) this.#options.dropped(reason);
  }

  /** Calls whenever a recording with this key is filed or ends; the returned function ends that. */
  watch(hash: string, run: () => void): () => void {
    const watchers = this.#watchers.get(hash) ?? new Set();
    this.#watchers.set(hash, watchers.add(run));
    return () => {
      watchers.delete(run);
      if (watchers.size === 0 && this.#watchers.get(hash) === watchers) this.#watchers.delete(hash);
    };
  }

  /** Nothing is kept over a restart, and nothing is counted for it. */
  clear(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = null;
    for (const tape of this.#tapes) this.#remove(tape);
  }

  #grew(tape: Tape, bytes: number): void {
    if (!this.#tapes.has(tape)) return;
    this.#bytes += bytes;
    for (const oldest of this.#tapes) {
      if (this.#bytes <= this.#options.limits.bytesMax) return;
      this.drop(oldest, "memory");
    }
  }

  #remove(tape: Tape): boolean {
    if (!this.#tapes.delete(tape)) return false;
    this.#bytes -= tape.bytes;
    for (const hash of new Set(tape.key?.hashes)) {
      this.#byKey.remove(hash, tape);
      if (tape.requestId !== null) this.#byCall.remove(callName(hash, tape.requestId), tape);
    }
    if (tape.key !== null) this.#byKind.remove(tape.key.kind, tape);
    tape.forget();
    return true;
  }

  #tell(tape: Tape): void {
    for (const hash of new Set(tape.key?.hashes)) for (const run of this.#watchers.get(hash) ?? []) run();
  }

  #sweep(): void {
    const { clock, limits } = this.#options;
    this.#cancelSweep = null;
    for (const tape of this.#tapes) {
      const leftMs = tape.startedAt + limits.ageMs - clock.monotonic();
      if (leftMs > 0) {
        this.#cancelSweep = clock.after(leftMs, () => this.#sweep());
        return;
      }
      this.drop(tape, "age");
    }
  }
}
