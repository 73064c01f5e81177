import assert from "node:assert/strict";
import { CANONICAL_UUID, spellings } from "../support/index.ts";
import { item, match, text, ts, uuid } from "./harness/index.ts";

const UNKNOWN = "6f0e8f0c-3b68-4b44-9f5a-2a0f4b4d6f10";
const NOT_FOUND = { error_code: null, error_message: text, technical_details: null };

item("R3", "creating a folder answers 201 with id, name and creation time", async (c) => {
  const reply = await c.post("/api/v1/folders/", c.user(), { name: "Biology" });
  assert.equal(reply.status, 201);
  match(reply.json(), { id: uuid, name: "Biology", created_at: ts });
});

item("R3", "names are stored verbatim: not trimmed, blank ones and duplicates are legal", async (c) => {
  const user = c.user();
  const names = ["  padded  ", " ", "a", "a", "<b>&amp;</b>", "e\u0301", "\u00e9"];
  for (const name of names) assert.equal((await c.post("/api/v1/folders/", user, { name })).json().name, name);
  const list = (await c.get("/api/v1/folders/", user)).json().folders;
  assert.deepEqual(list.map((f: { name: string }) => f.name).sort(), [...names].sort());
});

item("P18", "lengths count code points: 100 emoji are a name, 101 are not", async (c) => {
  const user = c.user();
  assert.equal((await c.post("/api/v1/folders/", user, { name: "😀".repeat(100) })).status, 201);
  assert.equal((await c.post("/api/v1/folders/", user, { name: "😀".repeat(101) })).status, 422);
});

item("G5", "a lone surrogate becomes U+FFFD", async (c) => {
  const reply = await c.post("/api/v1/folders/", c.user(), '{"name":"a\\ud800b"}');
  assert.equal(reply.status, 201);
  assert.equal(reply.json().name, "a\ufffdb");
});

item("G1", "of duplicate keys the last one wins, and unknown keys are ignored (G16)", async (c) => {
  const reply = await c.post("/api/v1/folders/", c.user(), '{"name":"first","colour":"red","name":"last"}');
  assert.equal(reply.status, 201);
  match(reply.json(), { id: uuid, name: "last", created_at: ts });
});

item("R4", "folders are listed newest first, only one's own", async (c) => {
  const user = c.user();
  match((await c.get("/api/v1/folders/", user)).json(), { folders: [] });
  const ids: string[] = [];
  for (const name of ["one", "two", "three"]) {
    ids.unshift(await c.folder(user, name));
    await c.pause(3); // creation times have millisecond precision (G3)
  }
  await c.folder(c.user(), "foreign");
  const { folders } = (await c.get("/api/v1/folders/", user)).json();
  match(
    folders,
    ["three", "two", "one"].map((name, i) => ({ id: ids[i], name, created_at: ts })),
  );
});

item("R16", "a folder shows its counts of documents and sessions", async (c) => {
  const user = c.user();
  const folder = await c.folder(user, "counted");
  match((await c.get(`/api/v1/folders/${folder}`, user)).json(), {
    id: folder,
    name: "counted",
    created_at: ts,
    document_count: 0,
    session_count: 0,
  });
  await c.session(user, { folder_id: folder });
  await c.session(user, { folder_id: folder });
  await c.session(user);
  const reply = await c.get(`/api/v1/folders/${folder}`, user);
  assert.equal(reply.status, 200);
  match(reply.json(), { id: folder, name: "counted", created_at: ts, document_count: 0, session_count: 2 });
});

item("R17", "renaming answers the folder with its old id and creation time", async (c) => {
  const user = c.user();
  const before = (await c.post("/api/v1/folders/", user, { name: "old" })).json();
  const reply = await c.api("PATCH", `/api/v1/folders/${before.id}`, { user, body: { name: "new" } });
  assert.equal(reply.status, 200);
  match(reply.json(), { ...before, name: "new" });
  match((await c.get("/api/v1/folders/", user)).json(), { folders: [{ ...before, name: "new" }] });
});

item("R18", "deleting a folder answers 204 and keeps its sessions without a folder", async (c) => {
  const user = c.user();
  const folder = await c.folder(user);
  const session = await c.session(user, { folder_id: folder });
  assert.equal((await c.api("DELETE", `/api/v1/folders/${folder}`, { user })).status, 204);
  assert.equal((await c.get(`/api/v1/folders/${folder}`, user)).status, 404);
  match((await c.get("/api/v1/folders/", user)).json(), { folders: [] });
  assert.equal((await c.get(`/api/v1/sessions/${session}`, user)).json().folder_id, null);
  assert.equal((await c.api("DELETE", `/api/v1/folders/${folder}`, { user })).status, 404);
});

item("G8", "a foreign folder is answered exactly like an unknown one", async (c) => {
  const folder = await c.folder(c.user());
  const user = c.user();
  for (const [method, body] of [
    ["GET", undefined],
    ["PATCH", { name: "x" }],
    ["DELETE", undefined],
  ] as const) {
    const foreign = await c.api(method, `/api/v1/folders/${folder}`, { user, body });
    const unknown = await c.api(method, `/api/v1/folders/${UNKNOWN}`, { user, body });
    assert.equal(foreign.status, 404);
    match(foreign.json(), NOT_FOUND);
    assert.equal(unknown.status, foreign.status);
    assert.equal(unknown.text.replaceAll(UNKNOWN, ""), foreign.text.replaceAll(folder, ""));
  }
});

item("G4", "a path id may be spelled in four ways and any case, the answer shows the canonical one", async (c) => {
  const user = c.user();
  const folder = await c.folder(user);
  assert.match(folder, CANONICAL_UUID);
  for (const spelling of spellings(folder)) {
    const reply = await c.get(`/api/v1/folders/${encodeURIComponent(spelling)}`, user);
    assert.equal(reply.status, 200, spelling);
    assert.equal(reply.json().id, folder);
  }
});

item("G4", "blanks around a path id are not trimmed, half an id is malformed: 422 uuid_parsing", async (c) => {
  const user = c.user();
  const folder = await c.folder(user);
  for (const bad of [`%20${folder}`, `${folder}%20`, folder.slice(1), "not-a-uuid", `%7B${folder}`, "0"]) {
    const reply = await c.get(`/api/v1/folders/${bad}`, user);
    assert.equal(reply.status, 422, bad);
    const { detail } = reply.json();
    assert.equal(detail.length, 1);
    assert.equal(detail[0].type, "uuid_parsing");
    match(detail[0].loc, ["path", "folder_id"]);
    assert.equal(typeof detail[0].ctx.error, "string");
    assert.ok(!("url" in detail[0]));
  }
});
