// Steps that are taken in their order, some of them only once the cassette has been asked: those behind them wait along.
import type { MissSource } from "./knownMisses.ts";

interface Step {
  readonly mustLook: boolean;
  readonly run: () => void;
}

/** More wait for nothing: a turn in which so much happens is told without what the cassette knows. */
const STEPS_MAX = 1_000;

export class InOrder {
  readonly #source: Pick<MissSource, "look">;
  #steps: Step[] = [];

  constructor(source: Pick<MissSource, "look">) {
    this.#source = source;
  }

  get isWaiting(): boolean {
    return this.#steps.length > 0;
  }

  run(mustLook: boolean, run: () => void): void {
    if (!mustLook && !this.isWaiting) return run();
    this.#steps.push({ mustLook, run });
    if (this.#steps.length > STEPS_MAX) this.flush();
    else if (this.#steps.length === 1) this.#look();
  }

  /** Nobody waits any longer. */
  flush(): void {
    for (const { run } of this.#steps.splice(0)) run();
  }

  #look(): void {
    const [first] = this.#steps;
    this.#source.look(() => {
      // It was flushed meanwhile, or others wait now.
      if (first === undefined || this.#steps[0] !== first) return;
      this.#steps.shift();
      first.run();
      this.#advance();
    });
  }

  #advance(): void {
    while (this.#steps[0]?.mustLook === false) this.#steps.shift()?.run();
    if (this.#steps.length > 0) this.#look();
  }
}
