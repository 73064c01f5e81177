// A person at the arms' own origins: what a client does, and what both arms must hold of it afterwards.
import * as Y from "yjs";
import type { Arm } from "../../../src/continuity/index.ts";
import { call, type Json, openSocket, type Socket, type User } from "../../support/index.ts";

export interface Held {
  /** Names by id. */
  readonly folders: Map<string, string>;
  readonly sessions: Map<string, HeldSession>;
}

export interface HeldSession {
  turns: number;
  logs: number;
  /** On its board; a session without a stroke has no board. */
  readonly objects: Set<string>;
  /** Taken off at the arm that has not drawn them: there a later stroke of the same name may not have been known. */
  readonly unsure: Set<string>;
  hasBoard: boolean;
  /** Arms that have been told of it or made it. */
  readonly on: Set<Arm>;
}

interface Board {
  readonly socket: Socket;
  readonly doc: Y.Doc;
}

const TUTOR: Readonly<Record<Arm, string>> = { control: "/api/v1/ws/session/", candidate: "/ws/v2/session/" };

export function createLearner(urls: Readonly<Record<Arm, string>>, user: User) {
  const tutors = new Map<string, Promise<Socket>>();
  const boards = new Map<string, Promise<Board>>();
  const held: Held = { folders: new Map(), sessions: new Map() };
  let sent = 0;

  async function ask(arm: Arm, method: string, path: string, body?: Json, headers: Record<string, string> = {}) {
    const reply = await call(urls[arm], {
      method,
      path,
      headers: { authorization: `Bearer ${user.token}`, "content-type": "application/json", ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (reply.status >= 300 && reply.status !== 404) {
      throw new Error(`${method} ${path} at ${arm}: ${reply.status} ${reply.text}`);
    }
    return reply;
  }

  const once = <T>(known: Map<string, Promise<T>>, name: string, open: () => Promise<T>): Promise<T> => {
    const opening = known.get(name) ?? open();
    known.set(name, opening);
    return opening;
  };

  const open = (arm: Arm, path: string): Promise<Socket> =>
    openSocket(`${urls[arm].replace("http", "ws")}${path}`, { headers: { authorization: `Bearer ${user.token}` } });

  const tutor = (arm: Arm, session: string): Promise<Socket> =>
    once(tutors, `${arm} ${session}`, async () => {
      const socket = await open(arm, `${TUTOR[arm]}${session}`);
      await socket.nextJson();
      return socket;
    });

  const board = (arm: Arm, session: string): Promise<Board> =>
    once(boards, `${arm} ${session}`, async () => {
      const socket = await open(arm, `/ws/v2/session/${session}/whiteboard`);
      const doc = new Y.Doc();
      Y.applyUpdate(doc, (await socket.next()).data, "server");
      for (const { data } of socket.log.slice(1)) Y.applyUpdate(doc, data, "server");
      socket.socket.on("message", (data: Buffer) => Y.applyUpdate(doc, data, "server"));
      doc.on("update", (update: Uint8Array, origin: unknown) => {
        if (origin !== "server") socket.sendBinary(update);
      });
      return { socket, doc };
    });

  return {
    user,
    held,
    ask,
    async addFolder(arm: Arm, name: string): Promise<void> {
      held.folders.set((await ask(arm, "POST", "/api/v1/folders/", { name })).json().id, name);
    },
    async renameFolder(arm: Arm, id: string, name: string): Promise<void> {
      const reply = await ask(arm, "PATCH", `/api/v1/folders/${id}`, { name });
      if (reply.status === 200) held.folders.set(id, name);
    },
    async dropFolder(arm: Arm, id: string): Promise<void> {
      const reply = await ask(arm, "DELETE", `/api/v1/folders/${id}`);
      if (reply.status === 204) held.folders.delete(id);
    },
    async addSession(arm: Arm, folder?: string): Promise<string> {
      const { session_id: id } = (await ask(arm, "POST", "/api/v1/sessions", { folder_id: folder })).json();
      held.sessions.set(id as string, {
        turns: 0,
        logs: 0,
        objects: new Set(),
        unsure: new Set(),
        hasBoard: false,
        on: new Set([arm]),
      });
      return id as string;
    },
    async dropSession(arm: Arm, id: string): Promise<void> {
      const reply = await ask(arm, "DELETE", `/api/v1/sessions/${id}`);
      if (reply.status === 204) held.sessions.delete(id);
    },
    /** One turn, answered. */
    async say(arm: Arm, id: string, text: string): Promise<void> {
      const socket = await tutor(arm, id);
      socket.send({ type: "user_message", data: { text }, client_message_id: `m${sent++}` });
      let frame: Json = await socket.nextJson();
      while (frame.content_type === undefined) frame = await socket.nextJson();
      const session = held.sessions.get(id);
      if (session) session.turns += 1;
    },
    async log(arm: Arm, id: string): Promise<void> {
      const body = { section: "a", topic: "b", summary: `c${sent++}` };
      const reply = await ask(arm, "POST", `/api/v1/sessions/${id}/log/summary`, body);
      const session = held.sessions.get(id);
      if (session && reply.status === 204) session.logs += 1;
    },
    async draw(arm: Arm, id: string, object: string): Promise<void> {
      const { doc } = await board(arm, id);
      doc.getMap("objects").set(`${arm} ${object}`, { kind: "rect", x: sent++, metadata: { source: "user" } });
      const session = held.sessions.get(id);
      session?.objects.add(`${arm} ${object}`);
      if (session) session.hasBoard = true;
    },
    async erase(arm: Arm, id: string, by: Arm, object: string): Promise<void> {
      const { doc } = await board(arm, id);
      const name = `${by} ${object}`;
      doc.getMap("objects").delete(name);
      const session = held.sessions.get(id);
      if (by === arm) session?.objects.delete(name);
      else session?.unsure.add(name);
    },
    /** Closes all sockets: what they have sent is stored soon after this resolves. */
    async leave(): Promise<void> {
      const closing: Promise<unknown>[] = [];
      for (const known of [tutors, boards] as Map<string, Promise<Socket | Board>>[]) {
        for (const [name, opening] of known) {
          known.delete(name);
          closing.push(opening.then((open) => ("socket" in open && "doc" in open ? open.socket : open).close()));
        }
      }
      await Promise.allSettled(closing);
    },
  };
}

export type Learner = ReturnType<typeof createLearner>;
