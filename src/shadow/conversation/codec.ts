// What a surface's frames mean to the comparison (shadow §10): supplied by the application, or one of the two built in.

export interface SocketFrame {
  readonly isBinary: boolean;
  readonly data: Uint8Array;
}

/** `turn`: opens a turn, and is a barrier of its group (shadow S4). `presence`: no content, such as a heartbeat. */
export interface ClientSeen {
  readonly kind: "turn" | "message" | "presence";
  /** After a mismatch behind it the group is diverged (shadow J4). */
  readonly changesState: boolean;
}

export type ArmSeen =
  /** `lane`: the part of the conversation inside which order is judged (C5). */
  | { readonly kind: "content"; readonly lane: string; readonly type: string; readonly correlationId: string | null }
  /** A piece of a longer text; those with one `join` are one message, up to the next content of the lane. */
  | {
      readonly kind: "part";
      readonly lane: string;
      readonly type: string;
      readonly join: string;
      readonly text: string;
    }
  /** The pieces so far are void. */
  | { readonly kind: "reset"; readonly join: string }
  | { readonly kind: "presence"; readonly type: string }
  /** Caused by somebody else, or by a timer (C9). */
  | { readonly kind: "external" };

/** Pure; one for each surface. */
export interface ShadowCodec<S = unknown> {
  readonly surface: string;
  start(): S;
  fromClient(state: S, frame: SocketFrame): readonly [S, ClientSeen];
  fromArm(state: S, frame: SocketFrame): readonly [S, ArmSeen];
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
  return {
    surface,
    start: () => null,
    fromClient: (_, frame) => {
      const isPresence = presence.has(textOr(membersOf(frame)[fields.type], "") ?? "");
      return [null, isPresence ? { kind: "presence", changesState: false } : { kind: "turn", changesState: true }];
    },
    fromArm: (_, frame) => {
      const members = membersOf(frame);
      const type = textOr(members[fields.type], frame.isBinary ? "binary" : "text") ?? "";
      if (presence.has(type)) return [null, { kind: "presence", type }];
      const correlationId = fields.correlation === undefined ? null : textOr(members[fields.correlation], null);
      return [null, { kind: "content", lane: correlationId === null ? type : ONE_LANE, type, correlationId }];
    },
  };
}
