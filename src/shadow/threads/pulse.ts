// Whether anybody reads at the other end of a socket: a half-open one takes whatever is sent, and nobody ever says so.
import type { Clock } from "../../kernel/index.ts";

/**
 * So long behind a frame it is asked, and no more often. A moment behind it: a target that stops with a frame may have read a ping
 * that came in one piece with it.
 */
const ASK_MS = 1_000;
/** A target that reads answers a ping at once (RFC 6455 §5.5.2), whatever it is about. */
export const HALF_OPEN_MS = 2_000;
/** And one that has taken nothing for so long is as far behind as a conversation may be (shadow C4). */
const SILENT_MS = 5_000;

export interface PulseOptions {
  readonly clock: Clock;
  /** Gives whether it could be sent. */
  ping(): boolean;
  onSilent(): void;
}

export class Pulse {
  readonly #options: PulseOptions;
  #state: "idle" | "watching" | "asked" = "idle";
  #askedMs = 0;
  #cancel = (): void => {};

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  /** Something was sent: whether it is read matters. */
  watch(): void {
    if (this.#state !== "idle") return;
    this.#state = "watching";
    this.#cancel = this.#options.clock.after(ASK_MS, () => this.#ask());
  }

  /** A pong, or anything that is said behind a ping. Gives whether it was waited for. */
  heard(): boolean {
    if (this.#state !== "asked") return false;
    this.stop();
    return true;
  }

  get isHalfOpen(): boolean {
    return this.#state === "asked" && this.#options.clock.monotonic() - this.#askedMs >= HALF_OPEN_MS;
  }

  stop(): void {
    this.#cancel();
    this.#state = "idle";
  }

  #ask(): void {
    const { clock, ping, onSilent } = this.#options;
    if (!ping()) return;
    this.#state = "asked";
    this.#askedMs = clock.monotonic();
    this.#cancel = clock.after(SILENT_MS, onSilent);
  }
}
