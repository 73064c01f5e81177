import assert from "node:assert/strict";
import { item, match, text } from "./harness/index.ts";

const NOT_FOUND = { detail: "Not Found" };
const NO_METHOD = { detail: "Method Not Allowed" };

function allowed(header: string | undefined): string[] {
  return (header ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter(Boolean)
    .sort();
}

item("R1", "the root answers 200 with one text, without a token", async (c) => {
  const reply = await c.get("/");
  assert.equal(reply.status, 200);
  match(reply.json(), { message: text });
});

item("E2", "an unknown path is 404 `Not Found` and asks for no token", async (c) => {
  for (const path of ["/nothing-here", "/api/v1/unknown", "/api/v1/sessions/extra/levels/here"]) {
    const reply = await c.get(path);
    assert.equal(reply.status, 404, path);
    match(reply.json(), NOT_FOUND);
  }
});

item("E2", "a wrong method is 405 with the methods of the path in Allow, before any token", async (c) => {
  const id = "6f0e8f0c-3b68-4b44-9f5a-2a0f4b4d6f10";
  const rows: [string, string, string[]][] = [
    ["PUT", "/api/v1/sessions", ["GET", "POST"]],
    ["DELETE", "/api/v1/folders/", ["GET", "POST"]],
    ["POST", `/api/v1/folders/${id}`, ["DELETE", "GET", "PATCH"]],
    ["PATCH", `/api/v1/sessions/${id}`, ["DELETE", "GET"]],
    ["DELETE", `/api/v1/sessions/${id}/messages`, ["GET"]],
    ["GET", `/api/v1/sessions/${id}/log/summary`, ["POST"]],
    ["GET", "/api/auth/login", ["POST"]],
  ];
  for (const [method, path, methods] of rows) {
    const reply = await c.api(method, path);
    assert.equal(reply.status, 405, `${method} ${path}`);
    match(reply.json(), NO_METHOD);
    assert.deepEqual(allowed(reply.headers["allow"]), methods, `${method} ${path}`);
  }
});

item("G11", "HEAD is not implied by GET: 405 with Allow and no body", async (c) => {
  for (const path of ["/", "/api/v1/sessions", "/api/v1/folders/"]) {
    const reply = await c.api("HEAD", path, { user: c.user() });
    assert.equal(reply.status, 405, path);
    assert.ok(allowed(reply.headers["allow"]).includes("GET"), path);
    assert.equal(reply.body.length, 0);
  }
});

item("G14", "folders answer with and without the trailing slash, no other route does, nobody redirects", async (c) => {
  const user = c.user();
  const made = await c.post("/api/v1/folders", user, { name: "a" });
  assert.equal(made.status, 201);
  for (const path of ["/api/v1/folders", "/api/v1/folders/"]) {
    const list = await c.get(path, user);
    assert.equal(list.status, 200);
    assert.equal(list.json().folders.length, 1);
  }
  const session = await c.session(user);
  for (const path of ["/api/v1/sessions/", `/api/v1/sessions/${session}/`, `/api/v1/folders/${made.json().id}/`]) {
    const reply = await c.get(path, user);
    assert.equal(reply.status, 404, path);
    match(reply.json(), NOT_FOUND);
  }
});

item("README §7", "dropped routes stay dropped", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  assert.equal((await c.post(`/api/v1/sessions/${session}/interact`, user, {})).status, 404);
  for (const path of ["/createFolder", "/listFolders", "/getSessionMessages", "/auth/status", "/user/sessions"]) {
    assert.equal((await c.post(path, user, {})).status, 404, path);
  }
});

item("E2", "routes of later releases are unknown routes", async (c) => {
  const user = c.user();
  const session = await c.session(user);
  const under = (path: string) => `/api/v1/sessions/${session}/${path}`;
  const rows: [string, string][] = [
    ["GET", under("analysis")],
    ["POST", under("plan")],
    ["GET", under("lesson")],
    ["GET", under("quiz")],
    ["GET", under("documents")],
    ["GET", under("lesson_plan")],
    ["POST", under("analyze-session")],
    ["GET", under("session_analysis")],
    ["GET", under("jobs")],
    ["GET", "/assistants/get_by_id/x"],
  ];
  for (const [method, path] of rows) {
    const reply = await c.api(method, path, { user });
    assert.equal(reply.status, 404, `${method} ${path}`);
    match(reply.json(), NOT_FOUND);
  }
});

item("G11", "a clean request id is echoed, anything else is replaced by a minted one", async (c) => {
  const user = c.user();
  const echoed = await c.api("GET", "/api/v1/sessions", { user, headers: { "X-Request-Id": "r-1~!" } });
  assert.equal(echoed.headers["x-request-id"], "r-1~!");
  const long = "x".repeat(129);
  const longest = "y".repeat(128);
  const minted = await c.api("GET", "/api/v1/sessions", { user, headers: { "X-Request-Id": long } });
  assert.match(minted.headers["x-request-id"] ?? "", /^[!-~]{1,128}$/);
  assert.notEqual(minted.headers["x-request-id"], long);
  const kept = await c.api("GET", "/api/v1/sessions", { user, headers: { "X-Request-Id": longest } });
  assert.equal(kept.headers["x-request-id"], longest);
  const first = (await c.get("/api/v1/sessions", user)).headers["x-request-id"];
  const second = (await c.get("/api/v1/sessions", user)).headers["x-request-id"];
  assert.ok(first && second && first !== second, "every request without an id gets one of its own");
});

item("G11", "JSON answers are never stored, carry no ETag and set no cookie", async (c) => {
  const user = c.user();
  for (const reply of [
    await c.get("/api/v1/sessions", user),
    await c.get("/api/v1/sessions"),
    await c.get("/nothing"),
  ]) {
    assert.equal(reply.headers["cache-control"], "no-store");
    assert.equal(reply.headers["etag"], undefined);
    assert.equal(reply.headers["set-cookie"], undefined);
  }
});

item("G1", "JSON is compact UTF-8 with unescaped letters and a plain content type", async (c) => {
  const user = c.user();
  const reply = await c.post("/api/v1/folders/", user, { name: "Zellbiologie é 😀 </b>" });
  assert.match(reply.headers["content-type"] ?? "", /^application\/json(;|$)/);
  assert.ok(reply.text.includes('"name":"Zellbiologie é 😀 </b>"'), reply.text);
  assert.ok(!reply.text.startsWith("\uFEFF"));
});

item("G1", "a 204 has no body and no content type", async (c) => {
  const user = c.user();
  const folder = await c.folder(user);
  const reply = await c.api("DELETE", `/api/v1/folders/${folder}`, { user });
  assert.equal(reply.status, 204);
  assert.equal(reply.body.length, 0);
  assert.equal(reply.headers["content-type"], undefined);
});

item(
  "README §3",
  "every answer names the contract version, arms name themselves, the proxy hides the arm",
  async (c) => {
    const user = c.user();
    for (const reply of [
      await c.get("/", user),
      await c.get("/api/v1/sessions", user),
      await c.get("/api/v1/sessions"),
      await c.get("/nothing", user),
    ]) {
      assert.equal(reply.headers["x-contract-version"], "1.0.0");
      const arm = c.target.arm === "control" ? "legacy" : "candidate";
      assert.equal(reply.headers["x-backend-arm"], c.isProxy ? undefined : arm);
    }
  },
);

item("G12", "a JSON body of more than 1 MiB is 413 PAYLOAD_TOO_LARGE, one of exactly 1 MiB is read", async (c) => {
  const user = c.user();
  const head = '{"name":"a","pad":"';
  const body = (size: number) => `${head}${"x".repeat(size - head.length - 2)}"}`;
  const reply = await c.post("/api/v1/folders/", user, body(1_048_577));
  assert.equal(reply.status, 413);
  match(reply.json(), { error_code: "PAYLOAD_TOO_LARGE", error_message: text, technical_details: null });
  assert.equal((await c.post("/api/v1/folders/", user, body(1_048_576))).status, 201);
});
