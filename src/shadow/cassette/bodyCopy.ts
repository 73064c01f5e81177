/** Bytes of all request bodies that are being read, so that many at once stay bounded too. */
export class BodyBudget {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  take(bytes: number): boolean {
    if (bytes > this.#left) return false;
    this.#left -= bytes;
    return true;
  }

  give(bytes: number): void {
    this.#left += bytes;
  }
}

export type BodyProblem = "body_too_large" | "body_budget";

/** The copy of one request body. */
export class BodyCopy {
  readonly #budget: BodyBudget;
  readonly #bytesMax: number;
  #chunks: Uint8Array[] = [];
  #bytes = 0;
  #problem: BodyProblem | null = null;

  constructor(budget: BodyBudget, bytesMax: number) {
    this.#budget = budget;
    this.#bytesMax = bytesMax;
  }

  /** Why it can no longer become whole, from the chunk on that did not fit. */
  add(chunk: Uint8Array): BodyProblem | null {
    if (this.#problem !== null) return this.#problem;
    if (this.#bytes + chunk.length > this.#bytesMax) return this.#fail("body_too_large");
    if (!this.#budget.take(chunk.length)) return this.#fail("body_budget");
    this.#bytes += chunk.length;
    this.#chunks.push(chunk);
    return null;
  }

  /** Gives the bytes and lets go of them. */
  take(): Buffer {
    const body = Buffer.concat(this.#chunks);
    this.release();
    return body;
  }

  release(): void {
    this.#budget.give(this.#bytes);
    this.#bytes = 0;
    this.#chunks = [];
  }

  #fail(problem: BodyProblem): BodyProblem {
    this.release();
    this.#problem = problem;
    return problem;
  }
}
