// REST as a client calls it; an answer that is not the expected one makes the measurement void.
import { randomUUID } from "node:crypto";
import { Pool } from "undici";
import { VoidMeasurement } from "../lib/void.ts";
import type { Backend } from "./backends.ts";

const CALL_MS = 30_000;
const SESSION_ID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

export interface Rest {
  get(path: string, token: string): Promise<string>;
  /** With an idempotency key of its own, as the proxy adds one (contract G4). */
  post(path: string, token: string, body: object): Promise<string>;
  close(): Promise<void>;
}

export function openRest({ name, url }: Backend, connections: number): Rest {
  const pool = new Pool(url, { connections, headersTimeout: CALL_MS, bodyTimeout: CALL_MS });
  async function call(method: "GET" | "POST", path: string, token: string, body?: object): Promise<string> {
    const reply = await pool.request({
      method,
      path,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body && { "content-type": "application/json", "idempotency-key": randomUUID() }),
      },
      body: body ? JSON.stringify(body) : null,
    });
    const text = await reply.body.text();
    if (reply.statusCode === (method === "GET" ? 200 : 201)) return text;
    throw new VoidMeasurement(`${name} answered ${method} ${path} with ${reply.statusCode}: ${text.slice(0, 200)}`);
  }
  return {
    get: (path, token) => call("GET", path, token),
    post: (path, token, body) => call("POST", path, token, body),
    close: () => pool.close(),
  };
}

/** @returns the session's id */
export async function createSession(rest: Rest, token: string, folder: string | null): Promise<string> {
  const { session_id: id } = JSON.parse(await rest.post("/api/v1/sessions", token, { folder_id: folder })) as {
    session_id?: unknown;
  };
  if (typeof id !== "string" || !SESSION_ID.test(id)) throw new VoidMeasurement(`${String(id)} is no session's id`);
  return id;
}

/** @returns the folder's id */
export async function createFolder(rest: Rest, token: string, name: string): Promise<string> {
  const folder = JSON.parse(await rest.post("/api/v1/folders/", token, { name })) as { id: string; name: string };
  if (folder.name !== name) throw new VoidMeasurement(`the folder "${name}" was made as "${folder.name}"`);
  return folder.id;
}
