export type { ArmClass, ClientClass, Close, Frame, TurnCodec } from "./port.ts";
export { type TutorState, tutorCodec } from "./tutor.ts";
export { type WhiteboardState, whiteboardCodec } from "./whiteboard.ts";
