// A tap as the proxy gets it: whatever goes wrong in it stays in it (shadow I1), and its end is told.
import type { CallTap, LegError } from "../../proxy/ports.ts";

export interface FollowedOptions {
  /** The served leg is over. */
  onEnd(): void;
  /** Of the tap nothing more is to be had. */
  onError(): void;
}

export class FollowedTap implements CallTap {
  #tap: CallTap | null;
  readonly #options: FollowedOptions;

  /** @param tap null: only the end is of interest */
  constructor(tap: CallTap | null, options: FollowedOptions) {
    this.#tap = tap;
    this.#options = options;
  }

  requestChunk(chunk: Uint8Array): void {
    try {
      this.#tap?.requestChunk(chunk);
    } catch {
      this.#fail();
    }
  }

  requestEnd(): void {
    try {
      this.#tap?.requestEnd();
    } catch {
      this.#fail();
    }
  }

  head(status: number, raw: readonly Uint8Array[]): void {
    try {
      this.#tap?.head(status, raw);
    } catch {
      this.#fail();
    }
  }

  chunk(chunk: Uint8Array): void {
    try {
      this.#tap?.chunk(chunk);
    } catch {
      this.#fail();
    }
  }

  end(error: LegError | null): void {
    try {
      this.#tap?.end(error);
    } catch {
      this.#fail();
    }
    this.#options.onEnd();
  }

  #fail(): void {
    this.#tap = null;
    this.#options.onError();
  }
}
