import { randomUUID } from "node:crypto";
import { type Account, type SignedIn, signIn } from "./accounts.ts";
import { type Api, NoAnswer, Unexpected } from "./apiClient.ts";
import type { Failures } from "./failures.ts";
import { LESSONS } from "./lessons.ts";
import type { Pace } from "./pace.ts";
import type { Timing } from "./ports.ts";
import { HandshakeRefused, SocketLost } from "./socket.ts";
import { createBackoff } from "./timing.ts";
import { openTutor, type TutorClient, type TutorEnvelope } from "./tutorClient.ts";
import { openWhiteboard, type WhiteboardClient } from "./whiteboardClient.ts";

export interface StudentDeps {
  /** `http://127.0.0.1:8000`. */
  readonly base: string;
  readonly api: Api;
  readonly pace: Pace;
  readonly failures: Failures;
  readonly timing: Timing;
  readonly signal: AbortSignal;
}

/** Sessions a student keeps; older ones are deleted, so a demo that runs for days does not fill the disk. */
const SESSIONS_KEPT = 3;
const RECONNECTS_MAX = 6;

/** A lesson that cannot go on here: its session is not on the arm that serves the student now. */
class LessonGone extends Error {}

const idOf = (json: unknown, key: string): string => {
  const id = (json as Record<string, unknown> | null)?.[key];
  if (typeof id === "string") return id;
  throw new LessonGone(`no ${key} in the answer`);
};

/** One student: signs in, opens a lesson with tutor and whiteboard, asks, answers, draws, tidies up, and begins again. */
export function createStudent(account: Account, index: number, deps: StudentDeps) {
  const { base, pace, failures, timing, signal } = deps;
  /** Everything after signing in keeps the common pace. */
  const api: Api = {
    async call(call) {
      await pace.turn(signal);
      return deps.api.call(call);
    },
  };
  const sockets = base.replace(/^http/, "ws");
  let signedIn: (SignedIn & { readonly atMs: number }) | null = null;
  let lessonNo = index;

  async function token(): Promise<string> {
    // At half its life, so that a token handed out (tokens.json) is good for a while.
    const isOld = signedIn !== null && timing.now() - signedIn.atMs > signedIn.lifetimeMs / 2;
    if (signedIn === null || isOld) signedIn = { ...(await signIn(deps.api, account)), atMs: timing.now() };
    return signedIn.accessToken;
  }

  async function openSession(folderName: string): Promise<string> {
    const name = "/api/v1/folders/";
    const list = await api.call({
      method: "GET",
      name: `GET ${name}`,
      path: name,
      token: await token(),
      expect: [200],
    });
    const folders = ((list.json as Record<string, unknown> | null)?.["folders"] ?? []) as {
      id: string;
      name: string;
    }[];
    let folderId = folders.find((folder) => folder.name === folderName)?.id;
    if (folderId === undefined) {
      const body = { name: folderName };
      const made = await api.call({
        method: "POST",
        name: `POST ${name}`,
        path: name,
        token: await token(),
        body,
        expect: [201],
      });
      folderId = idOf(made.json, "id");
    }
    const path = "/api/v1/sessions";
    const body = { folder_id: folderId };
    const session = await api.call({
      method: "POST",
      name: `POST ${path}`,
      path,
      token: await token(),
      body,
      expect: [201],
    });
    return idOf(session.json, "session_id");
  }

  /** Looks at the lesson through REST, as the student app does beside its sockets. */
  async function review(session: string, part: "messages" | "board_summary" | "interactions"): Promise<void> {
    const name = `GET /api/v1/sessions/:id/${part}`;
    const path = `/api/v1/sessions/${session}/${part}`;
    // After a change of arm the session is unknown there until data moves along; one route says 403 (contract G8).
    const answer = await api.call({ method: "GET", name, path, token: await token(), expect: [200, 403, 404] });
    if (answer.status !== 200) throw new LessonGone("the session is not on this arm");
  }

  async function tidy(): Promise<void> {
    const path = "/api/v1/sessions";
    const list = await api.call({ method: "GET", name: `GET ${path}`, path, token: await token(), expect: [200] });
    const sessions = ((list.json as Record<string, unknown> | null)?.["sessions"] ?? []) as { id: string }[];
    for (const { id } of sessions.slice(SESSIONS_KEPT)) {
      await api.call({
        method: "DELETE",
        name: `DELETE ${path}/:id`,
        path: `${path}/${id}`,
        token: await token(),
        expect: [204, 404],
      });
    }
  }

  async function connect(session: string): Promise<{ tutor: TutorClient; board: WhiteboardClient }> {
    const path = `${sockets}/ws/v2/session/${session}`;
    const board = await openWhiteboard(`${path}/whiteboard`, await token());
    try {
      const tutor = await openTutor({
        url: `${path}?stream=1`,
        token: await token(),
        board: () => board.board.objects(),
      });
      failures.good();
      return { tutor, board };
    } catch (error) {
      board.close();
      throw error;
    }
  }

  async function lesson(): Promise<void> {
    const { folder, questions } = LESSONS[lessonNo++ % LESSONS.length] ?? { folder: "Notes", questions: [] };
    const session = await openSession(folder);
    let line = await connectPatiently(session, { isFirst: true });
    const hangUp = (): void => {
      line.tutor.close();
      line.board.close();
    };
    signal.addEventListener("abort", hangUp, { once: true });
    /** Asks, and after a lost socket asks again on a new one with the same id: the arm answers once (tutor-socket.md §6). */
    const ask = async (frame: Readonly<Record<string, unknown>>): Promise<TutorEnvelope> => {
      const named = { ...frame, client_message_id: randomUUID() };
      for (;;) {
        await pace.turn(signal);
        try {
          const envelope = await line.tutor.ask(named);
          count(envelope);
          line.board.board.apply(envelope.whiteboard_actions ?? []);
          return envelope;
        } catch (error) {
          if (!(error instanceof SocketLost)) throw error;
          hangUp();
          noteLoss(error);
          line = await connectPatiently(session);
        }
      }
    };
    try {
      for (const [at, text] of questions.entries()) {
        if (signal.aborted) return;
        const envelope = await ask({ type: "user_message", data: { text } });
        if (envelope.content_type === "question") await ask(answerTo(envelope));
        draw(line.board, session, at);
        if (at === 1) await review(session, "messages");
      }
      await review(session, "board_summary");
      await review(session, "interactions");
    } finally {
      signal.removeEventListener("abort", hangUp);
      hangUp();
    }
    await tidy();
  }

  const answerTo = (envelope: TutorEnvelope): Record<string, unknown> => ({
    type: "answer",
    data: { answer_index: Math.floor(timing.random() * 2), question_id: envelope.data["question_id"] },
  });

  function draw({ board, lost }: WhiteboardClient, session: string, at: number): void {
    if (lost) return;
    const id = `note-${session.slice(0, 8)}-${at}`;
    board.put(id, { id, kind: "text", x: 40 + 30 * at, y: 600, text: `note ${at + 1}`, metadata: { source: "user" } });
  }

  function count(envelope: TutorEnvelope): void {
    if (envelope.content_type !== "error") return failures.good();
    failures.bad("a tutor turn", String(envelope.data["error_code"]));
  }

  /** 1012 and 1013 ask to come back and are no failure; everything else is one. */
  function noteLoss(error: SocketLost): void {
    if (error.code !== 1012 && error.code !== 1013 && !signal.aborted) failures.bad("a socket", error.message);
  }

  async function connectPatiently(session: string, { isFirst = false } = {}) {
    const backoff = createBackoff({ firstMs: 500, maxMs: 10_000, jitter: 1 }, timing.random);
    for (let attempt = 1; ; attempt += 1) {
      if (signal.aborted) throw new LessonGone("the demo is stopping");
      try {
        return await connect(session);
      } catch (error) {
        const isMoved = error instanceof HandshakeRefused && error.status === 403;
        // Refused at its first handshake, a session that was just made is no moved one.
        if (isMoved && isFirst) failures.bad("a handshake", error.message);
        if (isMoved) throw new LessonGone("the session is not on this arm");
        const isTransient = error instanceof SocketLost || (error instanceof HandshakeRefused && error.status >= 500);
        if (!isTransient || attempt >= RECONNECTS_MAX) throw error;
        if (error instanceof HandshakeRefused && error.status !== 503 && !signal.aborted)
          failures.bad("a handshake", error.message);
        await timing.sleep(backoff.next(), signal);
      }
    }
  }

  /** Until the signal: one lesson after the other; what goes wrong is counted, waited for, and tried again. */
  async function run(): Promise<void> {
    const backoff = createBackoff({ firstMs: 500, maxMs: 15_000, jitter: 1 }, timing.random);
    while (!signal.aborted) {
      try {
        await lesson();
        backoff.reset();
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Unexpected && error.status === 401) signedIn = null;
        if (error instanceof HandshakeRefused) failures.bad("a handshake", error.message);
        const asked = error instanceof Unexpected ? error.retryAfterMs : 0;
        const isKnown = [Unexpected, NoAnswer, SocketLost, HandshakeRefused, LessonGone].some(
          (kind) => error instanceof kind,
        );
        if (!isKnown) failures.bad("a lesson", error instanceof Error ? error.message : String(error));
        await timing.sleep(asked + backoff.next(), signal);
      }
    }
  }

  return { account, run, signIn: async () => ({ token: await token(), userId: signedIn?.userId ?? "" }) };
}
export type Student = ReturnType<typeof createStudent>;
