// Sends copies and takes their replies (shadow I2, I7): its own connections, its own clock, and an end to everything a target might
// do. Whatever happens becomes an observation.
import { errors, Pool } from "undici";
import type { Arm, Clock, Role } from "../../kernel/index.ts";
import type { HeaderList } from "../headerList.ts";
import type { ErrorClass, Observation, Reply } from "../observation.ts";

export interface CopyLimits {
  readonly connectMs: number;
  /** Times what the served arm took, and some more. */
  readonly firstByteFactor: number;
  readonly firstByteMs: number;
  readonly totalMs: number;
  readonly atOnce: number;
  readonly replyBytes: number;
  /** Of all replies that are being read: routes may let single ones be longer than usual (shadow I4). */
  readonly repliesBytes: number;
}

/** shadow I7. */
export const COPY_LIMITS: CopyLimits = {
  connectMs: 1_000,
  firstByteFactor: 1.5,
  firstByteMs: 2_000,
  totalMs: 30_000,
  atOnce: 64,
  replyBytes: 2 * 1_048_576,
  repliesBytes: 32 * 1_048_576,
};

export interface Copy {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: HeaderList;
  readonly body: Uint8Array | null;
  /** Of the served leg; null where it never came. */
  readonly servedFirstByteMs: number | null;
  /** Of this route, where its tap is larger than usual. */
  readonly replyBytesMax?: number;
}

export interface CopyClientOptions {
  readonly origin: string;
  readonly arm: Arm;
  readonly role: Role;
  readonly clock: Clock;
  readonly limits?: CopyLimits;
}

type Result = Pick<Observation, "result" | "isCut" | "firstByteMs">;

export interface Sent {
  readonly observation: Observation;
  /** It was cut for its own length, not for that of all replies together. */
  readonly isOverlong: boolean;
  /** For a place, before it left. */
  readonly waitedMs: number;
}

export class CopyClient {
  readonly #options: CopyClientOptions;
  readonly #limits: CopyLimits;
  readonly #pool: Pool;
  /** By who waits longest; each is told whether it has a place. */
  readonly #waiting = new Set<(hasPlace: boolean) => void>();
  #inFlight = 0;
  /** Of replies that are being read. */
  #bytes = 0;

  constructor(options: CopyClientOptions) {
    this.#options = options;
    this.#limits = options.limits ?? COPY_LIMITS;
    this.#pool = new Pool(options.origin, {
      connections: this.#limits.atOnce,
      pipelining: 1,
      connect: { timeout: this.#limits.connectMs },
      // Both are watched here, with the clock that tests can move.
      headersTimeout: 0,
      bodyTimeout: 0,
      allowH2: false,
    });
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** Waits for one of its places, then never longer than its limits allow. Never rejects. */
  async send(copy: Copy): Promise<Observation> {
    return ((await this.sendWithin(copy, Number.POSITIVE_INFINITY)) as Sent).observation;
  }

  /** The same; null: for `waitMsMax` there was no place, and it has not left. */
  async sendWithin(copy: Copy, waitMsMax: number): Promise<Sent | null> {
    const { arm, role, clock } = this.#options;
    const askedMs = clock.monotonic();
    if (this.#inFlight < this.#limits.atOnce) this.#inFlight += 1;
    else if (!(await this.#place(waitMsMax))) return null;
    const startedMs = clock.monotonic();
    const { result, isOverlong } = await this.#call(copy, startedMs);
    this.#leave();
    const observation = { arm, role, ...result, totalMs: clock.monotonic() - startedMs };
    return { observation, isOverlong, waitedMs: startedMs - askedMs };
  }

  /** Cuts what is under way: the shadow stops at once (shadow A2). */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #place(waitMsMax: number): Promise<boolean> {
    return new Promise((resolve) => {
      const told = (hasPlace: boolean): void => {
        this.#waiting.delete(told);
        cancel();
        resolve(hasPlace);
      };
      const isEndless = waitMsMax === Number.POSITIVE_INFINITY;
      const cancel = isEndless ? () => {} : this.#options.clock.after(waitMsMax, () => told(false));
      this.#waiting.add(told);
    });
  }

  /** The place goes to who waits longest. */
  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) this.#inFlight -= 1;
    else next(true);
  }

  #call(copy: Copy, startedMs: number): Promise<{ readonly result: Result; readonly isOverlong: boolean }> {
    const { promise, resolve } = Promise.withResolvers<{ readonly result: Result; readonly isOverlong: boolean }>();
    const { clock } = this.#options;
    const limits = this.#limits;
    const bytesMax = copy.replyBytesMax ?? limits.replyBytes;
    const handler = new ReplyReader({
      bytesMax,
      now: () => clock.monotonic() - startedMs,
      take: (bytes) => {
        this.#bytes += bytes;
        return this.#bytes <= limits.repliesBytes;
      },
      onEnd: (result, bytes) => {
        this.#bytes -= bytes;
        cancelFirstByte();
        cancelTotal();
        resolve({ result, isOverlong: bytes > bytesMax });
      },
    });
    const firstByteMs = limits.firstByteFactor * (copy.servedFirstByteMs ?? 0) + limits.firstByteMs;
    const cancelFirstByte = clock.after(stepped(limits.connectMs + firstByteMs), () => handler.isLate());
    const cancelTotal = clock.after(limits.totalMs, () => handler.end({ error: "timeout" }));
    try {
      this.#pool.dispatch(
        {
          method: copy.method,
          path: copy.target,
          // Read only.
          headers: copy.headers as string[],
          ...(copy.body !== null && {
            body: Buffer.from(copy.body.buffer, copy.body.byteOffset, copy.body.byteLength),
          }),
        },
        handler,
      );
    } catch (error) {
      handler.end({ error: classOf(error) });
    }
    return promise;
  }
}

const STEP_MS = 100;

/** Node keeps timers of one length in one list, and makes a list for every other length: most calls share theirs this way. */
const stepped = (ms: number): number => Math.ceil(ms / STEP_MS) * STEP_MS;

const NOTHING = new Uint8Array(0);

interface ReaderOptions {
  readonly bytesMax: number;
  /** Ms since the copy was sent. */
  now(): number;
  /** Gives whether there was room for so many bytes more; they count until the end either way. */
  take(bytes: number): boolean;
  /** @param bytes that were taken */
  onEnd(result: Result, bytes: number): void;
}

/** undici's handler of one reply; the old style, for heads then come as they stood on the wire. */
class ReplyReader {
  readonly #options: ReaderOptions;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  #head: Pick<Reply, "status" | "headers"> | null = null;
  #firstByteMs: number | null = null;
  #abort: ((reason?: Error) => void) | null = null;
  #isOver = false;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Its time for the first byte is over. */
  isLate(): void {
    if (this.#head === null) this.end({ error: "timeout" });
  }

  onConnect(abort: (reason?: Error) => void): void {
    if (this.#isOver) abort();
    else this.#abort = abort;
  }

  onHeaders(status: number, raw: readonly Buffer[]): boolean {
    if (status < 200) return true;
    this.#firstByteMs ??= this.#options.now();
    const headers = raw.map((part, at) => {
      const text = part.toString("latin1");
      return at % 2 === 0 ? text.toLowerCase() : text;
    });
    this.#head = { status, headers };
    return true;
  }

  onData(chunk: Buffer): boolean {
    if (this.#isOver) return false;
    const { bytesMax, take } = this.#options;
    // As it is: every read of a connection has its own memory, and copies of it would be most of what a large reply costs.
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    const hasRoom = take(chunk.length);
    if (this.#bytes > bytesMax || !hasRoom) this.#finish(true);
    return true;
  }

  onComplete(): void {
    this.#finish(false);
  }

  onError(error: Error): void {
    this.end({ error: classOf(error) });
  }

  /** Whatever comes first counts; the connection of what was not read to its end is closed. */
  end(result: { readonly error: ErrorClass }): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#abort?.(new Error("the copy has ended"));
    this.#tell({ result, isCut: false, firstByteMs: this.#firstByteMs });
  }

  #finish(isCut: boolean): void {
    if (this.#isOver || this.#head === null) return;
    this.#isOver = true;
    if (isCut) this.#abort?.(new Error("the reply is longer than is compared"));
    // Half a body says nothing.
    const reply = { ...this.#head, body: isCut ? NOTHING : joined(this.#chunks, this.#bytes) };
    this.#tell({ result: { reply }, isCut, firstByteMs: this.#firstByteMs });
  }

  #tell(result: Result): void {
    this.#chunks.length = 0;
    this.#options.onEnd(result, this.#bytes);
  }
}

/** In memory of its own, which another thread can take over: of a `Buffer` it would be given all of the pool that it lies in. */
function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

const REFUSED = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EADDRNOTAVAIL"]);

function classOf(error: unknown): ErrorClass {
  if (error instanceof errors.ConnectTimeoutError) return "timeout";
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (REFUSED.has(code)) return "refused";
  if (error instanceof errors.HTTPParserError || error instanceof errors.HeadersOverflowError) return "protocol";
  if (error instanceof errors.ResponseContentLengthMismatchError) return "protocol";
  return "reset";
}
