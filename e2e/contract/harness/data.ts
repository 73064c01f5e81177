// The internal endpoints of rest §7 as a caller sees them, and what their answers must be, worked out from the contract.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import * as Y from "yjs";
import { canonicalJson, eventually, type Json, type Reply, type User } from "../../support/index.ts";
import type { Context } from "./context.ts";
import type { ItemOptions } from "./item.ts";

/** Needs an arm whose service token the suite knows. */
export const AT_STORE: ItemOptions = { on: "arms", needsFaults: true, timeoutMs: 60_000 };

/** The tables of models §8 that the arms serve today. */
export const KINDS = [
  "accounts",
  "concept_events",
  "folders",
  "interaction_logs",
  "processed_messages",
  "revoked_tokens",
  "session_messages",
  "sessions",
  "whiteboard_snapshots",
  "yjs_snapshots",
] as const;

const WITHOUT_IN_HASH = new Set([
  "created_at",
  "updated_at",
  "ended_at",
  "submitted_at",
  "last_accessed",
  "last_active",
  "timestamp",
  "time",
  "response_time_ms",
  "session_duration_seconds",
]);

const sha256 = (value: Json): string => createHash("sha256").update(canonicalJson(value)).digest("hex");

function withoutTimes(value: Json): Json {
  if (value === null || typeof value !== "object") return value;
  if (Array.isArray(value)) return value.map(withoutTimes);
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => (WITHOUT_IN_HASH.has(key) ? [] : [[key, withoutTimes(inner)]])),
  );
}

/** Text order of the contract (G5): by code point. */
const byCodePoint = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

function digestRow({ kind, data }: Json): Json {
  if (kind === "accounts") return Object.fromEntries(Object.entries(data).filter(([key]) => key !== "password"));
  if (kind !== "yjs_snapshots") return data;
  const doc = new Y.Doc();
  Y.applyUpdate(doc, Buffer.from(data.state, "base64"));
  const state = { objects: doc.getMap("objects").toJSON(), ephemeral: doc.getMap("ephemeral").toJSON() };
  return { ...data, state };
}

/** The digest that these rows must have (rest §7). */
export function digestOf(rows: readonly Json[]): Json {
  const sections: Json = {};
  for (const kind of KINDS) {
    const own = rows.filter((row) => row.kind === kind).sort((a, b) => byCodePoint(a.key, b.key));
    const list = own.map(digestRow);
    sections[kind] = { count: list.length, hash: sha256(withoutTimes(list)), full_hash: sha256(list) };
  }
  const all = (name: string): string => sha256(KINDS.map((kind) => sections[kind][name]));
  return { sections, hash: all("hash"), full_hash: all("full_hash") };
}

export function internal(c: Context, method: string, path: string, body?: Json): Promise<Reply> {
  return c.api(method, path, { body, headers: { "X-Service-Token": c.target.serviceToken ?? "" }, timeoutMs: 30_000 });
}

async function answered(reply: Promise<Reply>): Promise<Json> {
  const { status, text, json } = await reply;
  assert.equal(status, 200, text.slice(0, 500));
  return json();
}

export const digest = (c: Context, sub: string): Promise<Json> =>
  answered(internal(c, "GET", `/internal/users/${encodeURIComponent(sub)}/digest`));

export const changes = (c: Context, query: string): Promise<Json> =>
  answered(internal(c, "GET", `/internal/changes?${query}`));

export const apply = (c: Context, list: readonly Json[]): Promise<Json> =>
  answered(internal(c, "POST", "/internal/changes", { changes: list }));

/** All changes of a user, page by page. */
export async function changesOf(c: Context, sub: string, limit = 500, after = 0): Promise<Json[]> {
  const found: Json[] = [];
  for (let cursor = after; ; ) {
    const page = await changes(c, `after=${cursor}&limit=${limit}&user_id=${encodeURIComponent(sub)}`);
    found.push(...page.changes);
    assert.ok(page.cursor >= cursor, "a cursor never goes back");
    if (!page.more) return found;
    assert.ok(page.changes.length > 0 && page.cursor > cursor, "a page with more behind it moves on");
    cursor = page.cursor;
  }
}

/** The newest state of each row of a user, deleted ones left out. */
export async function rowsOf(c: Context, sub: string): Promise<Json[]> {
  const rows = new Map<string, Json>();
  for (const change of await changesOf(c, sub)) rows.set(`${change.kind} ${change.key}`, change);
  return [...rows.values()].filter(({ op }) => op === "upsert");
}

/** The lines of an export: the changes, and the last line. */
export async function exported(c: Context, sub: string): Promise<{ rows: Json[]; end: Json }> {
  const reply = await internal(c, "GET", `/internal/users/${encodeURIComponent(sub)}/export`);
  assert.equal(reply.status, 200, reply.text.slice(0, 500));
  assert.match(reply.headers["content-type"] ?? "", /^application\/x-ndjson/);
  const lines = reply.text.trimEnd().split("\n");
  const rows: Json[] = lines.map((line) => JSON.parse(line));
  return { rows: rows.slice(0, -1), end: rows.at(-1) };
}

/** A user with a row of each kind that an arm writes by itself; the board is stored when this resolves. */
export async function livedIn(c: Context): Promise<{ user: User; folder: string; session: string }> {
  const user = c.user();
  const folder = await c.folder(user, "Füße \u{1f9b6}");
  const session = await c.session(user, { folder_id: folder });
  const tutor = await c.tutor(user, session);
  await tutor.say("hello", { client_message_id: "m/1" });
  await tutor.tool("show_pointer_at", { x: 1, y: 2 });
  await tutor.close();
  const board = await c.board(user, session);
  board.put("a", { kind: "rect", metadata: { source: "user" }, x: 1.5 });
  board.putEphemeral("p", { at: 1 });
  await eventually(async () => assert.ok((await rowsOf(c, user.sub)).some(({ kind }) => kind === "yjs_snapshots")));
  await board.close();
  return { user, folder, session };
}
