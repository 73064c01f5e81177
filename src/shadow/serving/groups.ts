// Where each group of a stateful unit stands (shadow §9): at rest or not, seeded or not, written to since its last check. Lives in
// the serving thread, for only there is known what is in flight.
import type { Arm, Clock, UnitId } from "../../kernel/index.ts";
import type { GroupCounts } from "../evidence/model.ts";
import { Foreseen } from "./foreseen.ts";
import { IdleMap } from "./idleMap.ts";

/** shadow J1. */
const REST_MS = 1_000;
/** shadow J3. */
const CHECK_MS = 5_000;
/** shadow J4. */
const AGAIN_MS = 3_600_000;
/** shadow J5. */
const IDLE_MS = 30 * 60_000;
/** A seed that did not work is tried again. */
const RETRY_MS = 2_000;
const GROUPS_MAX = 100_000;
/** Asked for at once: twenty a second are made, and one that waits for long is outdated when it comes. */
const SEEDING_MAX = 40;
/** Whoever is foreseen, those that are in use find room. */
const FORESEEN_ROOM = 90_000;

export type GroupStanding = "waiting" | "seeded" | "lost" | "diverged";

export interface GroupWish {
  readonly unit: UnitId;
  readonly group: string;
  readonly served: Arm;
  /** Of what is known of the group: any activity makes another one. */
  readonly version: number;
}

interface Group {
  readonly unit: UnitId;
  readonly name: string;
  served: Arm;
  standing: GroupStanding;
  inFlight: number;
  /** Open, and not mirrored: they change what nobody sees. */
  unseenSockets: number;
  version: number;
  lastMs: number;
  seededMs: number;
  triedMs: number;
  isWritten: boolean;
  /** Something of it was here; the others are foreseen (shadow J1). */
  isUsed: boolean;
}

export interface GroupsOptions {
  readonly clock: Clock;
  /** Copies of its calls are not judged yet: its state at the target is not what it will be. */
  isBusy(unit: UnitId, group: string): boolean;
  seed(wish: GroupWish): void;
  check(wish: GroupWish): void;
}

export class Groups {
  readonly #options: GroupsOptions;
  readonly #all: IdleMap<Group>;
  /** Kept with each change: there may be very many, and they are asked for every second. */
  readonly #counts = new Map<UnitId, Map<GroupStanding, number>>();
  /** Something is to be done once they are at rest. */
  readonly #due = new Set<Group>();
  /** Their seed was asked for, and is not there yet. */
  readonly #seeding = new Set<Group>();
  readonly #foreseen = new Foreseen<Group>();
  /** Of groups in use, in how many units each is: a seed is of all that the subject has. */
  readonly #used = new Map<string, number>();

  constructor(options: GroupsOptions) {
    this.#options = options;
    const forget = (group: Group): void => {
      this.#count(group, -1);
      this.#due.delete(group);
      this.#seeding.delete(group);
      this.#foreseen.forget(group);
      if (group.isUsed) this.#countUse(group.name, -1);
    };
    const now = (): number => options.clock.monotonic();
    this.#all = new IdleMap({ max: GROUPS_MAX, idleMs: IDLE_MS, now, onForget: forget });
  }

  standing(unit: UnitId, group: string): GroupStanding {
    return this.#all.get(nameOf(unit, group))?.standing ?? "waiting";
  }

  /** By unit and standing. */
  counts(): readonly { readonly unit: UnitId; readonly standing: GroupStanding; readonly count: number }[] {
    this.#all.expire();
    return [...this.#counts].flatMap(([unit, counts]) =>
      [...counts].flatMap(([standing, count]) => (count === 0 ? [] : [{ unit, standing, count }])),
    );
  }

  /** Foreseen, and not asked for yet. */
  get ahead(): number {
    return this.#foreseen.waiting;
  }

  /** Of those whose time is over nothing is kept (shadow J5). */
  forgetIdle(): void {
    this.#all.expire();
  }

  /** It may come to be used (shadow J1). False: there is no room for more. */
  foresee(unit: UnitId, name: string, arm: Arm): boolean {
    if (this.#all.size >= FORESEEN_ROOM) this.forgetIdle();
    if (this.#all.size >= FORESEEN_ROOM) return false;
    // What is seeded is all that the subject has: it would be taken from under another unit's copies.
    if (this.#used.has(name)) return true;
    const known = this.#all.peek(nameOf(unit, name));
    const isSeeded = known?.standing === "seeded" && known.served === arm;
    if (isSeeded || (known !== undefined && this.#foreseen.has(known))) return true;
    // It was given up, or sits elsewhere by now.
    if (known !== undefined) this.#all.delete(nameOf(unit, name));
    this.#foreseen.add(this.#group(unit, name, arm));
    return true;
  }

  /** Of units that seed, also of those of which no group is known yet. */
  countsOf(units: Iterable<UnitId>): Readonly<Record<UnitId, GroupCounts>> {
    const sums = new Map([...units].map((unit) => [unit, { waiting: 0, seeded: 0, diverged: 0 }]));
    for (const { unit, standing, count } of this.counts()) {
      const sum = sums.get(unit);
      if (sum !== undefined) sum[standing === "lost" ? "waiting" : standing] += count;
    }
    return Object.fromEntries(sums);
  }

  /** Something of the group leaves for `arm`; what is given is to be called when it has ended. */
  begin(unit: UnitId, name: string, arm: Arm, isWrite: boolean, isSocket = false): () => void {
    const group = this.#group(unit, name, arm);
    this.#touch(group, arm, isWrite);
    // A mirrored socket may be open and at rest.
    if (isSocket) return () => this.#touch(group, arm, false);
    group.inFlight += 1;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      group.inFlight -= 1;
      this.#touch(group, arm, false);
    };
  }

  /** A socket is open that is not mirrored. */
  beginUnseen(unit: UnitId, name: string, arm: Arm): () => void {
    const group = this.#group(unit, name, arm);
    this.#touch(group, arm, false);
    group.unseenSockets += 1;
    let isOpen = true;
    return () => {
      if (!isOpen) return;
      isOpen = false;
      group.unseenSockets -= 1;
      this.#touch(group, arm, false);
    };
  }

  /** A frame on a mirrored socket. */
  frame(unit: UnitId, name: string, arm: Arm, isWrite: boolean): void {
    this.#touch(this.#group(unit, name, arm), arm, isWrite);
  }

  seeded({ unit, group: name, version }: GroupWish): void {
    const group = this.#all.get(nameOf(unit, name));
    if (group === undefined) return;
    this.#seeding.delete(group);
    this.#foreseen.seeded(group);
    this.#askAhead();
    // What came meanwhile is in none of the two, or in one: once more, at the next rest.
    if (group.version !== version || group.inFlight > 0 || group.unseenSockets > 0) return;
    this.#stand(group, "seeded");
    group.seededMs = this.#options.clock.monotonic();
    group.isWritten = false;
    this.#due.delete(group);
  }

  seedFailed({ unit, group: name }: GroupWish): void {
    const group = this.#all.get(nameOf(unit, name));
    if (group === undefined) return;
    const nowMs = this.#options.clock.monotonic();
    this.#seeding.delete(group);
    this.#foreseen.failed(group, nowMs);
    group.triedMs = nowMs;
  }

  /** It was in the middle of something. */
  checkPutOff({ unit, group: name }: GroupWish): void {
    const group = this.#all.get(nameOf(unit, name));
    if (group === undefined) return;
    group.isWritten = true;
    group.triedMs = this.#options.clock.monotonic();
    this.#due.add(group);
  }

  diverged(unit: UnitId, name: string): void {
    const group = this.#all.get(nameOf(unit, name));
    // One without a seed has nothing that could have gone apart.
    if (group === undefined || group.standing !== "seeded") return;
    this.#stand(group, "diverged");
    this.#due.add(group);
  }

  /** Something has changed its state that no copy is made of. */
  lose(unit: UnitId, name: string): void {
    const group = this.#all.get(nameOf(unit, name));
    if (group !== undefined) this.#lose(group);
  }

  /** Another target has none of what was seeded. */
  loseTarget(shadow: Arm): void {
    for (const group of this.#all.values()) if (group.served !== shadow) this.#lose(group);
  }

  /** Whoever was to answer is gone. */
  loseSeeding(): void {
    this.#seeding.clear();
    this.#foreseen.loseSeeding();
  }

  #lose(group: Group): void {
    group.version += 1;
    if (!group.isUsed) {
      this.#all.delete(nameOf(group.unit, group.name)); // it is foreseen once more, or not
      return;
    }
    if (group.standing === "waiting") return;
    this.#stand(group, "lost");
    this.#due.add(group);
  }

  /** Called a few times a second: whoever is at rest gets what it waits for. */
  tick(): void {
    const nowMs = this.#options.clock.monotonic();
    for (const group of this.#due) this.#look(group, nowMs);
    this.#askAhead();
  }

  /** Those in use come first (shadow J1). */
  #askAhead(): void {
    if (this.#seeding.size > 0) return;
    const nowMs = this.#options.clock.monotonic();
    const whenOf = ({ name, lastMs }: Group) => {
      if (this.#used.has(name)) return "never";
      return nowMs - lastMs >= REST_MS ? "now" : "later";
    };
    for (const { unit, name, served, version } of this.#foreseen.take(nowMs, whenOf)) {
      this.#options.seed({ unit, group: name, served, version });
    }
  }

  #look(group: Group, nowMs: number): void {
    const { unit, name, served, version, standing } = group;
    const restMs = nowMs - group.lastMs;
    const isOpen = group.inFlight > 0 || group.unseenSockets > 0;
    const isTried = nowMs - group.triedMs < RETRY_MS;
    const isQuiet = !isTried && !isOpen && restMs >= REST_MS && !this.#options.isBusy(unit, name);
    if (standing === "seeded") {
      if (!group.isWritten) this.#due.delete(group);
      else if (isQuiet && restMs >= CHECK_MS) {
        group.isWritten = false;
        this.#due.delete(group);
        this.#options.check({ unit, group: name, served, version });
      }
      return;
    }
    const isEarly = standing === "diverged" && nowMs - group.seededMs < AGAIN_MS;
    const isUnderWay = this.#seeding.has(group) || this.#foreseen.isSeeding(group);
    const isAsked = isUnderWay || this.#seeding.size >= SEEDING_MAX;
    if (isAsked || isEarly || !isQuiet) return;
    this.#seeding.add(group);
    this.#options.seed({ unit, group: name, served, version });
  }

  #touch(group: Group, arm: Arm, isWrite: boolean): void {
    // It was idle for so long that it is forgotten: what ends now is of nobody.
    if (this.#all.peek(nameOf(group.unit, group.name)) !== group) return;
    group.version += 1;
    group.lastMs = this.#options.clock.monotonic();
    const wasUsed = group.isUsed;
    this.#use(group);
    if (arm !== group.served) {
      // A change of arm makes its state unknown here (shadow J5); one that was foreseen elsewhere has had no seed.
      group.served = arm;
      if (group.standing !== "waiting") this.#stand(group, wasUsed ? "lost" : "waiting");
    }
    group.isWritten ||= isWrite;
    if (group.standing !== "seeded" || group.isWritten) this.#due.add(group);
  }

  #stand(group: Group, standing: GroupStanding): void {
    this.#count(group, -1);
    group.standing = standing;
    this.#count(group, 1);
  }

  #count({ unit, standing }: Group, change: 1 | -1): void {
    let counts = this.#counts.get(unit);
    if (counts === undefined) {
      counts = new Map<GroupStanding, number>();
      this.#counts.set(unit, counts);
    }
    counts.set(standing, (counts.get(standing) ?? 0) + change);
  }

  #use(group: Group): void {
    if (group.isUsed) return;
    group.isUsed = true;
    this.#foreseen.remove(group);
    this.#countUse(group.name, 1);
  }

  #countUse(name: string, change: 1 | -1): void {
    const count = (this.#used.get(name) ?? 0) + change;
    if (count === 0) this.#used.delete(name);
    else this.#used.set(name, count);
  }

  #group(unit: UnitId, name: string, arm: Arm): Group {
    const key = nameOf(unit, name);
    const known = this.#all.get(key);
    if (known !== undefined) return known;
    const group: Group = {
      unit,
      name,
      served: arm,
      standing: "waiting",
      inFlight: 0,
      unseenSockets: 0,
      version: 0,
      lastMs: this.#options.clock.monotonic(),
      seededMs: Number.NEGATIVE_INFINITY,
      triedMs: Number.NEGATIVE_INFINITY,
      isWritten: false,
      isUsed: false,
    };
    this.#all.set(key, group);
    this.#count(group, 1);
    return group;
  }
}

const nameOf = (unit: UnitId, group: string): string => `${unit}\n${group}`;
