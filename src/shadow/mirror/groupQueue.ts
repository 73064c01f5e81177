// The order in which a group's copies leave (shadow S4): that of the served legs. Writes and frames that open a turn are
// barriers: they wait for everything before them, and everything behind waits for them. Reads between two run side by side.

/** shadow S4. */
const SAFE_AT_ONCE = 4;

interface Copy {
  readonly isBarrier: boolean;
  state: "awaited" | "ready" | "running";
  run: () => Promise<unknown>;
}

/** A place in the order of a group. */
export interface Place {
  /** The copy may leave: it does when its turn comes. Never rejects on `run`'s account. */
  ready(run: () => Promise<unknown>): void;
  /** There will be no copy. */
  drop(): void;
  /** Nothing of the group has come behind it. */
  readonly isLast: boolean;
}

export class GroupQueues {
  /** By group, in order. */
  readonly #queues = new Map<string, Copy[]>();

  get size(): number {
    let size = 0;
    for (const queue of this.#queues.values()) size += queue.length;
    return size;
  }

  /** When the served leg leaves for its arm. */
  arrive(group: string, isBarrier: boolean): Place {
    const copy: Copy = { isBarrier, state: "awaited", run: () => Promise.resolve() };
    const queue = this.#queues.get(group);
    if (queue === undefined) this.#queues.set(group, [copy]);
    else queue.push(copy);
    const isLast = (): boolean => this.#queues.get(group)?.at(-1) === copy;
    return {
      get isLast() {
        return isLast();
      },
      ready: (run) => {
        if (copy.state !== "awaited") return;
        copy.state = "ready";
        copy.run = run;
        this.#advance(group);
      },
      drop: () => {
        if (copy.state !== "running") this.#end(group, copy);
      },
    };
  }

  #advance(group: string): void {
    const queue = this.#queues.get(group) ?? [];
    for (const [at, copy] of [...queue].entries()) {
      // Asked anew each time: what was started may have started others.
      const running = queue.reduce((sum, { state }) => sum + (state === "running" ? 1 : 0), 0);
      if (!copy.isBarrier && running >= SAFE_AT_ONCE) return;
      const mayStart = copy.isBarrier ? at === 0 && queue[0] === copy : true;
      if (copy.state === "ready" && mayStart) this.#start(group, copy);
      if (copy.isBarrier) return;
    }
  }

  #start(group: string, copy: Copy): void {
    copy.state = "running";
    const ended = (): void => this.#end(group, copy);
    // Whatever it throws at once is a failed copy like any other.
    const run = async (): Promise<unknown> => copy.run();
    run().then(ended, ended);
  }

  #end(group: string, copy: Copy): void {
    const queue = this.#queues.get(group);
    const at = queue?.indexOf(copy) ?? -1;
    if (queue === undefined || at < 0) return;
    queue.splice(at, 1);
    if (queue.length === 0) this.#queues.delete(group);
    else this.#advance(group);
  }
}
