// What one arm said on one socket, as messages that can be compared (shadow C2, C5): frames are read by the codec and given to their
// turns, pieces of a longer text are joined, presence is counted and left out.
import { createHash, type Hash } from "node:crypto";
import { type JsonNote, readJson } from "../json/reader.ts";
import type { VerdictNote } from "../verdict.ts";
import type { NotComparedReason } from "../words.ts";
import type { ArmSeen, ClientSeen, ShadowCodec, SocketFrame } from "./codec.ts";
import type { ArmMessage, TurnPlace } from "./message.ts";
import { TurnLedger } from "./turnLedger.ts";

/** Held at once; a conversation beyond it is not compared (shadow C4). */
const MESSAGES_MAX = 10_000;
const CHARS_MAX = 16 * 1_048_576;
/** A message of the turn before may come so long after the next one left (C6). */
export const GRACE_MS_MIN = 250;
/** A text of which no piece has come for so long is complete. */
const JOIN_MS_MAX = 10_000;

interface Joining {
  readonly lane: string;
  readonly type: string;
  readonly place: TurnPlace;
  readonly sinceTurnMs: number;
  readonly firstAtMs: number;
  readonly hash: Hash;
  text: string;
  chars: number;
  count: number;
  lastAtMs: number;
  longestGapMs: number;
}

type Content = Extract<ArmSeen, { kind: "content" }>;
type Read = Pick<ArmMessage, "value" | "digest" | "hasEscapes" | "notes">;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const digestOf = (data: Uint8Array): string => createHash("sha256").update(data).digest("base64url");
const NOTES: Readonly<Partial<Record<JsonNote, VerdictNote>>> = {
  "invalid-number": "invalid-json",
  "duplicate-key": "duplicate-key",
};

/** JSON where it is some; otherwise the text, and of bytes their digest. */
function read({ isBinary, data }: SocketFrame): Read {
  const digest = digestOf(data);
  const plain = { digest, hasEscapes: false, notes: [] };
  if (isBinary) return { ...plain, value: `bytes:${data.length}:${digest}` };
  const text = decoder.decode(data);
  const reading = readJson(text);
  if (!("value" in reading)) return { ...plain, value: text };
  const notes = [...reading.notes].flatMap((note) => NOTES[note] ?? []);
  return { value: reading.value, digest, hasEscapes: reading.notes.has("escape"), notes };
}

export class LegRecorder {
  readonly #codec: ShadowCodec;
  readonly #ledger: TurnLedger;
  #messages: ArmMessage[] = [];
  readonly #joining = new Map<string, Joining>();
  #state: unknown;
  #knownMs: number;
  #held = 0;
  #chars = 0;
  #presence = 0;
  #external = 0;
  #reason: NotComparedReason | null = null;

  /** @param atMs monotonic, when the leg was open @param graceMs how long a message of the turn before may take */
  constructor(codec: ShadowCodec, atMs: number, graceMs = GRACE_MS_MIN) {
    this.#codec = codec;
    this.#state = codec.start();
    this.#ledger = new TurnLedger({ endsTurns: codec.endsTurns === true, graceMs });
    this.#knownMs = atMs;
  }

  /** Of frames that are no content. */
  get presence(): number {
    return this.#presence;
  }

  /** Not compared: their cause was not mirrored (C9). */
  get external(): number {
    return this.#external;
  }

  /** Why nothing of the conversation can be compared: something was not kept. */
  get notCompared(): NotComparedReason | null {
    return this.#reason;
  }

  get turns(): number {
    return this.#ledger.sent;
  }

  get hasOpenTurn(): boolean {
    return this.#ledger.hasOpen;
  }

  /** Messages, joins and turns that are kept. */
  get held(): number {
    return this.#held + this.#joining.size + this.#ledger.held;
  }

  /** All messages of the turns up to it are there. */
  get sealedTo(): number {
    return this.#behindJoins(this.#ledger.sealedTo);
  }

  /** And those that might belong to them. */
  get settledTo(): number {
    return this.#behindJoins(this.#ledger.settledTo);
  }

  /** All messages up to this moment are there. */
  get knownMs(): number {
    return [...this.#joining.values()].reduce((least, { lastAtMs }) => Math.min(least, lastAtMs), this.#knownMs);
  }

  /** How long each turn that this arm has not ended has been open; null for all others. */
  openAt(atMs: number): (turn: number) => number | null {
    return this.#ledger.openAt(atMs);
  }

  /** A client's frame left for this arm. */
  sent(frame: SocketFrame, atMs: number): ClientSeen {
    const [state, seen] = this.#codec.fromClient(this.#state, frame);
    this.#state = state;
    this.look(atMs);
    if (seen.kind === "turn") this.#ledger.send(seen.id ?? null, seen.key ?? null, atMs);
    this.#watch();
    return seen;
  }

  /** What comes from here on is of another turn, though the client has opened none. */
  cut(atMs: number): void {
    this.look(atMs);
    this.#ledger.cut(this.#knownMs);
  }

  /** Gives the turns that it ends. */
  received(frame: SocketFrame, atMs: number): readonly number[] {
    const [state, seen] = this.#codec.fromArm(this.#state, frame);
    this.#state = state;
    this.look(atMs);
    const ended = this.#receive(seen, frame, atMs);
    this.#watch();
    return ended;
  }

  /** Time passes, whatever is said. */
  look(atMs: number): void {
    this.#knownMs = Math.max(this.#knownMs, atMs);
    this.#ledger.look(this.#knownMs);
    this.#flush(({ lastAtMs }) => lastAtMs + JOIN_MS_MAX < this.#knownMs);
  }

  /** Nothing will come any more. */
  close(): void {
    this.#flush(() => true);
    this.#ledger.close();
  }

  /** Nothing is kept any more. */
  giveUp(reason: NotComparedReason): void {
    this.#reason ??= reason;
    this.#messages = [];
    this.#joining.clear();
    this.#ledger.abandon();
    this.#held = 0;
    this.#chars = 0;
  }

  /** What has come since; it counts as held until it is released. */
  take(): readonly ArmMessage[] {
    const taken = this.#messages;
    this.#messages = [];
    return taken;
  }

  release(messages: readonly ArmMessage[]): void {
    if (this.#reason !== null) return;
    this.#held -= messages.length;
    for (const { chars } of messages) this.#chars -= chars;
  }

  /** All it said so far; pieces that nothing has ended yet are a message of their own. */
  messages(): readonly ArmMessage[] {
    this.#flush(() => true);
    return this.#messages;
  }

  #receive(seen: ArmSeen, frame: SocketFrame, atMs: number): readonly number[] {
    switch (seen.kind) {
      case "presence":
        this.#presence += 1;
        return [];
      case "external":
        this.#external += 1;
        return [];
      case "reset":
        this.#reset(seen.join, frame);
        return [];
      case "part":
        this.#join(seen, frame, atMs);
        return [];
      case "content":
        return this.#say(seen, frame, atMs);
    }
  }

  #say(seen: Content, frame: SocketFrame, atMs: number): readonly number[] {
    this.#flush(({ lane }) => lane === seen.lane);
    if (this.#reason !== null) return [];
    const place = this.#ledger.place(seen, atMs);
    const { lane, type, correlationId } = seen;
    const message = { ...read(frame), lane, type, correlationId, atMs, chars: frame.data.length, parts: null };
    const sinceTurnMs = this.#ledger.sinceSent(place.turn, atMs);
    this.#push({ ...message, ...place, sinceTurnMs });
    const isAnswer = seen.isFinal === true || (this.#codec.endsTurns !== true && place.cause === "id");
    if (!isAnswer || this.#ledger.isEnded(place.turn)) return [];
    this.#flush((one) => one.place.turn === place.turn);
    const ended = this.#ledger.end(place.turn, atMs);
    // The same frame is the answer of those that asked for it again meanwhile.
    for (const turn of ended) if (turn !== place.turn) this.#push({ ...message, ...place, turn, sinceTurnMs });
    return ended;
  }

  #join({ lane, type, join, text, cause }: Extract<ArmSeen, { kind: "part" }>, frame: SocketFrame, atMs: number): void {
    if (this.#reason !== null) return;
    let one = this.#joining.get(join);
    if (one === undefined) {
      const place = this.#ledger.place({ correlationId: null, ...(cause === undefined ? {} : { cause }) }, atMs);
      const sinceTurnMs = this.#ledger.sinceSent(place.turn, atMs);
      const empty = { text: "", chars: join.length, count: 0, firstAtMs: atMs, lastAtMs: atMs, longestGapMs: 0 };
      one = { lane, type, place, sinceTurnMs, hash: createHash("sha256"), ...empty };
      this.#joining.set(join, one);
      this.#chars += join.length;
    }
    one.hash.update(`${frame.data.length}:`).update(frame.data);
    one.text += text;
    one.chars += text.length;
    this.#chars += text.length;
    one.count += 1;
    one.longestGapMs = Math.max(one.longestGapMs, atMs - one.lastAtMs);
    one.lastAtMs = atMs;
  }

  /** That there was something stays; what it was does not count. */
  #reset(join: string, frame: SocketFrame): void {
    const known = this.#joining.get(join);
    if (known === undefined) return;
    known.text = "";
    known.hash.update(`reset ${frame.data.length}:`).update(frame.data);
  }

  #flush(isDone: (one: Joining) => boolean): void {
    for (const [join, one] of this.#joining) {
      if (!isDone(one)) continue;
      this.#joining.delete(join);
      const { lane, type, place, sinceTurnMs, text, chars, count, firstAtMs, longestGapMs, lastAtMs } = one;
      this.#chars -= chars;
      const read = { value: text, digest: one.hash.digest("base64url"), hasEscapes: false, notes: [] };
      const parts = { join, count, firstAtMs, longestGapMs };
      this.#push({ lane, type, correlationId: null, ...place, sinceTurnMs, ...read, atMs: lastAtMs, chars, parts });
    }
  }

  #push(message: ArmMessage): void {
    this.#messages.push(message);
    this.#held += 1;
    this.#chars += message.chars;
  }

  /** Not one message may be missing without a word: all of the conversation is given up (shadow C4). */
  #watch(): void {
    if (this.#reason !== null || (this.held <= MESSAGES_MAX && this.#chars <= CHARS_MAX)) return;
    this.giveUp("queue_full");
  }

  #behindJoins(turn: number): number {
    return [...this.#joining.values()].reduce((least, { place }) => Math.min(least, place.fromTurn - 1), turn);
  }
}
