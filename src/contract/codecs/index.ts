export type { ArmClass, ClientClass, Frame, TurnCodec } from "../../proxy/ports.ts";
export { type TutorState, tutorCodec } from "./tutor.ts";
export { type WhiteboardState, whiteboardCodec } from "./whiteboard.ts";
