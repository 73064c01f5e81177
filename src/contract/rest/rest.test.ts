import assert from "node:assert/strict";
import { test } from "node:test";
import type { z } from "zod";
import { REST_ERROR_CODES } from "../errorCodes.ts";
import { errorD, errorE1, errorE2, errorE3 } from "../errors.ts";
import { defaultUserModelState } from "../models/userModel.ts";
import { BODIES, type ServedRouteId } from "./index.ts";

type Members = Readonly<Record<string, unknown>>;
const ID = "94c98a9f-8b42-4c4f-8a54-25b0db4dbd3e";
const TS = "2026-01-02T03:04:05.678Z";
const NAIVE = "2026-01-02T03:04:05.678000";

const without = (value: Members, key: string): Members =>
  Object.fromEntries(Object.entries(value).filter(([name]) => name !== key));

function responseOf(id: ServedRouteId): z.ZodType {
  const { response } = BODIES[id];
  return typeof response === "object" && response !== null ? response : assert.fail(`${id} has no JSON body`);
}

const session = {
  id: ID,
  folder_id: null,
  interaction_mode: "chat_only",
  latest_turn_no: 0,
  analysis_status: null,
  created_at: TS,
  updated_at: TS,
  ended_at: null,
};
const tokens = {
  access_token: "a",
  refresh_token: "r",
  token_type: "Bearer",
  expires_in: 1800,
  user: { id: ID, email: "a@b.c", name: "A" },
};
const profile = {
  id: ID,
  email: "a@b.c",
  name: "A",
  subscription_tier: "free",
  total_sessions: 0,
  created_at: NAIVE,
  last_active: NAIVE,
};
const summary = {
  counts: { by_kind: { rect: 2 }, by_owner: { user: 1, assistant: 1 } },
  learner_question_tags: [{ id: "q1", x: 4, y: null, meta: {} }],
  concept_clusters: [{ concept: "osmosis", bbox: [0.5, 0, 10, 5], count: 1 }],
  ephemeralSummary: {
    activeHighlights: 0,
    activeQuestionTags: [{ id: "t1", linkedObjectId: null }],
    recentPointer: null,
  },
};
const EXAMPLES: Readonly<Partial<Record<ServedRouteId, Members>>> = {
  R1: { message: "Hello" },
  R3: { id: ID, name: " ", created_at: "2026-01-02T03:04:05.678000+00:00" },
  R4: { folders: [] },
  R5: { session_id: ID },
  R7: { target_snapshot_index: 0, whiteboard_actions: [{ type: "CLEAR_BOARD" }] },
  R8: summary,
  R16: { id: ID, name: "n", created_at: TS, document_count: 0, session_count: 0 },
  R19: { sessions: [session], next_before: null },
  R20: session,
  R22: {
    object_count: 0,
    text_chars: 0,
    coverage: 0.25,
    overlaps: 0,
    concepts: [{ concept: "c", count: 1 }],
    learner_share: 0,
    snapshot_count: 0,
  },
  R33: {
    interactions: [
      { id: ID, role: "user", content: "x", content_type: "user_input", event_type: "user_message", created_at: TS },
    ],
    next_after: null,
  },
  "auth.login": tokens,
  "auth.logout": { message: "Logged out successfully" },
  "auth.me": profile,
  health: { status: "ok", timestamp: NAIVE, version: "1.0.0" },
  livez: { status: "ok" },
  "internal.users": { users: ["u"], more: false },
  "internal.digest": {
    user_id: "u",
    cursor: 1,
    sections: { folders: { count: 0, hash: "0".repeat(64), full_hash: "0".repeat(64) } },
    hash: "0".repeat(64),
    full_hash: "0".repeat(64),
  },
  "internal.changes.read": {
    changes: [{ seq: 1, kind: "k", op: "delete", key: "a/1", user_id: "u", version: 1, origin: "legacy", at: 1 }],
    cursor: 1,
    more: false,
  },
  "internal.changes.apply": {
    applied: 0,
    skipped: 1,
    rejected: [{ seq: 1, reason: "later: session busy" }],
    conflicts: [{ seq: 1, kind: "k", key: "a" }],
  },
  readyz: { status: "ready", checks: { store: "ok", boards: "ok", config: "ok" } },
};

for (const [id, body] of Object.entries(EXAMPLES) as [ServedRouteId, Members][]) {
  test(`the answer of ${id} has exactly its keys`, () => {
    const schema = responseOf(id);
    const result = schema.safeParse(body);
    assert.ok(result.success, result.error?.message);
    assert.ok(!schema.safeParse({ ...body, _creationTime: 1 }).success);
    for (const key of Object.keys(body)) assert.ok(!schema.safeParse(without(body, key)).success, key);
  });
}

test("an empty board has three keys, any other four", () => {
  const empty = { counts: { by_kind: {}, by_owner: {} }, learner_question_tags: [], concept_clusters: [] };
  assert.ok(responseOf("R8").safeParse(empty).success);
  assert.ok(!responseOf("R8").safeParse(without(summary, "ephemeralSummary")).success);
});

test("message rows: payload_json is absent on user rows and an envelope on assistant rows", () => {
  const user = { turn_no: 1, role: "user", text: "Hi", whiteboard_snapshot_index: null };
  const payload_json = {
    schema_version: 1,
    content_type: "message",
    data: { message_text: "Hi", message_type: "greeting" },
    user_model_state: defaultUserModelState(),
    whiteboard_actions: null,
  };
  const rows = responseOf("R6");
  assert.ok(rows.safeParse([user, { ...user, role: "assistant", payload_json }]).success);
  assert.ok(!rows.safeParse([{ ...user, payload_json: null }]).success);
  assert.ok(!rows.safeParse([{ ...user, role: "assistant" }]).success);
  assert.ok(!rows.safeParse([{ ...user, role: "assistant", payload_json: { ...payload_json, turn_id: "x" } }]).success);
});

test("times of the two families are not interchangeable", () => {
  assert.ok(!responseOf("R20").safeParse({ ...session, created_at: NAIVE }).success);
  assert.ok(!responseOf("auth.me").safeParse({ ...profile, created_at: TS }).success);
});

test("ids in other spellings never leave an arm", () => {
  for (const id of [ID.toUpperCase(), ID.replaceAll("-", ""), `{${ID}}`, 7, null]) {
    assert.ok(!responseOf("R5").safeParse({ session_id: id }).success);
  }
});

test("folder names count code points and ignore unknown keys", () => {
  const { request } = BODIES.R3;
  for (const name of [" ", "😀".repeat(100)]) assert.ok(request.safeParse({ name, more: 1 }).success);
  for (const name of ["", "😀".repeat(101), null, 7]) assert.ok(!request.safeParse({ name }).success);
});

test("E1 has exactly three keys and a code of the closed list or null", () => {
  const body = { error_code: null, error_message: "m", technical_details: null };
  assert.ok(errorE1.safeParse(body).success);
  for (const code of REST_ERROR_CODES) assert.ok(errorE1.safeParse({ ...body, error_code: code }).success);
  assert.ok(!errorE1.safeParse({ ...body, error_code: "WRONG_CODE" }).success);
  for (const key of Object.keys(body)) assert.ok(!errorE1.safeParse(without(body, key)).success, key);
  assert.ok(!errorE1.safeParse({ ...body, detail: "x" }).success);
});

test("E2 and D say one detail; E2 only the two of routing", () => {
  assert.ok(errorE2.safeParse({ detail: "Not Found" }).success);
  assert.ok(!errorE2.safeParse({ detail: "Session not found" }).success);
  assert.ok(errorD.safeParse({ detail: "Session not found" }).success);
  assert.ok(!errorD.safeParse({ detail: [] }).success);
});

test("E3 entries always show their input, never a url, and ctx only as an object", () => {
  const entry = { type: "missing", loc: ["body", "name"], msg: "m", input: null };
  const accepts = (value: unknown): boolean => errorE3.safeParse({ detail: [value] }).success;
  assert.ok(accepts(entry));
  assert.ok(accepts({ ...entry, type: "json_invalid", loc: ["body", 12], ctx: { error: "e" } }));
  for (const bad of [without(entry, "input"), { ...entry, url: "u" }, { ...entry, ctx: null }, { ...entry, loc: [] }]) {
    assert.ok(!accepts(bad), JSON.stringify(bad));
  }
  assert.ok(!errorE3.safeParse({ detail: [] }).success);
});
