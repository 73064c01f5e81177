import { setTimeout as pause } from "node:timers/promises";
import {
  call,
  createIssuer,
  openSocket,
  type Json,
  type RecordedCall,
  type Reply,
  type ScriptedReply,
  type SocketOptions,
  type User,
} from "../../support/index.ts";
import type { Bench, Target } from "./bench.ts";
import { createTutor, type TutorOptions } from "./tutor.ts";
import { createBoard } from "./board.ts";

export interface ApiOptions {
  readonly user?: User | undefined;
  /** Objects are sent as JSON, text as it is, undefined as no body. */
  readonly body?: Json;
  readonly headers?: Record<string, string>;
  readonly timeoutMs?: number;
}

/** Everything an item needs for one target; whatever it opened is closed when the item ends. */
export function createContext(target: Target, bench: Bench, id: string) {
  const issuer = createIssuer(target.secret);
  const cleanups: (() => Promise<unknown> | void)[] = [];

  async function api(method: string, path: string, options: ApiOptions = {}): Promise<Reply> {
    const { user, body, headers = {}, timeoutMs } = options;
    const isJson = body !== undefined && typeof body !== "string" && !Buffer.isBuffer(body);
    return call(target.baseUrl, {
      method,
      path,
      body: isJson ? JSON.stringify(body) : body,
      headers: {
        ...(user ? { Authorization: `Bearer ${user.token}` } : {}),
        ...(body === undefined ? {} : { "Content-Type": "application/json" }),
        ...headers,
      },
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
  }

  async function created(path: string, user: User, body: Json): Promise<Json> {
    const reply = await api("POST", path, { user, body });
    if (reply.status !== 201) throw new Error(`POST ${path} should answer 201: ${reply.status} ${reply.text}`);
    return reply.json();
  }

  async function open(path: string, options: SocketOptions = {}) {
    const socket = await openSocket(target.baseUrl.replace("http", "ws") + path, options);
    cleanups.push(() => socket.terminate());
    return socket;
  }

  const modelUrl = (path: string, needle: string) =>
    [bench.modelUrl ?? "", `${path}?needle=${encodeURIComponent(needle)}`] as const;
  const context = {
    id,
    target,
    issuer,
    api,
    open,
    isProxy: target.kind === "proxy",
    /** A person nobody has seen before. */
    user: (claims: Json = {}): User => issuer.user(claims),
    get: (path: string, user?: User) => api("GET", path, { user }),
    post: (path: string, user: User, body?: Json, headers: Record<string, string> = {}) =>
      api("POST", path, { user, body, headers }),
    folder: async (user: User, name = "Folder"): Promise<string> =>
      (await created("/api/v1/folders/", user, { name })).id as string,
    session: async (user: User, body: Json = {}): Promise<string> =>
      (await created("/api/v1/sessions", user, body)).session_id as string,
    socketUrl: (path: string) => target.baseUrl.replace("http", "ws") + path,
    /** The tutor path this target serves (contract README §6); the proxy takes the canonical one. */
    tutorPath: (session: string) =>
      target.kind === "arm" && target.arm === "control" ? `/api/v1/ws/session/${session}` : `/ws/v2/session/${session}`,
    boardPath: (session: string) => `/ws/v2/session/${session}/whiteboard`,
    bench,
    tutor: (user: User, session: string, options: TutorOptions = {}) => createTutor(context, user, session, options),
    board: (user: User, session: string, headers: Record<string, string> = {}) =>
      createBoard(context, user, session, headers),
    /** Answers for the next model requests whose last user message contains the word. */
    async script(needle: string, replies: ScriptedReply[]): Promise<void> {
      const [base, path] = modelUrl("/control/script", needle);
      await call(base, { method: "PUT", path, body: JSON.stringify(replies) });
    },
    /** Model requests that mention the word anywhere in their messages, in order. */
    async recorded(needle: string): Promise<RecordedCall[]> {
      const [base, path] = modelUrl("/control/recorded", needle);
      return (await call(base, { method: "GET", path })).json() as RecordedCall[];
    },
    /** The requests of turns whose own trigger contains the word; histories of later turns do not count. */
    async recordedTurn(needle: string): Promise<RecordedCall[]> {
      const isOwn = (entry: RecordedCall): boolean =>
        String(entry.body.messages.findLast((message: Json) => message.role === "user")?.content).includes(needle);
      return (await this.recorded(needle)).filter(isOwn);
    },
    onEnd: (cleanup: () => Promise<unknown> | void) => void cleanups.push(cleanup),
    pause,
    async dispose(): Promise<void> {
      for (const cleanup of cleanups.reverse()) await cleanup();
    },
  };
  return context;
}

export type Context = ReturnType<typeof createContext>;
