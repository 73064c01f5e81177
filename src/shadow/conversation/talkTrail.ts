// What was said around a mismatch, for whoever has to look at it (shadow §16.5): both arms and the client, a bounded number of frames.
import { readJson } from "../json/reader.ts";
import type { JsonValue } from "../json/values.ts";
import type { SocketFrame } from "./codec.ts";
import type { ArmMessage, MessageState } from "./message.ts";
import { type Side, SIDES, type TurnFindings } from "./turnFold.ts";

/** `before`: of a turn that was equal, or foreseen; `behind`: not compared any more. */
export type TrailState = MessageState | "before" | "behind";

export interface TrailFrame {
  readonly who: "client" | Side;
  readonly turn: number;
  readonly type: string | null;
  /** ms since its turn left for this arm. */
  readonly ms: number;
  readonly chars: number;
  /** Joined pieces; null: it came whole. */
  readonly parts: number | null;
  /** Null: the client's. */
  readonly state: TrailState | null;
  /** Frames of both arms that are one have the same. */
  readonly link: number | null;
  /** Null: it is not held any more. */
  readonly value: { readonly of: JsonValue } | null;
}

export interface Trail {
  readonly turn: number;
  readonly frames: readonly TrailFrame[];
  /** Of `frames`; null: no frame alone is to blame. */
  readonly first: number | null;
  /** Further ones of this turn. */
  readonly leftOut: number;
}

export const FRAMES_MAX = 64;
/** Of turns before. */
const BEFORE_MAX = 16;
const BEHIND_MAX = 8;
/** Of the client, of turns that are not judged yet; the contents of short ones are held. */
const SENT_MAX = 32;
const SENT_BYTES_MAX = 2_048;
/** More messages are in no turn (`LegRecorder`), so that links of two turns are never the same. */
const TURN_LINKS = 100_000;

interface Sent {
  readonly turn: number;
  readonly atMs: number;
  readonly bytes: number;
  readonly data: Uint8Array | null;
}

export class TalkTrail {
  #before: readonly TrailFrame[] = [];
  #sent: readonly Sent[] = [];

  /** A frame of the client with content left for the arms. */
  client({ data }: SocketFrame, turn: number, atMs: number): void {
    const held = data.length <= SENT_BYTES_MAX ? data : null;
    this.#sent = [...this.#sent.slice(1 - SENT_MAX), { turn, atMs, bytes: data.length, data: held }];
  }

  /** Of a turn that was found to differ; asked before it is passed. @param behind what is held already of those behind it */
  around(found: TurnFindings | null, turn: number, behind: readonly (readonly [Side, ArmMessage])[]): Trail {
    const here = [...this.#clientFrames(turn), ...framesOf(found)];
    const first = here.findIndex(({ state }) => state !== null && state !== "matched");
    const from = Math.max(0, first - FRAMES_MAX / 2);
    const shown = here.slice(from, from + FRAMES_MAX - BEFORE_MAX - BEHIND_MAX);
    const before = from === 0 ? this.#before : [];
    const later = behind
      .slice(0, BEHIND_MAX)
      .map(([who, message]): TrailFrame => ({ ...bareFrame(who, message), state: "behind" }));
    return {
      turn,
      frames: [...before, ...shown, ...later],
      first: first < 0 ? null : before.length + first - from,
      leftOut: here.length - shown.length,
    };
  }

  /** Its contents are held no more. */
  pass(found: TurnFindings | null, turn: number): void {
    const here = [...this.#clientFrames(turn), ...framesOf(found)].slice(-BEFORE_MAX);
    const bare = here.map((frame): TrailFrame => {
      return { ...frame, value: null, state: "before" };
    });
    this.#before = [...this.#before, ...bare].slice(-BEFORE_MAX);
    this.#sent = this.#sent.filter((one) => one.turn > turn);
  }

  /** Nothing more is compared. */
  clear(): void {
    this.#before = [];
    this.#sent = [];
  }

  #clientFrames(turn: number): readonly TrailFrame[] {
    const own = this.#sent.filter((one) => one.turn === turn);
    return own.map(({ atMs, bytes, data }) => ({
      who: "client",
      turn,
      type: null,
      ms: atMs - (own[0]?.atMs ?? atMs),
      chars: bytes,
      parts: null,
      state: null,
      link: null,
      value: data === null ? null : contentOf(data),
    }));
  }
}

const decoder = new TextDecoder();

function contentOf(data: Uint8Array): { readonly of: JsonValue } {
  const text = decoder.decode(data);
  const reading = readJson(text);
  return { of: "value" in reading ? reading.value : text };
}

const bareFrame = (who: Side, { turn, type, sinceTurnMs, chars, parts }: ArmMessage): TrailFrame => ({
  who,
  turn,
  type,
  ms: sinceTurnMs,
  chars,
  parts: parts?.count ?? null,
  state: null,
  link: null,
  value: null,
});

/** In the order of the findings, both sides of one beside each other. */
function framesOf(found: TurnFindings | null): readonly TrailFrame[] {
  return (found?.findings ?? []).flatMap(({ said, state }, at) =>
    SIDES.flatMap((who): readonly TrailFrame[] => {
      const message = said[who];
      if (message === null) return [];
      const link = said.control === null || said.candidate === null ? null : (found?.turn ?? 0) * TURN_LINKS + at;
      return [{ ...bareFrame(who, message), state, link, value: { of: message.value } }];
    }),
  );
}
