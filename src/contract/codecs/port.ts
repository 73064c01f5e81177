// What the proxy asks of an application's socket surface (handoff.md §2, the part that stands before moves arrive).
// Declared here in the proxy's words; structurally the same as the proxy's own port.

export interface Frame {
  readonly isBinary: boolean;
  readonly data: Uint8Array;
}

export interface Close {
  readonly code: number;
  readonly reason: string;
}

export type ClientClass = "turn" | "ordered" | "state" | "aside" | "transient" | "poison";
export type ArmClass = "final" | "part" | "push" | "own" | "greeting";

export interface TurnCodec<S> {
  readonly surface: string;
  start(): S;
  fromClient(s: S, f: Frame): [S, ClientClass];
  fromArm(s: S, f: Frame): [S, ArmClass];
  /** The frame under an id that makes a resend recognisable; the frame itself when it takes none. */
  stamp(f: Frame, messageId: string): Frame;
  /** Turns sent by this client and not yet answered. */
  openTurns(s: S): number;
  /** Whether the application meant this close, so that it is passed on instead of hidden. */
  isIntended(s: S, close: Close): boolean;
}
