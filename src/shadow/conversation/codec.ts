// What a surface's frames mean to the comparison (shadow §10): supplied by the application, or one of the two built in.
import type { JsonValue } from "../json/values.ts";

export interface SocketFrame {
  readonly isBinary: boolean;
  readonly data: Uint8Array;
}

/** `turn`: opens a turn, and is a barrier of its group (shadow S4). `presence`: no content, such as a heartbeat. */
export interface ClientSeen {
  readonly kind: "turn" | "message" | "presence";
  /** After a mismatch behind it the group is diverged (shadow J4). */
  readonly changesState: boolean;
  /** Of a turn: what the frames that answer it bear as `correlationId`. */
  readonly id?: string | null;
  /** Of a turn: one with the key of a turn that is still open is answered by that turn's final frame. */
  readonly key?: string | null;
}

/**
 * Which turn a frame belongs to, where no correlation id says it. `order`: to the oldest one that is open, for turns are answered one
 * after the other. `greeting`: to none, it is said unasked when a socket opens. Otherwise the turn's window decides (C6).
 */
export type ArmCause = "order" | "greeting";

export type ArmSeen =
  /** `lane`: the part of the conversation inside which order is judged (C5). */
  | {
      readonly kind: "content";
      readonly lane: string;
      readonly type: string;
      readonly correlationId: string | null;
      readonly cause?: ArmCause;
      /** Of `order`: it answers the one behind so many open turns, or the newest: a refusal at once by an arm whose queue is full. */
      readonly behind?: number;
      /** Ends its turn. */
      readonly isFinal?: boolean;
    }
  /** A piece of a longer text; those with one `join` are one message, up to the next content of the lane. */
  | {
      readonly kind: "part";
      readonly lane: string;
      readonly type: string;
      readonly join: string;
      readonly text: string;
      readonly cause?: ArmCause;
    }
  /** The pieces so far are void. */
  | { readonly kind: "reset"; readonly join: string }
  | { readonly kind: "presence"; readonly type: string }
  /** Caused by somebody else, or by a timer (C9). */
  | { readonly kind: "external" };

/** Pure; one for each surface. */
export interface ShadowCodec<S = unknown> {
  readonly surface: string;
  /** Every turn is ended by one final frame. Without it a turn is as long as its window. */
  readonly endsTurns?: true;
  start(): S;
  fromClient(state: S, frame: SocketFrame): readonly [S, ClientSeen];
  fromArm(state: S, frame: SocketFrame): readonly [S, ArmSeen];
  /** What one arm alone says of a turn must agree with itself: where it does not, such as `message:part`; null: it does. */
  checkTurn?(messages: readonly SaidMessage[]): string | null;
}

/** A message of one turn of one arm; `join`: of joined parts, what they had in common. */
export interface SaidMessage {
  readonly type: string;
  readonly value: JsonValue;
  readonly parts: { readonly join: string } | null;
}

const ONE_LANE = "all";

/** Every frame a turn, every answer compared as it is. */
export const opaqueCodec = (surface: string): ShadowCodec<null> => ({
  surface,
  start: () => null,
  fromClient: () => [null, { kind: "turn", changesState: true }],
  fromArm: (_, { isBinary }) => {
    return [null, { kind: "content", lane: ONE_LANE, type: isBinary ? "binary" : "text", correlationId: null }];
  },
});

/** Names of fields in JSON messages. */
export interface JsonCodecFields {
  readonly type: string;
  /** Of the id that an answer shares with what it answers. */
  readonly correlation?: string;
  /** True in the frame that ends a turn; such turns are answered one after the other, unless ids say which. */
  readonly final?: string;
  /** Types that are no content, of either side. */
  readonly presence?: readonly string[];
}

const decoder = new TextDecoder();

function membersOf({ isBinary, data }: SocketFrame): Readonly<Record<string, unknown>> {
  if (isBinary) return {};
  try {
    const value: unknown = JSON.parse(decoder.decode(data));
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

const textOr = (value: unknown, otherwise: string | null): string | null =>
  typeof value === "string" ? value : typeof value === "number" ? String(value) : otherwise;

/** Messages that are JSON objects with a type each; a lane for each type that bears no correlation id. */
export function jsonCodec(surface: string, fields: JsonCodecFields): ShadowCodec<null> {
  const presence = new Set(fields.presence);
  const idOf = (members: Readonly<Record<string, unknown>>): string | null =>
    fields.correlation === undefined ? null : textOr(members[fields.correlation], null);
  const { final } = fields;
  return {
    surface,
    ...(final === undefined ? {} : { endsTurns: true }),
    start: () => null,
    fromClient: (_, frame) => {
      const members = membersOf(frame);
      if (presence.has(textOr(members[fields.type], "") ?? ""))
        return [null, { kind: "presence", changesState: false }];
      return [null, { kind: "turn", changesState: true, id: idOf(members) }];
    },
    fromArm: (_, frame) => {
      const members = membersOf(frame);
      const type = textOr(members[fields.type], frame.isBinary ? "binary" : "text") ?? "";
      if (presence.has(type)) return [null, { kind: "presence", type }];
      const correlationId = idOf(members);
      const content = { kind: "content", lane: correlationId === null ? type : ONE_LANE, type, correlationId } as const;
      return [
        null,
        final !== undefined && members[final] === true ? { ...content, cause: "order", isFinal: true } : content,
      ];
    },
  };
}
