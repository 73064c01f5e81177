import assert from "node:assert/strict";
import type { Json, Reply, User } from "../../support/index.ts";
import type { Context } from "./context.ts";
import type { ItemOptions } from "./item.ts";
import { ts } from "./match.ts";

/** Faults are an arm's; behind the proxy nobody may switch them by header (faults §1). */
export const AT_ARM: ItemOptions = { on: "arms", needsFaults: true };

export const withFault = (
  c: Context,
  fault: string,
  method: string,
  path: string,
  user?: User,
  body?: Json,
): Promise<Reply> => c.api(method, path, { user, body, headers: { "x-fault": fault } });

/** A folder of a new person, a way to read it with a fault, and what R16 says about it without one. */
export async function withFolder(c: Context) {
  const user = c.user();
  const folder = await c.folder(user, "abc");
  const path = `/api/v1/folders/${folder}`;
  const read = (fault: string): Promise<Reply> => withFault(c, fault, "GET", path, user);
  const right = { id: folder, name: "abc", created_at: ts, document_count: 0, session_count: 0 };
  return { user, folder, path, read, right };
}

/** A tutor socket with a fault for its life (faults §1). */
export async function faultyTutor(c: Context, fault: string, options: { stream?: boolean; keepInit?: boolean } = {}) {
  const user = c.user();
  const session = await c.session(user);
  const tutor = await c.tutor(user, session, { ...options, headers: { "x-fault": fault } });
  const messages = async (): Promise<Json[]> => (await c.get(`/api/v1/sessions/${session}/messages`, user)).json();
  return { user, session, tutor, messages };
}

/** The absence of a frame can only be shown by waiting for it. */
export async function silence(tutor: { nextJson(ms: number): Promise<Json> }, timeoutMs = 700): Promise<void> {
  await assert.rejects(tutor.nextJson(timeoutMs), /nothing within/);
}

export const EMPTY_INIT: Json = { type: "SESSION_INIT_STATE", chat_history: [], whiteboard_actions_to_replay: [] };
