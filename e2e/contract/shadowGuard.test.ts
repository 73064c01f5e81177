import assert from "node:assert/strict";
import { refusedHandshake, type Reply } from "../support/index.ts";
import { AT_ARM, item, match, startOwn, text } from "./harness/index.ts";

const SHADOW = { "X-Shadow": "1" };

function refused(reply: Reply): void {
  assert.equal(reply.status, 421);
  match(reply.json(), { error_code: "SHADOW_REFUSED", error_message: text, technical_details: null });
}

item(
  "G15",
  "a serving arm takes mirrored reads and refuses mirrored writes and sockets, before anything else",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    const api = (method: string, path: string, body?: unknown): Promise<Reply> =>
      c.api(method, path, { user, body, headers: SHADOW });
    assert.equal((await api("GET", "/api/v1/sessions")).status, 200);
    refused(await api("POST", "/api/v1/folders/", { name: "a" }));
    refused(await api("DELETE", `/api/v1/sessions/${session}`));
    refused(await c.api("POST", "/nothing-here", { headers: SHADOW }));
    refused(await c.api("POST", "/api/v1/folders/", { headers: SHADOW, body: "{oops" }));
    for (const path of [c.tutorPath(session), c.boardPath(session)]) {
      const { status } = await refusedHandshake(c.socketUrl(path), {
        headers: { ...SHADOW, Authorization: `Bearer ${user.token}` },
      });
      assert.equal(status, 403, path);
    }
    assert.equal((await c.get(`/api/v1/sessions/${session}`, user)).status, 200);
  },
  { on: "arms" },
);

item(
  "G15",
  "health, metrics and the fault switch are exempt",
  async (c) => {
    for (const path of ["/livez", "/readyz", "/metrics", "/api/health"]) {
      assert.equal((await c.api("GET", path, { headers: SHADOW })).status, 200, path);
    }
    const reply = await c.api("GET", "/internal/faults", {
      headers: { ...SHADOW, "X-Service-Token": c.target.serviceToken ?? "" },
    });
    assert.notEqual(reply.status, 421);
  },
  AT_ARM,
);

item(
  "G15",
  "a shadow instance serves mirrored traffic only",
  async (c) => {
    const { at } = await startOwn(c, { env: { SHADOW_INSTANCE: "1" } });
    const user = at.user();
    const made = await at.api("POST", "/api/v1/sessions", { user, body: {}, headers: SHADOW });
    assert.equal(made.status, 201);
    const session = made.json().session_id;
    refused(await at.get("/api/v1/sessions", user));
    refused(await at.post("/api/v1/folders/", user, { name: "a" }));
    const url = at.socketUrl(at.tutorPath(session));
    assert.equal((await refusedHandshake(url, { headers: { Authorization: `Bearer ${user.token}` } })).status, 403);
    const tutor = await at.tutor(user, session, { headers: SHADOW });
    assert.equal((await tutor.say("hello")).content_type, "explanation");
    for (const path of ["/livez", "/readyz", "/metrics", "/api/health"])
      assert.equal((await at.get(path)).status, 200, path);
  },
  { on: "own" },
);

item(
  "security H3",
  "a client cannot speak as a mirror: the proxy strips X-Shadow",
  async (c) => {
    const reply = await c.api("POST", "/api/v1/folders/", { user: c.user(), body: { name: "a" }, headers: SHADOW });
    assert.equal(reply.status, 201);
  },
  { on: "proxy" },
);
