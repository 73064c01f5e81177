import { LIMITS } from "./limits.ts";
import { TransportError } from "./words.ts";

/** Of the `LIMITS.waitingCalls` that the queue takes: mutations must not find it full of queries, nor wait behind them all. */
const QUERIES_AT_ONCE = 512;
/** One for each connection, and for those that ended while theirs waited. */
const RUNS_WAITING_MAX = 2 * LIMITS.connections;

/** Lets runs of queries in, in their order, as long as not too many queries are inside; a larger run goes in alone. */
export class QueryGate {
  readonly #queriesMax: number;
  readonly #runsWaitingMax: number;
  #inside = 0;
  readonly #waiting: { readonly count: number; readonly enter: () => void }[] = [];

  constructor(queriesMax: number = QUERIES_AT_ONCE, runsWaitingMax: number = RUNS_WAITING_MAX) {
    this.#queriesMax = queriesMax;
    this.#runsWaitingMax = runsWaitingMax;
  }

  /** `leave` must follow. @throws TransportError 503 when too many wait already */
  async enter(count: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#hasRoom(count)) {
      this.#inside += count;
      return;
    }
    if (this.#waiting.length >= this.#runsWaitingMax) {
      throw new TransportError(
        503,
        "TooManyConcurrentRequests",
        `${this.#runsWaitingMax} runs of queries wait already`,
      );
    }
    await new Promise<void>((resolve) => this.#waiting.push({ count, enter: resolve }));
  }

  leave(count: number): void {
    this.#inside -= count;
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next.count); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#inside += next.count;
      next.enter();
    }
  }

  #hasRoom(count: number): boolean {
    return this.#inside === 0 || this.#inside + count <= this.#queriesMax;
  }
}
