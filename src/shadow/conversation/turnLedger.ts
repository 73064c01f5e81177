// Which turns of a leg are open, and which of them a message belongs to (shadow C5, C6). By correlation id; else by order, the k-th
// answer for the k-th turn; else by window: the turn that the arm is at. What it says depends on this leg alone, never on the other.
import type { ArmCause } from "./codec.ts";
import type { TurnPlace } from "./message.ts";

/** No turn is waited for longer: our longest takes 120 s (contract tutor-socket.md §2). */
const TURN_MS_MAX = 130_000;

/** Where nobody asked no answer says which window a message is of: an arm may be so many behind the other one. */
const WINDOWS_BEHIND = 2;

interface Turn {
  readonly sentMs: number;
  readonly id: string | null;
  readonly key: string | null;
  /** Answered by the final frame of this one. */
  readonly with: number | null;
  isEnded: boolean;
}

export interface TurnLedgerOptions {
  readonly endsTurns: boolean;
  /** A message of the turn before may come so long after the next one began. */
  readonly graceMs: number;
}

export interface CauseSeen {
  readonly correlationId: string | null;
  readonly cause?: ArmCause;
  readonly behind?: number;
}

export class TurnLedger {
  readonly #options: TurnLedgerOptions;
  /** Those that are not sealed yet, in their order. */
  readonly #turns = new Map<number, Turn>();
  readonly #byId = new Map<string, number[]>();
  /** Turns that the arm has left, and when; newest last. */
  readonly #left: { readonly turn: number; readonly atMs: number }[] = [];
  #sent = 0;
  /** All up to it have ended. */
  #ended = 0;
  #endedMs = Number.NEGATIVE_INFINITY;
  /** Ended by its id, perhaps before older ones: the arm may be at any of those in between. */
  #newest = 0;
  #sealed = -1;
  #settled = -1;
  /** The first of the windows since the client's last turn; null: there are none. */
  #windowsFrom: number | null = null;
  #isClosed = false;

  constructor(options: TurnLedgerOptions) {
    this.#options = options;
  }

  get sent(): number {
    return this.#sent;
  }

  /** Held because they are open, or one before them is. */
  get held(): number {
    return this.#turns.size;
  }

  /** One has left and is not ended. */
  get hasOpen(): boolean {
    return !this.#isClosed && this.#ended < this.#sent;
  }

  /** No message of these turns will come any more. */
  get sealedTo(): number {
    return this.#isClosed ? Number.POSITIVE_INFINITY : this.#sealed;
  }

  /** Nor one that might have been of these. */
  get settledTo(): number {
    return this.#isClosed ? Number.POSITIVE_INFINITY : Math.min(this.#settled, this.#sealed);
  }

  isEnded(turn: number): boolean {
    return this.#turns.get(turn)?.isEnded ?? turn <= this.#sealed;
  }

  send(id: string | null, key: string | null, atMs: number): void {
    if (this.#isClosed) {
      this.#sent += 1;
      return;
    }
    this.look(atMs);
    const open = key === null ? undefined : [...this.#turns].find(([, one]) => one.key === key && !one.isEnded)?.[0];
    this.#windowsFrom = null;
    const turn = ++this.#sent;
    const isAwaited = this.#options.endsTurns || id !== null;
    this.#turns.set(turn, { sentMs: atMs, id, key, with: open ?? null, isEnded: !isAwaited });
    if (id !== null) this.#byId.set(id, [...(this.#byId.get(id) ?? []), turn]);
    // The arm leaves the greeting for the first turn; without final frames, each turn for the next.
    if (turn === 1 || !this.#options.endsTurns) this.#left.push({ turn: turn - 1, atMs });
    this.#advance(atMs);
  }

  /** The arm talks, and nobody has asked: what comes from here on is of another turn, which waits for no answer. */
  cut(atMs: number): void {
    if (this.#isClosed) return;
    this.look(atMs);
    this.#windowsFrom ??= this.#oldest;
    const turn = ++this.#sent;
    this.#turns.set(turn, { sentMs: atMs, id: null, key: null, with: null, isEnded: true });
    if (turn === 1 || !this.#options.endsTurns) this.#left.push({ turn: turn - 1, atMs });
    this.#advance(atMs);
  }

  place(seen: CauseSeen, atMs: number): TurnPlace {
    this.look(atMs);
    const fromTurn = Math.min(this.#left[0]?.turn ?? this.#oldest, this.#windowsBack);
    const named = seen.correlationId === null ? undefined : this.#ofId(seen.correlationId);
    if (named !== undefined) return { turn: named, fromTurn: named, cause: "id" };
    const cause = seen.correlationId === null ? (seen.cause === undefined ? "window" : "order") : "id";
    if (seen.cause === "greeting" && this.#sealed < 0) return { turn: 0, fromTurn: 0, cause };
    const open = seen.cause === "order" ? this.#openTurn(seen.behind ?? 0) : null;
    return open === null
      ? { turn: Math.max(this.#oldest, this.#newest === 0 ? 0 : this.#newest + 1), fromTurn, cause }
      : { turn: open, fromTurn: Math.min(open, fromTurn), cause };
  }

  /** Gives all turns that this ends: those that waited for the same answer too. */
  end(turn: number, atMs: number): readonly number[] {
    const all = [...this.#turns].flatMap(([at, one]) =>
      (at === turn || one.with === turn) && !one.isEnded ? [at] : [],
    );
    for (const at of all) {
      const one = this.#turns.get(at) as Turn;
      one.isEnded = true;
      if (this.#options.endsTurns && one.id !== null) this.#newest = Math.max(this.#newest, at);
    }
    this.#advance(atMs);
    return all;
  }

  sinceSent(turn: number, atMs: number): number {
    return atMs - (this.#turns.get(turn)?.sentMs ?? atMs);
  }

  /** So much time has passed on this leg. */
  look(atMs: number): void {
    for (;;) {
      const turn = this.#turns.get(this.#ended + 1);
      if (turn === undefined) break;
      const untilMs = Math.max(turn.sentMs, this.#endedMs) + TURN_MS_MAX;
      if (untilMs >= atMs) break;
      this.end(this.#ended + 1, untilMs);
    }
    for (let first = this.#left[0]; first !== undefined; first = this.#left[0]) {
      if (first.atMs + this.#options.graceMs >= atMs) break;
      this.#settled = first.turn;
      this.#left.shift();
    }
    this.#seal();
  }

  /**
   * How long each turn that is not ended has been open, or where nothing ends a turn, one that is too young; 0 for one
   * that never left; else null.
   */
  openAt(atMs: number): (turn: number) => number | null {
    const { endsTurns, graceMs } = this.#options;
    const open = new Map(
      [...this.#turns].flatMap(([turn, { isEnded, sentMs }]) =>
        !isEnded || (!endsTurns && sentMs + graceMs >= atMs) ? [[turn, atMs - sentMs] as const] : [],
      ),
    );
    const sent = this.#sent;
    return (turn) => (turn > sent ? 0 : (open.get(turn) ?? null));
  }

  /** Turns are counted and nothing else. */
  abandon(): void {
    this.#isClosed = true;
    this.#turns.clear();
    this.#byId.clear();
    this.#left.length = 0;
  }

  close(): void {
    this.#isClosed = true;
  }

  get #windowsBack(): number {
    return this.#windowsFrom === null
      ? Number.POSITIVE_INFINITY
      : Math.max(this.#windowsFrom, this.#oldest - WINDOWS_BEHIND);
  }

  get #oldest(): number {
    return this.#options.endsTurns && this.#sent > 0 ? this.#ended + 1 : this.#sent;
  }

  #advance(atMs: number): void {
    while (this.#turns.get(this.#ended + 1)?.isEnded === true) {
      this.#ended += 1;
      this.#endedMs = atMs;
      if (this.#options.endsTurns) this.#left.push({ turn: this.#ended, atMs });
    }
    this.#seal();
  }

  #ofId(id: string): number | undefined {
    // Without final frames a turn may have several answers.
    return this.#byId.get(id)?.find((at) => !this.#options.endsTurns || this.#turns.get(at)?.isEnded === false);
  }

  #openTurn(behind: number): number | null {
    const open: number[] = [];
    for (const [at, one] of this.#turns) {
      if (!one.isEnded && one.with === null) open.push(at);
      if (open.length > behind) break;
    }
    return open.at(-1) ?? null;
  }

  #seal(): void {
    while (this.#sealed < this.#sent && this.#canSeal(this.#sealed + 1)) {
      this.#sealed += 1;
      const id = this.#turns.get(this.#sealed)?.id ?? null;
      this.#turns.delete(this.#sealed);
      if (id === null) continue;
      const left = this.#byId.get(id)?.filter((at) => at > this.#sealed) ?? [];
      if (left.length > 0) this.#byId.set(id, left);
      else this.#byId.delete(id);
    }
  }

  #canSeal(turn: number): boolean {
    if (this.#options.endsTurns) return this.#ended >= Math.max(1, turn);
    const id = this.#turns.get(turn)?.id ?? null;
    return turn < this.#sent && (id === null || (this.#settled >= turn && this.isEnded(turn)));
  }
}
