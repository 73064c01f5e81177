import { setTimeout as sleep } from "node:timers/promises";
import { type Closed, openSocket, type Proxy, type Socket, type User } from "../support/index.ts";
import { newSession, socketUrl } from "./world.ts";

/**
 * One student on one tutor socket, with a ledger of both directions: every message has a marker that the model quotes,
 * so that a lost, doubled or swapped answer is seen by its content and not only by its count.
 */
export interface TutorStudent {
  readonly user: User;
  readonly sessionId: string;
  readonly problems: string[];
  sent: number;
  answered: number;
  /** Sends and reads until the signal; the turn that is open then is finished. */
  run(signal: AbortSignal, pauseMs: () => number): Promise<void>;
  closed: Closed | null;
  close(): Promise<void>;
}

interface Streamed {
  text: string;
  nextSeq: number;
}

export async function createTutorStudent(proxy: Proxy, user: User, name: string): Promise<TutorStudent> {
  const sessionId = await newSession(proxy, user);
  const url = socketUrl(proxy, `/ws/v2/session/${sessionId}?stream=1&token=${user.token}`);
  const socket = await openSocket(url);
  const first = await socket.nextJson();
  const student: TutorStudent = {
    user,
    sessionId,
    problems: [],
    sent: 0,
    answered: 0,
    closed: null,
    async run(signal, pauseMs) {
      while (!signal.aborted && student.closed === null) {
        await turn(socket, student, name);
        await sleep(pauseMs(), undefined, { signal }).catch(() => {});
      }
    },
    close: async () => void (await socket.close()),
  };
  if (first.type !== "SESSION_INIT_STATE") student.problems.push(`first frame was ${first.type}`);
  socket.socket.on("close", (code, reason) => {
    student.closed = { code, reason: reason.toString("utf8") };
  });
  return student;
}

async function turn(socket: Socket, student: TutorStudent, name: string): Promise<void> {
  const marker = `${name}-${student.sent}`;
  socket.send({ type: "user_message", data: { text: `tell me about ${marker}.` }, client_message_id: marker });
  student.sent++;
  const streamed: Streamed = { text: "", nextSeq: 0 };
  for (;;) {
    const frame = await socket.nextJson(20_000).catch((error: Error) => ({ type: "none", error }));
    if (student.closed !== null) return;
    if (frame.type === "none") {
      student.problems.push(`${marker}: no answer (${frame.error.message})`);
      return;
    }
    if (frame.type === "raw_delta") {
      if (frame.seq !== streamed.nextSeq)
        student.problems.push(`${marker}: part ${frame.seq}, expected ${streamed.nextSeq}`);
      streamed.nextSeq = frame.seq + 1;
      streamed.text += frame.delta;
      continue;
    }
    student.answered++;
    const text: string = frame.data?.explanation_text ?? "";
    if (frame.content_type !== "explanation")
      student.problems.push(`${marker}: ${JSON.stringify(frame).slice(0, 200)}`);
    else if (!text.includes(marker))
      student.problems.push(`${marker}: answered with another turn's text: ${text.slice(0, 80)}`);
    else if (streamed.text !== text) student.problems.push(`${marker}: parts do not make the answer`);
    return;
  }
}
