import assert from "node:assert/strict";
import { keyedId, nonce, type Json } from "../support/index.ts";
import { item, match, text } from "./harness/index.ts";

const FOLDERS = "/api/v1/folders/";
const keyed = (key: string): Record<string, string> => ({ "Idempotency-Key": key });

item("G10", "a repeat gives the stored status and body, says so, and has no effect", async (c) => {
  const user = c.user();
  const first = await c.post(FOLDERS, user, { name: "a" }, keyed("k1"));
  assert.equal(first.status, 201);
  assert.equal(first.headers["idempotency-replayed"], undefined);
  const second = await c.post(FOLDERS, user, { name: "a" }, keyed("k1"));
  assert.equal(second.status, 201);
  assert.equal(second.headers["idempotency-replayed"], "true");
  assert.equal(second.text, first.text);
  assert.equal((await c.get(FOLDERS, user)).json().folders.length, 1);
});

item("G10", "the fingerprint is canonical: key order, blanks and number form do not matter", async (c) => {
  const user = c.user();
  const first = await c.post(FOLDERS, user, '{"name":"a","extra":{"b":1.0,"a":[2]}}', keyed("k1"));
  const second = await c.post(FOLDERS, user, '{ "extra": {"a":[2e0], "b":1}, "name":"\\u0061" }', keyed("k1"));
  assert.equal(second.status, 201);
  assert.equal(second.headers["idempotency-replayed"], "true");
  assert.equal(second.json().id, first.json().id);
});

item("G10", "another body under the same key is 409 IDEMPOTENCY_KEY_REUSED", async (c) => {
  const user = c.user();
  await c.post(FOLDERS, user, { name: "a" }, keyed("k1"));
  const reply = await c.post(FOLDERS, user, { name: "b" }, keyed("k1"));
  assert.equal(reply.status, 409);
  match(reply.json(), { error_code: "IDEMPOTENCY_KEY_REUSED", error_message: text, technical_details: null });
  assert.equal((await c.get(FOLDERS, user)).json().folders.length, 1);
});

item("G10", "a key is 1 to 128 visible ASCII characters, anything else is 400 IDEMPOTENCY_KEY_INVALID", async (c) => {
  const user = c.user();
  for (const key of ["x".repeat(129), "two words", "a\tb"]) {
    const reply = await c.post(FOLDERS, user, { name: "a" }, keyed(key));
    assert.equal(reply.status, 400, key);
    match(reply.json(), { error_code: "IDEMPOTENCY_KEY_INVALID", error_message: text, technical_details: null });
  }
  assert.equal((await c.post(FOLDERS, user, { name: "a" }, keyed("~".repeat(128)))).status, 201);
  assert.equal((await c.get(FOLDERS, user)).json().folders.length, 1);
});

item("G10", "a key is scoped to the person, the method and the path", async (c) => {
  const [anna, ben] = [c.user(), c.user()];
  const key = keyed(nonce());
  const one = await c.post(FOLDERS, anna, { name: "a" }, key);
  const two = await c.post(FOLDERS, ben, { name: "b" }, key);
  assert.equal(two.status, 201);
  assert.notEqual(two.json().id, one.json().id);
  assert.equal((await c.post("/api/v1/sessions", anna, {}, key)).status, 201);
  const path = `${FOLDERS}${one.json().id}`;
  const renamed = await c.api("PATCH", path, { user: anna, body: { name: "c" }, headers: key });
  assert.equal(renamed.json().name, "c");
  assert.equal((await c.api("DELETE", path, { user: anna, headers: key })).status, 204);
});

item("G10", "the two spellings of the folder path and of a path id are one canonical path", async (c) => {
  const user = c.user();
  const first = await c.post("/api/v1/folders", user, { name: "a" }, keyed("k1"));
  const second = await c.post("/api/v1/folders/", user, { name: "a" }, keyed("k1"));
  assert.equal(second.headers["idempotency-replayed"], "true");
  const { id } = first.json();
  const patch = (spelled: string) =>
    c.api("PATCH", `/api/v1/folders/${spelled}`, { user, body: { name: "z" }, headers: keyed("k2") });
  assert.equal((await patch(id)).status, 200);
  assert.equal((await patch(id.replaceAll("-", "").toUpperCase())).headers["idempotency-replayed"], "true");
});

item("G10", "only 2xx outcomes are stored: after a refusal the same key may be used again", async (c) => {
  const user = c.user();
  assert.equal((await c.post(FOLDERS, user, { name: "" }, keyed("k1"))).status, 422);
  assert.equal((await c.post(FOLDERS, user, { name: "ok" }, keyed("k1"))).status, 201);
  assert.equal((await c.post("/api/v1/sessions", user, { folder_id: "xyz" }, keyed("k1"))).status, 400);
  assert.equal((await c.post("/api/v1/sessions", user, {}, keyed("k1"))).status, 201);
});

item("G10", "PATCH, DELETE and the log routes replay too", async (c) => {
  const user = c.user();
  const folder = await c.folder(user);
  const session = await c.session(user);
  const calls: [string, string, Json, number][] = [
    ["PATCH", `/api/v1/folders/${folder}`, { name: "new" }, 200],
    ["POST", `/api/v1/sessions/${session}/log/summary`, { section: "a", topic: "b", summary: "c" }, 204],
    [
      "POST",
      `/api/v1/sessions/${session}/log/mini-quiz`,
      { question: "q", selectedOption: "a", correctOption: "a", isCorrect: true },
      204,
    ],
    ["DELETE", `/api/v1/folders/${folder}`, undefined, 204],
  ];
  for (const [method, path, body, status] of calls) {
    const send = () => c.api(method, path, { user, body, headers: keyed("k1") });
    const first = await send();
    const second = await send();
    assert.deepEqual([first.status, second.status], [status, status], `${method} ${path}`);
    assert.equal(second.headers["idempotency-replayed"], "true", `${method} ${path}`);
    assert.equal(second.text, first.text);
  }
  assert.equal((await c.get(`/api/v1/sessions/${session}/interactions`, user)).json().interactions.length, 2);
});

item("G10", "two requests with one key at the same time have one effect and one answer", async (c) => {
  const user = c.user();
  const replies = await Promise.all(Array.from({ length: 5 }, () => c.post(FOLDERS, user, { name: "a" }, keyed("k1"))));
  assert.deepEqual(
    replies.map((r) => r.status),
    [201, 201, 201, 201, 201],
  );
  assert.equal(new Set(replies.map((r) => r.json().id)).size, 1);
  assert.equal((await c.get(FOLDERS, user)).json().folders.length, 1);
});

item("G4", "a key decides the id: kid(folder) and kid(session)", async (c) => {
  const user = c.user();
  const key = nonce();
  const folder = (await c.post(FOLDERS, user, { name: "a" }, keyed(key))).json().id;
  // The contract lists R3 with the slash and calls both spellings the same route.
  const legal = [
    keyedId("folder", user.sub, "/api/v1/folders/", key),
    keyedId("folder", user.sub, "/api/v1/folders", key),
  ];
  assert.ok(legal.includes(folder), `${folder} is none of ${legal.join(", ")}`);
  const session = (await c.post("/api/v1/sessions", user, {}, keyed(key))).json().session_id;
  assert.equal(session, keyedId("session", user.sub, "/api/v1/sessions", key));
});

item("G4", "without a key an id is a random UUIDv4, behind the proxy the proxy's own key decides it", async (c) => {
  const user = c.user();
  const ids = [await c.folder(user), await c.folder(user), await c.session(user), await c.session(user)];
  assert.equal(new Set(ids).size, 4);
  const version = c.isProxy ? /^.{14}5/ : /^.{14}4/;
  for (const id of ids) assert.match(id, version);
});
