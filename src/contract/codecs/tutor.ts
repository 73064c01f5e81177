// Codec of the tutor socket (handoff.md §§2, 7.1; tutor-socket.md): one envelope for every queued frame that is no repeat.
import { isApplicationClose } from "./closes.ts";
import type { ArmClass, ClientClass, Frame, TurnCodec } from "../../proxy/ports.ts";
import { type EnvelopeFacts, readArmFrame, readEnvelope } from "./tutorArm.ts";
import { readIntent, stampTurn } from "./tutorClient.ts";

interface OpenTurn {
  readonly type: string;
  readonly messageId: string | null;
  /** Repeats of its id that came while it was open: the arm answers them only if it had finished already (§6). */
  readonly repeats: number;
}

/** Which greeting frames may still come: the initial state, then a question, then a planner failure (§1). */
type Greeting = "init" | "question" | "planner" | "over";

export interface TutorState {
  /** Oldest first; a session answers in order. */
  readonly open: readonly OpenTurn[];
  /** Open turns behind them whose ids are not kept. */
  readonly beyond: number;
  readonly greeting: Greeting;
  /** The last envelope and how many equal copies of it a repeat may still bring. */
  readonly echo: { readonly data: Uint8Array; readonly left: number } | null;
}

const START: TutorState = { open: [], beyond: 0, greeting: "init", echo: null };

/** Later turns are only counted; the arm refuses what is behind its own 32 anyway (§2). */
export const OPEN_IDS_MAX = 256;

function fromClient(state: TutorState, frame: Frame): [TutorState, ClientClass] {
  const intent = readIntent(frame);
  if (intent.kind === "aside") return [state, "aside"];
  const { type, messageId } = intent;
  const first = messageId === null ? -1 : state.open.findIndex((turn) => turn.messageId === messageId);
  if (first >= 0) {
    // Answered by the envelope of the open one, not by an envelope of its own (§6).
    const open = state.open.map((turn, i) => (i === first ? { ...turn, repeats: turn.repeats + 1 } : turn));
    return [{ ...state, open }, "ordered"];
  }
  if (state.open.length >= OPEN_IDS_MAX) return [{ ...state, beyond: state.beyond + 1 }, "turn"];
  return [{ ...state, open: [...state.open, { type, messageId, repeats: 0 }] }, "turn"];
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean => a.length === b.length && a.every((byte, i) => byte === b[i]);

/** The connect-time question and planner failure answer no frame; both come before the first answer (§1, handoff §7.1). */
function isGreeting({ greeting, open }: TutorState, facts: EnvelopeFacts): boolean {
  if (facts.isAnswer) return false;
  if (facts.contentType === "question") return greeting === "question";
  const isPlannerFailure = facts.contentType === "error" && facts.errorCode === "PLANNING_ERROR";
  return isPlannerFailure && (greeting === "question" || greeting === "planner") && open[0]?.type !== "start";
}

/** An overflow answers the frame just sent, every other envelope the oldest open one (§2). */
function settle(state: TutorState, frame: Frame, isOverflow: boolean): TutorState {
  if (state.beyond > 0 && (isOverflow || state.open.length === 0)) {
    return { ...state, beyond: state.beyond - 1, greeting: "over", echo: null };
  }
  const settled = state.open.at(isOverflow ? -1 : 0);
  const open = isOverflow ? state.open.slice(0, -1) : state.open.slice(1);
  const echo = settled && settled.repeats > 0 ? { data: frame.data, left: settled.repeats } : null;
  return { ...state, open, greeting: "over", echo };
}

function envelope(state: TutorState, frame: Frame): [TutorState, ArmClass] {
  if (state.echo && isSame(state.echo.data, frame.data)) {
    const left = state.echo.left - 1;
    return [{ ...state, echo: left > 0 ? { data: state.echo.data, left } : null }, "own"];
  }
  // Only the first envelopes of a socket, and those behind a full queue, need to be read.
  const isRead = state.greeting === "question" || state.greeting === "planner" || state.open.length > 1;
  const facts = isRead ? readEnvelope(frame) : null;
  if (facts && isGreeting(state, facts)) {
    return [{ ...state, greeting: facts.contentType === "question" ? "planner" : "over" }, "greeting"];
  }
  return [settle(state, frame, facts?.errorCode === "QUEUE_OVERFLOW"), "final"];
}

function fromArm(state: TutorState, frame: Frame): [TutorState, ArmClass] {
  const kind = readArmFrame(frame);
  if (kind === "envelope") return envelope(state, frame);
  // A fresh attach greets again: what was open stays open, what may be greeted starts over.
  if (kind === "init") return [{ ...state, greeting: "question", echo: null }, "greeting"];
  return [state, kind];
}

/** Pure; the state is small (ids of open turns) and never counts below zero. */
export const tutorCodec: TurnCodec<TutorState> = {
  surface: "tutor",
  start: () => START,
  fromClient,
  fromArm,
  stamp: stampTurn,
  openTurns: (state) => state.open.length + state.beyond,
  isIntended: (_, close) => isApplicationClose(close),
};
