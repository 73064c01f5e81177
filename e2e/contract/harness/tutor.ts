import assert from "node:assert/strict";
import type { Json, Socket, User } from "../../support/index.ts";
import type { Opener } from "./opener.ts";

export interface TutorOptions {
  readonly stream?: boolean;
  readonly headers?: Record<string, string>;
  /** Leave the first frame in the mailbox. */
  readonly keepInit?: boolean;
}

/** A tutor socket with its first frame taken off, and the questions a test asks it. */
export async function createTutor(context: Opener, user: User, session: string, options: TutorOptions = {}) {
  const path = context.tutorPath(session) + (options.stream ? "?stream=1" : "");
  const socket: Socket = await context.open(path, {
    headers: { Authorization: `Bearer ${user.token}`, ...options.headers },
  });
  const init: Json = options.keepInit ? undefined : await socket.nextJson();
  if (init !== undefined)
    assert.equal(init.type, "SESSION_INIT_STATE", `first frame: ${JSON.stringify(init).slice(0, 200)}`);
  return {
    ...socket,
    init,
    session,
    /** Sends one frame and returns the next frame of the server. */
    async ask(frame: Json, timeoutMs?: number): Promise<Json> {
      socket.send(frame);
      return socket.nextJson(timeoutMs);
    },
    say(text: string, extra: Json = {}, timeoutMs?: number): Promise<Json> {
      return this.ask({ type: "user_message", data: { text }, ...extra }, timeoutMs);
    },
    /** One turn in which the stand-in model calls the given tool. */
    tool(name: string, args: Json, timeoutMs?: number): Promise<Json> {
      return this.say(`!tool=${name} ${JSON.stringify(args)}`, {}, timeoutMs);
    },
    /** Reads frames until an envelope comes; gives all of them. */
    async untilEnvelope(timeoutMs?: number): Promise<Json[]> {
      const frames: Json[] = [];
      for (;;) {
        const frame = await socket.nextJson(timeoutMs);
        frames.push(frame);
        if (frame.content_type !== undefined) return frames;
      }
    },
    /** A frame without type passes through the queue: its answer proves that all before it is finished (tutor-socket §2). */
    async fence(timeoutMs?: number): Promise<Json[]> {
      socket.send({});
      const frames: Json[] = [];
      for (;;) {
        const frame = await socket.nextJson(timeoutMs);
        if (frame.content_type === "error" && frame.data.error_code === "INVALID_PAYLOAD") return frames;
        frames.push(frame);
      }
    },
  };
}

export type Tutor = Awaited<ReturnType<typeof createTutor>>;
