// One recording: what came from the provider and when, while it grows and after (shadow K3).
import type { Clock } from "../../kernel/index.ts";
import type { CallKey } from "./callKey.ts";

/** `unreachable`: there was never a connection to the provider. */
export type TapeEnd = "complete" | "broken" | "unreachable";

export interface TapeHead {
  readonly status: number;
  readonly statusText: string;
  /** Name, value, name, value, …; end-to-end ones only. */
  readonly headers: readonly string[];
}

/** `atMs`: since the call began. */
export type TapeEvent =
  | { readonly type: "head"; readonly atMs: number; readonly head: TapeHead }
  | { readonly type: "chunk"; readonly atMs: number; readonly bytes: Uint8Array }
  | { readonly type: "end"; readonly atMs: number; readonly how: TapeEnd };

/** Whoever counts the memory of all tapes and tells those who wait. */
export interface TapeKeeper {
  /** May drop the tape itself. */
  grew(tape: Tape, bytes: number): void;
  changed(tape: Tape): void;
  outgrew(tape: Tape): void;
}

/** What a tape, its entries in maps and one of its events cost beside their bytes; measured, rounded up. */
const TAPE_BYTES = 1_536;
const EVENT_BYTES = 320;
const BLOCK_BYTES_MIN = 1_024;
const BLOCK_BYTES_MAX = 65_536;

export class Tape {
  readonly requestId: string | null;
  /** On the monotonic clock. */
  readonly startedAt: number;
  /** What it costs to keep it. */
  bytes = TAPE_BYTES;
  /** Its own request has asked for it at the replay side. */
  wasAsked = false;
  #key: CallKey | null = null;
  #events: TapeEvent[] = [];
  #status: number | null = null;
  #ended: TapeEnd | null = null;
  #isGone = false;
  #block: Uint8Array = new Uint8Array(0);
  #used = 0;
  readonly #bytesMax: number;
  readonly #clock: Clock;
  readonly #keeper: TapeKeeper;
  readonly #watchers = new Set<() => void>();

  constructor(options: { requestId: string | null; bytesMax: number; clock: Clock; keeper: TapeKeeper }) {
    this.requestId = options.requestId;
    this.#bytesMax = options.bytesMax;
    this.#clock = options.clock;
    this.#keeper = options.keeper;
    this.startedAt = options.clock.monotonic();
  }

  /** Null until the whole request is there. */
  get key(): CallKey | null {
    return this.#key;
  }

  get ended(): TapeEnd | null {
    return this.#ended;
  }

  /** Its events are no longer kept. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Ended well. */
  get isSuccess(): boolean {
    return this.#ended === "complete" && this.#status !== null && this.#status < 400;
  }

  /** Ended well or may still. */
  get isSound(): boolean {
    return !this.#isGone && (this.isSuccess || (this.#ended === null && (this.#status ?? 0) < 400));
  }

  event(at: number): TapeEvent | undefined {
    return this.#events[at];
  }

  name(key: CallKey): void {
    this.#key = key;
    this.#grow(key.texts.reduce((sum, text) => sum + text.length + TAPE_BYTES, 0));
  }

  begin(head: TapeHead): void {
    this.#status = head.status;
    const bytes = head.headers.reduce((sum, text) => sum + text.length + 32, 0);
    this.#push({ type: "head", atMs: this.#atMs(), head }, bytes);
  }

  /** Copies: what the network gave belongs to the one who is served. */
  append(chunk: Uint8Array): void {
    if (this.#isGone || this.#ended !== null || chunk.length === 0) return;
    const atMs = this.#atMs();
    const [bytes, grown] = this.#copy(chunk);
    this.#push({ type: "chunk", atMs, bytes }, grown);
    if (this.bytes > this.#bytesMax && !this.#isGone) {
      this.forget();
      this.#keeper.outgrew(this);
    }
  }

  end(how: TapeEnd): void {
    if (this.#ended !== null) return;
    this.#ended = how;
    this.#push({ type: "end", atMs: this.#atMs(), how }, 0);
    this.#keeper.changed(this);
  }

  /** Lets go of what was recorded; that there was a recording stays known. */
  forget(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    const kept = TAPE_BYTES + (this.#key?.texts.reduce((sum, text) => sum + text.length + TAPE_BYTES, 0) ?? 0);
    const freed = this.bytes - kept;
    this.#events = [];
    this.#block = new Uint8Array(0);
    this.bytes = kept;
    this.#keeper.grew(this, -freed);
    this.#tell();
  }

  /** Calls at every event, and when it is forgotten; the returned function ends that. */
  watch(run: () => void): () => void {
    this.#watchers.add(run);
    return () => void this.#watchers.delete(run);
  }

  #atMs(): number {
    return this.#clock.monotonic() - this.startedAt;
  }

  /** Into blocks that double: thousands of small pieces would each cost several times their bytes. */
  #copy(chunk: Uint8Array): [copy: Uint8Array, grown: number] {
    let grown = 0;
    if (this.#block.length - this.#used < chunk.length) {
      const next = Math.min(BLOCK_BYTES_MAX, Math.max(BLOCK_BYTES_MIN, this.#block.length * 2));
      this.#block = new Uint8Array(Math.max(next, chunk.length));
      this.#used = 0;
      grown = this.#block.length;
    }
    const copy = this.#block.subarray(this.#used, this.#used + chunk.length);
    copy.set(chunk);
    this.#used += chunk.length;
    return [copy, grown];
  }

  #push(event: TapeEvent, bytes: number): void {
    if (this.#isGone) return;
    this.#events.push(event);
    this.#grow(bytes + EVENT_BYTES);
    this.#tell();
  }

  #grow(bytes: number): void {
    this.bytes += bytes;
    this.#keeper.grew(this, bytes);
  }

  #tell(): void {
    for (const run of this.#watchers) run();
  }
}
