import assert from "node:assert/strict";
import type { Json, Reply } from "../support/index.ts";
import { item, match, oneOf, text, type Context, type Rule } from "./harness/index.ts";

const UNKNOWN = "6f0e8f0c-3b68-4b44-9f5a-2a0f4b4d6f10";

/** The set of (type, loc) of a 422, differences.md A8; the offset inside a json_invalid is free. */
function violations(reply: Reply): string[] {
  assert.equal(reply.status, 422, reply.text);
  const { detail } = reply.json();
  for (const row of detail) {
    assert.ok(!("url" in row), "no url");
    for (const key of ["type", "loc", "msg", "input"]) assert.ok(key in row, `${key} in ${JSON.stringify(row)}`);
    assert.equal(typeof row.msg, "string");
  }
  const seen = detail.map(
    (row: Json) => `${row.type} ${(row.type === "json_invalid" ? row.loc.slice(0, 1) : row.loc).join(".")}`,
  );
  return [...new Set<string>(seen)].sort();
}

async function refused(c: Context, path: string, body: Json, expected: string[]): Promise<Json> {
  const reply = await c.post(path, c.user(), body);
  assert.deepEqual(violations(reply), expected.sort(), JSON.stringify(body));
  return reply.json().detail;
}

item("E3", "a missing field is `missing` with the received body as input", async (c) => {
  const detail = await refused(c, "/api/v1/folders/", { title: "x" }, ["missing body.name"]);
  match(detail[0].input, { title: "x" });
  assert.ok(!("ctx" in detail[0]), "no parameters, no ctx");
});

item("E3", "no body is `missing` at body, a body that is no object is `model_attributes_type`", async (c) => {
  const detail = await refused(c, "/api/v1/folders/", undefined, ["missing body"]);
  assert.equal(detail[0].input, null);
  for (const body of ["[]", '"a"', "5", "true"])
    await refused(c, "/api/v1/folders/", body, ["model_attributes_type body"]);
});

item("E3", "an unparseable body is `json_invalid`, NaN and Infinity included (G1)", async (c) => {
  for (const body of [
    "{oops",
    '{"name":"a"',
    '{"name":NaN}',
    '{"name":"a","x":Infinity}',
    '{"name":"a","x":-Infinity}',
    "{'name':'a'}",
  ]) {
    const detail = await refused(c, "/api/v1/folders/", body, ["json_invalid body"]);
    assert.equal(typeof detail[0].ctx.error, "string");
    assert.equal(typeof detail[0].loc[1], "number");
  }
});

item("E3", "too short, too long and not text name the limit in ctx", async (c) => {
  const short = await refused(c, "/api/v1/folders/", { name: "" }, ["string_too_short body.name"]);
  match(short[0].ctx, { min_length: 1 });
  const long = await refused(c, "/api/v1/folders/", { name: "x".repeat(101) }, ["string_too_long body.name"]);
  match(long[0].ctx, { max_length: 100 });
  for (const name of [5, null, true, ["a"], { a: 1 }])
    await refused(c, "/api/v1/folders/", { name }, ["string_type body.name"]);
});

item("E3", "one entry per violation", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const reply = await c.post(`/api/v1/sessions/${session}/log/mini-quiz`, user, { question: 5, isCorrect: "maybe" });
  assert.deepEqual(violations(reply), [
    "bool_parsing body.isCorrect",
    "missing body.correctOption",
    "missing body.selectedOption",
    "string_type body.question",
  ]);
});

item("E3", "booleans accept their texts and 0 and 1 in any case, nothing else", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const path = `/api/v1/sessions/${session}/log/mini-quiz`;
  const body = (isCorrect: Json): Json => ({ question: "q", selectedOption: "a", correctOption: "b", isCorrect });
  for (const value of [true, false, 1, 0, "TRUE", "false", "Yes", "no", "ON", "off", "1", "0", "t", "F", "y", "N"]) {
    assert.equal((await c.post(path, user, body(value))).status, 204, JSON.stringify(value));
  }
  const rows: [Json, string | Rule][] = [
    ["maybe", "bool_parsing"],
    [null, "bool_type"],
    [[], "bool_type"],
    [{}, "bool_type"],
    [2, oneOf("bool_parsing", "bool_type")],
  ];
  for (const [value, type] of rows) {
    const reply = await c.post(path, user, body(value));
    assert.equal(reply.status, 422, JSON.stringify(value));
    match([reply.json().detail[0].type, reply.json().detail[0].loc], [type, ["body", "isCorrect"]]);
  }
});

item("E3", "query integers accept integral texts, refuse the rest as int_parsing", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const path = `/api/v1/sessions/${session}/whiteboard_state_at_turn`;
  for (const value of ["3", "3.0", "%2B3"]) {
    const reply = await c.get(`${path}?target_snapshot_index=${value}`, user);
    if (value === "%2B3" && reply.status === 422) continue; // a sign is not named by the contract
    assert.equal(reply.status, 200, value);
    assert.equal(reply.json().target_snapshot_index, 3);
  }
  for (const value of ["abc", "", "1e0x"]) {
    assert.deepEqual(
      violations(await c.get(`${path}?target_snapshot_index=${value}`, user)),
      ["int_parsing query.target_snapshot_index"],
      value,
    );
  }
  assert.deepEqual(violations(await c.get(path, user)), ["missing query.target_snapshot_index"]);
});

item("E1", "an error body has exactly three keys", async (c) => {
  const user = c.user();
  match((await c.get(`/api/v1/sessions/${UNKNOWN}`, user)).json(), {
    error_code: null,
    error_message: text,
    technical_details: null,
  });
  match((await c.get("/api/v1/sessions")).json(), { error_code: null, error_message: text, technical_details: null });
});

item(
  "G9",
  "an unknown route and a wrong method come before size and token",
  async (c) => {
    const big = "x".repeat(1_100_000);
    assert.equal((await c.api("POST", "/nothing-here", { body: big })).status, 404);
    assert.equal((await c.api("PUT", "/api/v1/sessions", { body: big })).status, 405);
  },
  { on: "arms" },
);

item("G9", "the size comes before the token, the token before the body", async (c) => {
  assert.equal((await c.api("POST", "/api/v1/folders/", { body: `{"name":"${"x".repeat(1_100_000)}"}` })).status, 413);
  assert.equal((await c.api("POST", "/api/v1/folders/", { body: "{oops" })).status, 401);
  assert.equal((await c.api("PATCH", "/api/v1/folders/not-a-uuid", { body: "{oops" })).status, 401);
});

item("G9", "an unparseable body comes before a malformed id, that before the lookup", async (c) => {
  const user = c.user();
  const json = await c.api("PATCH", "/api/v1/folders/not-a-uuid", { user, body: "{oops" });
  assert.deepEqual(violations(json), ["json_invalid body"]);
  const id = await c.api("PATCH", "/api/v1/folders/not-a-uuid", { user, body: { name: "" } });
  assert.deepEqual(violations(id), ["uuid_parsing path.folder_id"]);
  const session = await c.post("/api/v1/sessions/not-a-uuid/log/summary", user, {});
  assert.deepEqual(violations(session), ["uuid_parsing path.session_id"]);
});

item("G9", "lookup and ownership come before the validation of query and fields", async (c) => {
  const user = c.user();
  const foreign = await c.session(c.user());
  assert.equal((await c.api("PATCH", `/api/v1/folders/${UNKNOWN}`, { user, body: { name: "" } })).status, 404);
  assert.equal((await c.get(`/api/v1/sessions/${foreign}/messages?limit=abc`, user)).status, 404);
  assert.equal((await c.get(`/api/v1/sessions/${foreign}/whiteboard_state_at_turn`, user)).status, 404);
  assert.equal((await c.post(`/api/v1/sessions/${foreign}/log/summary`, user, {})).status, 404);
});

item("G9", "field validation comes before an idempotency conflict, that before the route's own errors", async (c) => {
  const user = c.user();
  const key = { "Idempotency-Key": "order-1" };
  assert.equal((await c.post("/api/v1/folders/", user, { name: "a" }, key)).status, 201);
  assert.equal((await c.post("/api/v1/folders/", user, { name: "" }, key)).status, 422);
  assert.equal((await c.post("/api/v1/folders/", user, { name: "b" }, key)).status, 409);
  assert.equal((await c.post("/api/v1/sessions", user, {}, key)).status, 201);
  assert.equal((await c.post("/api/v1/sessions", user, { folder_id: "xyz" }, key)).status, 409);
});
