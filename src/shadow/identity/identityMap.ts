// Which ids of the two arms name the same thing (shadow §6). Raw ids stay in this memory; nothing of it is stored.
import { LRUCache } from "lru-cache";
import { type Arm, otherArm } from "../../kernel/index.ts";
import type { IdPairs } from "../compare/idPairs.ts";

/** M5. */
const PAIRS_MAX = 200_000;
const PAIR_MS = 24 * 3_600_000;
/** Ids that the served arm made and whose partner is still to come. */
const MINTED_MAX = 50_000;
const MINTED_MS = 60_000;

/** `declared`: only at paths that rules call ids; `learnt`: also where both values look like ids. */
export type IdentityMode = "declared" | "learnt";

export interface Pair {
  readonly group: string;
  readonly control: string;
  readonly candidate: string;
  readonly source: IdentityMode;
  /** A call with the other arm's id has got the same class of status (M4). */
  isFirm: boolean;
}

export type Learning = "new" | "known" | "conflict";

export interface IdentityMapOptions {
  /** Epoch or monotonic ms. */
  readonly now: () => number;
  readonly pairsMax?: number;
  /** A pair that was not known before. */
  onLearnt?(control: string, candidate: string): void;
  readonly mintedMax?: number;
}

export class IdentityMap {
  readonly #pairs: LRUCache<string, Pair>;
  /** From either side to the pair; of the campaign, where no group knows better. */
  readonly #byGroup = { control: new Map<string, Pair>(), candidate: new Map<string, Pair>() };
  readonly #byCampaign = { control: new Map<string, Pair>(), candidate: new Map<string, Pair>() };
  readonly #minted: LRUCache<string, true>;
  readonly #onLearnt: (control: string, candidate: string) => void;
  #dropped = 0;
  #mintedDropped = 0;

  constructor({ now, onLearnt, pairsMax = PAIRS_MAX, mintedMax = MINTED_MAX }: IdentityMapOptions) {
    this.#onLearnt = onLearnt ?? (() => {});
    const perf = { now };
    this.#pairs = new LRUCache({
      ...atMost(pairsMax),
      ttl: PAIR_MS,
      perf,
      ttlResolution: 0,
      dispose: (pair, _, reason) => {
        this.#forget(pair);
        if (reason === "evict" || reason === "expire") this.#dropped += 1;
      },
    });
    this.#minted = new LRUCache({
      ...atMost(mintedMax),
      ttl: MINTED_MS,
      perf,
      ttlResolution: 0,
      dispose: (_, __, reason) => (this.#mintedDropped += reason === "evict" ? 1 : 0),
    });
  }

  get size(): number {
    return this.#pairs.size;
  }

  /** Pairs that a limit has ended, by number or age (M5): what they name is strange again. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Ids that were still awaited: copies that hold them leave unchanged. */
  get mintedDropped(): number {
    return this.#mintedDropped;
  }

  /** One id ↔ one id: a second partner on either side is a conflict, and changes nothing (M4). */
  learn(group: string, control: string, candidate: string, source: IdentityMode): Learning {
    const known = this.find("control", group, control);
    const other = this.find("candidate", group, candidate);
    if (known !== null && known.candidate === candidate) return "known";
    if (known !== null || other !== null) return "conflict";
    const pair: Pair = { group, control, candidate, source, isFirm: source === "declared" };
    this.#pairs.set(nameOf(group, control), pair);
    for (const arm of ["control", "candidate"] as const) {
      this.#byGroup[arm].set(nameOf(group, pair[arm]), pair);
      if (!this.#byCampaign[arm].has(pair[arm])) this.#byCampaign[arm].set(pair[arm], pair);
      this.#minted.delete(nameOf(group, pair[arm]));
    }
    this.#onLearnt(control, candidate);
    return "new";
  }

  /** What `arm` calls the thing that the other arm calls `id`; null when that is not known. */
  idOn(arm: Arm, group: string, id: string): string | null {
    return this.find(otherArm(arm), group, id)?.[arm] ?? null;
  }

  isTentative(group: string, id: string, arm: Arm): boolean {
    return this.find(arm, group, id)?.isFirm === false;
  }

  /** A call that carried the other arm's ids got the same class of status. */
  confirm(group: string, arm: Arm, ids: Iterable<string>): void {
    for (const id of ids) {
      const pair = this.find(arm, group, id);
      if (pair !== null) pair.isFirm = true;
    }
  }

  /** The served arm has made this id; until its partner is known, copies that hold it wait (M3). */
  noteMinted(group: string, id: string): void {
    this.#minted.set(nameOf(group, id), true);
  }

  /** Both arms call it so. */
  noteEqual(group: string, id: string): void {
    this.#minted.delete(nameOf(group, id));
  }

  isAwaited(group: string, id: string): boolean {
    return this.#minted.has(nameOf(group, id));
  }

  /** For the comparison of one exchange; `mayLearn`: both replies are 2xx (M1). `onConflict`: M4. */
  pairsFor(group: string, mode: IdentityMode, mayLearn: boolean, onConflict: () => void): IdPairs {
    return new GroupPairs(this, group, { mode, mayLearn, onConflict });
  }

  get isEmpty(): boolean {
    return this.#pairs.size === 0;
  }

  /** What stands for this id: in the group, then in the campaign (M5). */
  find(arm: Arm, group: string, id: string): Pair | null {
    const pair = this.#byGroup[arm].get(nameOf(group, id)) ?? this.#byCampaign[arm].get(id);
    // Asking keeps it young, and ends it when its time is over.
    return pair === undefined ? null : (this.#pairs.get(nameOf(pair.group, pair.control)) ?? null);
  }

  #forget(pair: Pair): void {
    for (const arm of ["control", "candidate"] as const) {
      this.#byGroup[arm].delete(nameOf(pair.group, pair[arm]));
      if (this.#byCampaign[arm].get(pair[arm]) === pair) this.#byCampaign[arm].delete(pair[arm]);
    }
  }
}

/** By size: with `max` the arrays for all of them would be made at once, and most applications never fill a part of them. */
const atMost = (count: number) => ({ maxSize: count, sizeCalculation: () => 1 });

const nameOf = (group: string, id: string): string => `${group}\n${id}`;

/** Of one exchange. */
class GroupPairs implements IdPairs {
  readonly mode: IdentityMode;
  readonly mayLearn: boolean;
  readonly #map: IdentityMap;
  readonly #group: string;
  readonly #onConflict: () => void;

  constructor(
    map: IdentityMap,
    group: string,
    { mode, mayLearn, onConflict }: Pick<IdPairs, "mode" | "mayLearn"> & { readonly onConflict: () => void },
  ) {
    this.mode = mode;
    this.mayLearn = mayLearn;
    this.#map = map;
    this.#group = group;
    this.#onConflict = onConflict;
  }

  get isEmpty(): boolean {
    return this.#map.isEmpty;
  }

  find(arm: Arm, id: string): Pair | null {
    return this.#map.find(arm, this.#group, id);
  }

  learn(control: string, candidate: string, isDeclared: boolean): void {
    this.#map.learn(this.#group, control, candidate, isDeclared ? "declared" : "learnt");
  }

  conflict(): void {
    this.#onConflict();
  }
}
