// State vector and deletions of one track, from decoded updates only (shadow Y2). Gaps show by arithmetic: nothing is applied.
import { ClockRanges } from "./clockRanges.ts";
import type { ClientClocks, DecodedUpdate } from "./decodedUpdate.ts";

export interface Entry {
  /** `known`: neither structs nor deletions that were not there. `overlaps`: some of its structs were there. */
  readonly brings: "new" | "overlaps" | "known";
  /** Structs that wait for clocks that are not known. */
  readonly pending: number;
  /** By client of its structs: how far everything was known before. */
  readonly before: Map<number, number>;
}

interface Client {
  readonly seen: ClockRanges;
  readonly deleted: ClockRanges;
  /** Something builds on clocks below this, or deletes them. */
  needed: number;
}

export class ClockLedger {
  readonly #clients = new Map<number, Client>();
  readonly #gapped = new Set<number>();
  #ranges = 0;

  /** Ranges and clients that are held: what of it needs memory. */
  get size(): number {
    return this.#ranges + this.#clients.size;
  }

  get hasGap(): boolean {
    return this.#gapped.size > 0;
  }

  take({ structs, deletes }: DecodedUpdate): Entry {
    let isNew = false;
    let isKnown = false;
    const before = new Map<number, number>();
    for (const run of runsOf(structs)) {
      if (!before.has(run.client)) before.set(run.client, this.#of(run.client).seen.whole);
      const added = this.#add("seen", run);
      isNew ||= added !== "known";
      isKnown ||= added !== "new";
    }
    for (const clocks of deletes) {
      isNew = this.#add("deleted", clocks) !== "known" || isNew;
      this.#need(clocks.client, clocks.to);
    }
    let pending = 0;
    for (const struct of structs) pending += this.#waits(struct) ? 1 : 0;
    return { brings: isNew ? (isKnown ? "overlaps" : "new") : "known", pending, before };
  }

  #waits({ client, to, needs }: DecodedUpdate["structs"][number]): boolean {
    let isWaiting = to > this.#of(client).seen.whole;
    for (const need of needs) {
      this.#need(need.client, need.clock + 1);
      isWaiting ||= need.clock >= this.#of(need.client).seen.whole;
    }
    return isWaiting;
  }

  #add(set: "seen" | "deleted", { client, from, to }: ClientClocks): "new" | "partly" | "known" {
    const known = this.#of(client);
    const before = known[set].size;
    const added = known[set].add(from, to);
    this.#ranges += known[set].size - before;
    if (set === "seen") this.#note(client, known);
    return added;
  }

  #need(client: number, until: number): void {
    const known = this.#of(client);
    if (until <= known.needed) return;
    known.needed = until;
    this.#note(client, known);
  }

  #note(client: number, { seen, needed }: Client): void {
    if (seen.whole < Math.max(needed, seen.end)) this.#gapped.add(client);
    else this.#gapped.delete(client);
  }

  #of(client: number): Client {
    let known = this.#clients.get(client);
    if (known === undefined) {
      known = { seen: new ClockRanges(), deleted: new ClockRanges(), needed: 0 };
      this.#clients.set(client, known);
    }
    return known;
  }

  /** Clock below which everything of a client is known, by client; as Yjs has it. */
  stateVector(): Map<number, number> {
    const vector = new Map<number, number>();
    for (const [client, { seen }] of this.#clients) if (seen.whole > 0) vector.set(client, seen.whole);
    return vector;
  }

  /** What something builds on and never came; "" if there is nothing. Equal texts, equal gaps. */
  gaps(): string {
    return this.#text([...this.#gapped], ({ seen, needed }) => seen.missing(Math.max(needed, seen.end)));
  }

  /** Clients of which nothing came, and on which something builds. */
  strangers(): readonly number[] {
    return [...this.#gapped].filter((client) => this.#of(client).seen.end === 0);
  }

  /** The deletions that were told of. Those that follow from placing structs are in none of the updates. */
  deleteDigest(): string {
    return this.#text([...this.#clients.keys()], ({ deleted }) => deleted.ranges());
  }

  #text(clients: number[], rangesOf: (client: Client) => ReturnType<ClockRanges["ranges"]>): string {
    return clients
      .sort((one, other) => one - other)
      .map((client) => ({ client, ranges: rangesOf(this.#of(client)) }))
      .filter(({ ranges }) => ranges.length > 0)
      .map(({ client, ranges }) => `${client}:${ranges.map(({ from, to }) => `${from}-${to}`).join(",")}`)
      .join(" ");
  }
}

/** Structs of one client behind each other are one range. */
function* runsOf(structs: readonly ClientClocks[]): Generator<ClientClocks> {
  let run: ClientClocks | null = null;
  for (const { client, from, to } of structs) {
    if (run !== null && run.client === client && run.to === from) {
      run = { client, from: run.from, to };
      continue;
    }
    if (run !== null) yield run;
    run = { client, from, to };
  }
  if (run !== null) yield run;
}
