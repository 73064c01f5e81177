// Codec of the whiteboard socket (whiteboard-socket.md §§1–2, 7): raw Yjs updates, commutative, never answered.
import { isApplicationClose } from "./closes.ts";
import type { TurnCodec } from "../../proxy/ports.ts";

export interface WhiteboardState {
  /** A text frame was sent: the contract closes the socket for it, whatever code the arm finds. */
  readonly isPoisoned: boolean;
}

const CLEAN: WhiteboardState = { isPoisoned: false };
const POISONED: WhiteboardState = { isPoisoned: true };

export const whiteboardCodec: TurnCodec<WhiteboardState> = {
  surface: "whiteboard",
  start: () => CLEAN,
  fromClient: (state, frame) => (frame.isBinary ? [state, "state"] : [POISONED, "poison"]),
  fromArm: (state) => [state, "push"],
  stamp: (frame) => frame,
  openTurns: () => 0,
  isIntended: (state, close) => state.isPoisoned || isApplicationClose(close),
};
