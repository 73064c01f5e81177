// Reads the misses of the completion cassette at its replay listener (shadow K3): again and again, and whenever somebody judges.
import { request } from "undici";
import { z } from "zod";
import type { Clock } from "../../kernel/index.ts";
import { type CassetteMiss, MISS_REASONS } from "../cassette/ports.ts";
import { DIFFERENCE_KINDS } from "../words.ts";
import { type AskedWithin, KnownMisses, type MissSource } from "./knownMisses.ts";
import type { CassetteSettings, ThreadEvent } from "./messages.ts";

const POLL_MS = 250;
/** A cassette that is away is asked so often, and nobody waits for it. */
const AWAY_MS = 1_000;
/** Of one reading, with all its pages: who judges may have to wait for one that runs and for the next. */
const READ_MS = 700;
const PAGES_MAX = 10;
const BYTES_MAX = 4 * 1_048_576;
/** More who judge do not wait. */
const WAITING_MAX = 10_000;

const difference = z.object({
  path: z.string().max(1_000),
  kind: z.enum(DIFFERENCE_KINDS),
  recorded: z.string().max(100).nullable(),
  asked: z.string().max(100).nullable(),
  count: z.number(),
});
const miss = z.object({
  n: z.number(),
  atMs: z.number(),
  kind: z.string().max(100),
  key: z.string().max(100),
  requestId: z.string().max(128).nullable(),
  occurrence: z.number(),
  reason: z.enum(MISS_REASONS),
  nearest: z
    .object({
      key: z.string().max(100),
      requestId: z.string().max(128).nullable(),
      differences: z.array(difference).max(100),
    })
    .nullable(),
});
const page = z.object({ boot: z.string().max(100), misses: z.array(miss), next: z.number(), hasMore: z.boolean() });
type Page = z.infer<typeof page>;

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
    const failure = await this.#readAll(settings).then(() => null, whyOf);
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
        const found = await pageOf(settings, this.#since, ending.signal);
        if (settings !== this.#settings || !this.#take(found)) return;
      }
    } finally {
      cancel();
    }
  }

  /** Gives whether there is more. */
  #take({ boot, misses, next, hasMore }: Page): boolean {
    const isNew = this.#boot !== null && boot !== this.#boot;
    this.#boot = boot;
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

  #safely(run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#options.onFault(error);
    }
  }
}

class Refused extends Error {}

/** Never what was sent or read: the one holds the token, the other is another process's. */
function whyOf(error: unknown): string {
  if (error instanceof Refused) return error.message;
  if (error instanceof z.ZodError || error instanceof SyntaxError) return "it does not answer with misses";
  const code = error instanceof Error && "code" in error ? error.code : null;
  return typeof code === "string" && code !== "UND_ERR_ABORTED" ? code : "it does not answer in time";
}

/** @throws when it is not a page */
async function pageOf({ replay, missesToken }: CassetteSettings, since: number, signal: AbortSignal): Promise<Page> {
  const host = replay.host.includes(":") ? `[${replay.host}]` : replay.host;
  const headers = missesToken === null ? {} : { authorization: `Bearer ${missesToken}` };
  const reply = await request(`http://${host}:${replay.port}/misses?since=${since}`, { headers, signal });
  if (reply.statusCode !== 200) {
    await reply.body.dump();
    const isToken = reply.statusCode === 401;
    throw new Refused(isToken ? "it does not take this token for its misses" : `it answered ${reply.statusCode}`);
  }
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of reply.body as AsyncIterable<Buffer>) {
    pieces.push(piece);
    bytes += piece.length;
    if (bytes > BYTES_MAX) throw new Refused("its answer is too long");
  }
  return page.parse(JSON.parse(Buffer.concat(pieces).toString("utf8")));
}
