// Entries that are forgotten when nobody has asked for them for a while, or when there are too many. They stand in the order in which
// they were asked for, so that finding those whose time is over costs nothing but them.

export interface IdleMapOptions<Value> {
  readonly max: number;
  readonly idleMs: number;
  /** Monotonic ms. */
  now(): number;
  onForget(value: Value): void;
}

/** Asked for again within this time an entry keeps its place. */
const STEP_MS = 1_000;

interface Entry<Value> {
  readonly value: Value;
  seenMs: number;
}

export class IdleMap<Value> {
  readonly #options: IdleMapOptions<Value>;
  /** The one that was asked for last is the last. */
  readonly #entries = new Map<string, Entry<Value>>();

  constructor(options: IdleMapOptions<Value>) {
    this.#options = options;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Asks for it: its time begins anew. */
  get(name: string): Value | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    const nowMs = this.#options.now();
    if (this.#isOver(entry, nowMs)) {
      this.delete(name);
      return undefined;
    }
    if (nowMs - entry.seenMs >= STEP_MS) {
      entry.seenMs = nowMs;
      this.#entries.delete(name);
      this.#entries.set(name, entry);
    }
    return entry.value;
  }

  /** Without asking for it. */
  peek(name: string): Value | undefined {
    const entry = this.#entries.get(name);
    return entry === undefined || this.#isOver(entry, this.#options.now()) ? undefined : entry.value;
  }

  set(name: string, value: Value): void {
    this.delete(name);
    this.#entries.set(name, { value, seenMs: this.#options.now() });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > this.#options.max && oldest !== undefined) this.delete(oldest);
  }

  delete(name: string): void {
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#entries.delete(name);
    this.#options.onForget(entry.value);
  }

  *values(): Generator<Value> {
    for (const { value } of this.#entries.values()) yield value;
  }

  /** Forgets those whose time is over. */
  expire(): void {
    const nowMs = this.#options.now();
    for (const [name, entry] of this.#entries) {
      if (!this.#isOver(entry, nowMs)) return;
      this.delete(name);
    }
  }

  #isOver({ seenMs }: Entry<Value>, nowMs: number): boolean {
    return nowMs - seenMs > this.#options.idleMs;
  }
}
