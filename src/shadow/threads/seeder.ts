// Brings a group's state to the shadow target, and looks later whether both still hold the same (shadow J1, J3). Runs in the
// compare thread: exports are large and have to be parsed.
import type { Digest, RowPrint, StateCarrier } from "../../continuity/ports.ts";
import { type Arm, type Clock, otherArm } from "../../kernel/index.ts";
import type { GroupWish } from "../serving/groups.ts";

/** shadow J1: seeds that begin in a second, and run beside each other. */
const EVERY_MS = 50;
const LANES = 4;
const WAITING_MAX = 20_000;
const SEED_MS = 60_000;
/** A check that finds a difference looks once more. */
const AGAIN_MS = 1_000;

export interface StateFinding {
  readonly section: string;
  /** Rows of it that are not the same; at most 20. */
  readonly keys: readonly string[];
}

export type CheckResult =
  | { readonly kind: "equal" }
  /** The group has begun something meanwhile. */
  | { readonly kind: "later" }
  | { readonly kind: "different"; readonly findings: readonly StateFinding[] }
  /** Somebody wrote meanwhile, or nobody answered. */
  | { readonly kind: "none" };

export interface SeederOptions {
  readonly clock: Clock;
  /** Between the serving instances of one arm and the target of the other; null: there is no such way. */
  carrierFor(served: Arm): StateCarrier | null;
  onSeeded(wish: GroupWish): void;
  /** @param why bounded words, nothing of the data */
  onFailed(wish: GroupWish, why: string): void;
  onChecked(wish: GroupWish, result: CheckResult): void;
  /** A turn of the group is open, be it silent. */
  isBusy(wish: GroupWish): boolean;
  /** Epoch ms, of the group's calls and turns. */
  lastWriteMs(wish: GroupWish): number;
  /** It cannot be done now. */
  onLater(task: Task): void;
  /** Sections of state that no check compares. */
  leftOut(): ReadonlySet<string>;
}

export interface Task {
  readonly kind: "seed" | "check";
  readonly wish: GroupWish;
}

const KEYS_MAX = 20;

export class Seeder {
  readonly #options: SeederOptions;
  readonly #waiting: Task[] = [];
  readonly #stopped = new AbortController();
  #running = 0;
  #isPaced = false;

  constructor(options: SeederOptions) {
    this.#options = options;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  seed(wish: GroupWish): void {
    if (this.#waiting.length >= WAITING_MAX) this.#options.onFailed(wish, "too many wait");
    else this.#waiting.push({ kind: "seed", wish });
    this.#next();
  }

  /** In front of the seeds: what is checked late is written to meanwhile. */
  check(wish: GroupWish): void {
    if (this.#waiting.length >= WAITING_MAX) this.#options.onChecked(wish, { kind: "none" });
    else this.#waiting.unshift({ kind: "check", wish });
    this.#next();
  }

  stop(): void {
    this.#stopped.abort();
    this.#waiting.length = 0;
  }

  #next(): void {
    if (this.#isPaced || this.#running >= LANES) return;
    const task = this.#waiting.shift();
    if (task === undefined) return;
    this.#running += 1;
    this.#isPaced = true;
    this.#options.clock.after(EVERY_MS, () => {
      this.#isPaced = false;
      this.#next();
    });
    void this.#run(task).finally(() => {
      this.#running -= 1;
      this.#next();
    });
  }

  async #run(task: Task): Promise<void> {
    const { kind, wish } = task;
    if (this.#options.isBusy(wish)) {
      this.#options.onLater(task);
      return;
    }
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(SEED_MS)]);
    const { carrierFor, onSeeded, onFailed, onChecked } = this.#options;
    const carrier = carrierFor(wish.served);
    try {
      if (kind === "check") {
        const result: CheckResult = carrier === null ? { kind: "none" } : await this.#check(carrier, wish, signal);
        if (result.kind === "later") this.#options.onLater(task);
        else onChecked(wish, result);
      } else if (carrier === null) onFailed(wish, "no target");
      else {
        const why = await copyWhole(carrier, wish, signal);
        if (why === null) onSeeded(wish);
        else onFailed(wish, why);
      }
    } catch (error) {
      if (kind === "check") onChecked(wish, { kind: "none" });
      else onFailed(wish, error instanceof Error ? error.message : "unknown");
    }
  }

  async #check(carrier: StateCarrier, wish: GroupWish, signal: AbortSignal): Promise<CheckResult> {
    const { isBusy, lastWriteMs } = this.#options;
    const leftOut = this.#options.leftOut();
    const writtenMs = lastWriteMs(wish);
    const first = await digestsOf(carrier, wish, signal);
    if (differing(first, leftOut).length === 0) return { kind: "equal" };
    await new Promise<void>((resolve) => void this.#options.clock.after(AGAIN_MS, resolve));
    const second = await digestsOf(carrier, wish, signal);
    const sections = differing(second, leftOut);
    if (sections.length === 0) return { kind: "equal" };
    const isStill =
      first.served.fullHash === second.served.fullHash && first.shadow.fullHash === second.shadow.fullHash;
    if (!isStill) return { kind: "none" };
    const findings = await findingsOf(carrier, wish, sections, signal);
    // A turn leaves both stores apart, and as they are, for as long as an arm thinks about its answer.
    const hasBegun = isBusy(wish) || lastWriteMs(wish) !== writtenMs;
    return hasBegun ? { kind: "later" } : { kind: "different", findings };
  }
}

interface Digests {
  readonly served: Digest;
  readonly shadow: Digest;
}

async function digestsOf(carrier: StateCarrier, { group, served }: GroupWish, signal: AbortSignal): Promise<Digests> {
  const [one, other] = await Promise.all([
    carrier.digest(group, served, signal),
    carrier.digest(group, otherArm(served), signal),
  ]);
  return { served: one, shadow: other };
}

/** Null: both hold the same now, and nothing was written meanwhile. */
async function copyWhole(
  carrier: StateCarrier,
  { group, served }: GroupWish,
  signal: AbortSignal,
): Promise<string | null> {
  const before = await carrier.digest(group, served, signal);
  // What an earlier seed or a shadow call has left would be newer than the copy.
  await carrier.clear(group, otherArm(served), signal);
  const copied = await carrier.copy(group, served, signal);
  const after = await carrier.digest(group, served, signal);
  if (after.fullHash !== before.fullHash) return "written to meanwhile";
  if (copied.refused.length > 0) return `${copied.refused.length} rows are refused`;
  const there = await carrier.digest(group, otherArm(served), signal);
  return there.fullHash === after.fullHash ? null : "the copy is not equal";
}

/** Names of the sections whose hashes differ, in their order. */
function differing({ served, shadow }: Digests, leftOut: ReadonlySet<string>): readonly string[] {
  if (served.hash === shadow.hash) return [];
  const names = new Set([...served.sections.keys(), ...shadow.sections.keys()]);
  const isOther = (name: string): boolean => served.sections.get(name)?.hash !== shadow.sections.get(name)?.hash;
  return [...names].filter((name) => !leftOut.has(name) && isOther(name)).sort();
}

/** The rows that are not the same, by section. */
async function findingsOf(
  carrier: StateCarrier,
  { group, served }: GroupWish,
  sections: readonly string[],
  signal: AbortSignal,
): Promise<readonly StateFinding[]> {
  const [one, other] = await Promise.all([
    carrier.rows(group, served, signal),
    carrier.rows(group, otherArm(served), signal),
  ]);
  return sections.map((section) => ({ section, keys: keysThatDiffer(section, one, other).slice(0, KEYS_MAX) }));
}

function keysThatDiffer(section: string, one: readonly RowPrint[], other: readonly RowPrint[]): readonly string[] {
  const printsOf = (rows: readonly RowPrint[]): Map<string, string> =>
    new Map(rows.filter((row) => row.section === section).map(({ key, fingerprint }) => [key, fingerprint]));
  const [left, right] = [printsOf(one), printsOf(other)];
  const keys = new Set([...left.keys(), ...right.keys()]);
  return [...keys].filter((key) => left.get(key) !== right.get(key)).sort();
}
