// What one arm said on one socket, as messages that can be compared (shadow C2, C5): frames are read by the codec, pieces of a
// longer text are joined, presence is counted and left out.
import { createHash } from "node:crypto";
import { readJson } from "../json/reader.ts";
import type { JsonValue } from "../json/values.ts";
import type { ArmSeen, ShadowCodec, SocketFrame } from "./codec.ts";
import type { ArmMessage } from "./message.ts";

/** Of one conversation; beyond it is not compared. */
const MESSAGES_MAX = 10_000;
const CHARS_MAX = 16 * 1_048_576;

interface Joining {
  readonly lane: string;
  readonly type: string;
  text: string;
  count: number;
  readonly firstAtMs: number;
  lastAtMs: number;
  longestGapMs: number;
}

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** JSON where it is some; otherwise the text, and of bytes their digest. */
function valueOf({ isBinary, data }: SocketFrame): JsonValue {
  if (isBinary) return `bytes:${data.length}:${createHash("sha256").update(data).digest("base64url")}`;
  const text = decoder.decode(data);
  const reading = readJson(text);
  return "value" in reading ? reading.value : text;
}

export class LegRecorder {
  readonly #codec: ShadowCodec;
  readonly #messages: ArmMessage[] = [];
  readonly #joining = new Map<string, Joining>();
  #state: unknown;
  #turn = 0;
  #turnAtMs: number;
  #chars = 0;
  #presence = 0;
  #external = 0;

  /** @param atMs monotonic, when the leg was open */
  constructor(codec: ShadowCodec, atMs: number) {
    this.#codec = codec;
    this.#state = codec.start();
    this.#turnAtMs = atMs;
  }

  /** Of frames that are no content. */
  get presence(): number {
    return this.#presence;
  }

  /** Not compared: their cause was not mirrored (C9). */
  get external(): number {
    return this.#external;
  }

  /** It said more than is kept. */
  get isFull(): boolean {
    return this.#messages.length + this.#joining.size >= MESSAGES_MAX || this.#chars >= CHARS_MAX;
  }

  get turns(): number {
    return this.#turn;
  }

  /** A client's frame left for this arm. */
  sent(frame: SocketFrame, atMs: number): void {
    const [state, seen] = this.#codec.fromClient(this.#state, frame);
    this.#state = state;
    if (seen.kind !== "turn") return;
    this.#turn += 1;
    this.#turnAtMs = atMs;
  }

  received(frame: SocketFrame, atMs: number): void {
    const [state, seen] = this.#codec.fromArm(this.#state, frame);
    this.#state = state;
    if (this.isFull) return;
    switch (seen.kind) {
      case "presence":
        this.#presence += 1;
        break;
      case "external":
        this.#external += 1;
        break;
      case "reset":
        this.#reset(seen.join);
        break;
      case "part":
        this.#join(seen, atMs);
        break;
      case "content":
        this.#flush(seen.lane);
        this.#chars += frame.data.length;
        this.#push(seen, valueOf(frame), atMs, null);
        break;
    }
  }

  /** All it said so far; pieces that nothing has ended yet are a message of their own. */
  messages(): readonly ArmMessage[] {
    for (const { lane } of this.#joining.values()) this.#flush(lane);
    return this.#messages;
  }

  #join({ lane, type, join, text }: Extract<ArmSeen, { kind: "part" }>, atMs: number): void {
    this.#chars += text.length + join.length;
    const known = this.#joining.get(join);
    if (known === undefined) {
      this.#joining.set(join, { lane, type, text, count: 1, firstAtMs: atMs, lastAtMs: atMs, longestGapMs: 0 });
      return;
    }
    known.text += text;
    known.count += 1;
    known.longestGapMs = Math.max(known.longestGapMs, atMs - known.lastAtMs);
    known.lastAtMs = atMs;
  }

  /** That there was something stays; what it was does not count. */
  #reset(join: string): void {
    const known = this.#joining.get(join);
    if (known !== undefined) known.text = "";
  }

  #flush(lane: string): void {
    for (const [join, one] of this.#joining) {
      if (one.lane !== lane) continue;
      this.#joining.delete(join);
      const { type, text, count, firstAtMs, longestGapMs } = one;
      this.#push({ lane, type, correlationId: null }, text, one.lastAtMs, { count, firstAtMs, longestGapMs });
    }
  }

  #push(
    { lane, type, correlationId }: Pick<ArmMessage, "lane" | "type" | "correlationId">,
    value: JsonValue,
    atMs: number,
    parts: ArmMessage["parts"],
  ): void {
    const sinceTurnMs = atMs - this.#turnAtMs;
    this.#messages.push({ lane, type, correlationId, turn: this.#turn, atMs, sinceTurnMs, value, parts });
  }
}
