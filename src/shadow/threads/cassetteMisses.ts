// Reads the misses of the completion cassette at its replay listener (shadow K3): again and again, and whenever somebody judges.
import type { Clock } from "../../kernel/index.ts";
import { type MissesPage, readMisses, whyNoMisses } from "../cassette/missClient.ts";
import type { CassetteMiss } from "../cassette/ports.ts";
import { type AskedWithin, KnownMisses, type MissSource } from "./knownMisses.ts";
import type { ThreadEvent } from "./messages.ts";
import type { CassetteSettings } from "./shadowSettings.ts";

const POLL_MS = 250;
/** A cassette that is away is asked so often, and nobody waits for it. */
const AWAY_MS = 1_000;
/** Of one reading, with all its pages: who judges may have to wait for one that runs and for the next. */
const READ_MS = 700;
const PAGES_MAX = 10;
/** More who judge do not wait. */
const WAITING_MAX = 10_000;

export interface CassetteMissesOptions {
  readonly clock: Clock;
  /** Of one reading. */
  readonly readMs?: number;
  /** So many misses will never be known here. */
  onDrop(count: number): void;
  onEvent(event: ThreadEvent): void;
  /** A step that waited has failed: those behind it go on. */
  onFault(error: unknown): void;
}

export class CassetteMisses implements MissSource {
  readonly #options: CassetteMissesOptions;
  readonly #known: KnownMisses;
  #settings: CassetteSettings | null = null;
  #boot: string | null = null;
  /** Told once of each start, and of each setting. */
  #isModeTold = false;
  #since = 0;
  #waiting: (() => void)[] = [];
  #isReading = false;
  #isAway = false;
  #cancel = (): void => {};

  constructor(options: CassetteMissesOptions) {
    this.#options = options;
    this.#known = new KnownMisses(options.onDrop);
  }

  get isOn(): boolean {
    return this.#settings !== null;
  }

  /** Null: there is none. */
  configure(settings: CassetteSettings | null): void {
    const isSame = JSON.stringify(settings) === JSON.stringify(this.#settings);
    if (isSame) return;
    this.#settings = settings;
    this.#boot = null;
    this.#isModeTold = false;
    this.#since = 0;
    this.#isAway = false;
    this.#cancel();
    if (settings === null) this.flush();
    else if (!this.#isReading) void this.#read();
  }

  stop(): void {
    this.configure(null);
  }

  within(asked: AskedWithin): readonly CassetteMiss[] {
    return this.#known.within(asked);
  }

  look(run: () => void): void {
    if (!this.isOn || this.#isAway || this.#waiting.length >= WAITING_MAX) return this.#safely(run);
    this.#waiting.push(run);
    if (this.#isReading) return;
    this.#cancel();
    void this.#read();
  }

  flush(): void {
    for (const run of this.#waiting.splice(0)) this.#safely(run);
  }

  async #read(): Promise<void> {
    const settings = this.#settings;
    if (settings === null) return;
    this.#isReading = true;
    // Those who come while it is read may have been missed behind what it gives.
    const waiting = this.#waiting.splice(0);
    const failure = await this.#readAll(settings).then(() => null, whyNoMisses);
    this.#isReading = false;
    if (settings === this.#settings) this.#tell(failure);
    for (const run of waiting) this.#safely(run);
    if (this.#isAway) this.flush();
    if (!this.isOn || this.#isReading) return;
    const isHurried = this.#waiting.length > 0 || settings !== this.#settings;
    if (isHurried) void this.#read();
    else this.#cancel = this.#options.clock.after(this.#isAway ? AWAY_MS : POLL_MS, () => void this.#read());
  }

  async #readAll(settings: CassetteSettings): Promise<void> {
    const ending = new AbortController();
    const cancel = this.#options.clock.after(this.#options.readMs ?? READ_MS, () => ending.abort());
    try {
      for (let at = 0; at < PAGES_MAX; at++) {
        const found = await readMisses(settings, this.#since, ending.signal);
        if (settings !== this.#settings || !this.#take(found)) return;
      }
    } finally {
      cancel();
    }
  }

  /** Gives whether there is more. */
  #take({ boot, misses, next, hasMore, live }: MissesPage): boolean {
    const isNew = this.#boot !== null && boot !== this.#boot;
    this.#boot = boot;
    if (isNew) this.#isModeTold = false;
    this.#tellMode(live);
    if (isNew && this.#since > 0) {
      // It counts from 1 again, and what it gave was behind a number of the one before.
      this.#since = 0;
      return true;
    }
    const [first] = misses;
    if (first !== undefined && this.#since > 0 && first.n > this.#since + 1)
      this.#options.onDrop(first.n - this.#since - 1);
    this.#known.add(misses, this.#options.clock.now());
    this.#since = next;
    return hasMore;
  }

  #tell(failure: string | null): void {
    const isAway = failure !== null;
    if (isAway === this.#isAway) return;
    this.#isAway = isAway;
    const event = isAway ? "shadow.cassette.away" : "shadow.cassette.back";
    this.#options.onEvent({
      type: "event",
      event,
      level: isAway ? "warn" : "info",
      fields: isAway ? { why: failure } : {},
    });
  }

  /** Words of models that both are alive differ each time; of a replay that is taken for alive nobody would see a difference. */
  #tellMode(live: boolean): void {
    if (this.#isModeTold || live === this.#settings?.isLive) return;
    this.#isModeTold = true;
    const fields = { cassette: live ? "live" : "replay", expected: live ? "replay" : "live" };
    this.#options.onEvent({ type: "event", event: "shadow.cassette.mode", level: "warn", fields });
  }

  #safely(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#options.onFault(error);
    }
  }
}
