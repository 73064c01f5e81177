import assert from "node:assert/strict";
import { keyedId, nonce, round, type Reply, type User } from "../support/index.ts";
import { AT_ARM, item, match, text, ts, uuid, withFault, withFolder } from "./harness/index.ts";

item(
  "faults §2",
  "slow-reply, cpu-burn: the reply comes late",
  async (c) => {
    const { read, right } = await withFolder(c);
    for (const fault of ["slow-reply:1:600", "cpu-burn:1:600"]) {
      const start = performance.now();
      match((await read(fault)).json(), right);
      assert.ok(round(performance.now() - start, 0) >= 595, fault);
    }
  },
  AT_ARM,
);

item(
  "faults §2",
  "hang: no reply, the connection stays open; reset: the connection breaks",
  async (c) => {
    const { path, user } = await withFolder(c);
    const hang = c.api("GET", path, { user, headers: { "x-fault": "hang" }, timeoutMs: 900 });
    await assert.rejects(hang, /no answer within/);
    await assert.rejects(
      withFault(c, "reset", "GET", path, user),
      (error: NodeJS.ErrnoException) => error.code === "ECONNRESET" || /hang up|aborted/.test(error.message),
    );
  },
  AT_ARM,
);

item(
  "faults §2",
  "http-5xx has no effect, late-5xx has one and a keyed repeat returns the stored result",
  async (c) => {
    const user = c.user();
    const key = { "Idempotency-Key": nonce() };
    const post = (fault: string): Promise<Reply> =>
      c.api("POST", "/api/v1/folders/", { user, body: { name: "a" }, headers: { ...key, "x-fault": fault } });
    const count = async (): Promise<number> => (await c.get("/api/v1/folders/", user)).json().folders.length;
    const early = await post("http-5xx");
    assert.equal(early.status, 500);
    match(early.json(), { error_code: null, error_message: text, technical_details: null });
    assert.equal((await post("http-5xx:1:502")).status, 502);
    assert.equal(await count(), 0);
    assert.equal((await post("late-5xx:1:503")).status, 503);
    assert.equal(await count(), 1);
    const repeat = await c.post("/api/v1/folders/", user, { name: "a" }, key);
    assert.equal(repeat.status, 201);
    assert.equal(repeat.headers["idempotency-replayed"], "true");
    assert.equal(await count(), 1);
  },
  AT_ARM,
);

item(
  "faults §2",
  "lost-write answers 2xx and stores nothing, double-effect ignores keys",
  async (c) => {
    const [user, other] = [c.user(), c.user()];
    const count = async (who: User): Promise<number> => (await c.get("/api/v1/folders/", who)).json().folders.length;
    const lost = await withFault(c, "lost-write", "POST", "/api/v1/folders/", user, { name: "a" });
    match([lost.status, lost.json()], [201, { id: uuid, name: "a", created_at: ts }]);
    assert.equal(await count(user), 0);
    const headers = { "Idempotency-Key": nonce(), "x-fault": "double-effect" };
    for (let i = 0; i < 2; i++)
      assert.equal(
        (await c.api("POST", "/api/v1/folders/", { user: other, body: { name: "a" }, headers })).status,
        201,
      );
    assert.equal(await count(other), 2);
  },
  AT_ARM,
);

item(
  "faults §2",
  "stale-read shows the state of some time ago",
  async (c) => {
    const { user, path, right } = await withFolder(c);
    const before = await withFault(c, "stale-read:1:60000", "GET", "/api/v1/folders/", user);
    match(before.json(), { folders: [] });
    match((await c.get(path, user)).json(), right);
  },
  AT_ARM,
);

item(
  "faults §2",
  "skip-ownership serves foreign objects",
  async (c) => {
    const { path, folder } = await withFolder(c);
    const reply = await withFault(c, "skip-ownership", "GET", path, c.user());
    match([reply.status, reply.json().id], [200, folder]);
  },
  AT_ARM,
);

item(
  "faults §2",
  "token-reject refuses valid tokens, token-accept takes expired ones",
  async (c) => {
    const { user, path } = await withFolder(c);
    assert.equal((await withFault(c, "token-reject", "GET", path, user)).status, 401);
    const expired = { ...user, token: c.issuer.token(user.sub, user.email, { exp: 1_700_000_000 }) };
    assert.equal((await c.get(path, expired)).status, 401);
    assert.equal((await withFault(c, "token-accept", "GET", path, expired)).status, 200);
  },
  AT_ARM,
);

item(
  "faults §2",
  "id-random: a keyed id is no longer derived",
  async (c) => {
    const user = c.user();
    const key = nonce();
    const headers = { "Idempotency-Key": key, "x-fault": "id-random" };
    const { session_id } = (await c.api("POST", "/api/v1/sessions", { user, body: {}, headers })).json();
    match(session_id, uuid);
    assert.notEqual(session_id, keyedId("session", user.sub, "/api/v1/sessions", key));
  },
  AT_ARM,
);

item(
  "faults §1",
  "an arm counts every firing by name and acts after authentication",
  async (c) => {
    const { read, path } = await withFolder(c);
    const counter = async (): Promise<number> => {
      const line = (await c.get("/metrics")).text
        .split("\n")
        .find((l) => l.startsWith('ai_tutor_faults_injected_total{fault="wrong-status"'));
      return Number(line?.split(" ").at(-1) ?? 0);
    };
    const before = await counter();
    await read("wrong-status");
    assert.ok((await counter()) > before);
    assert.equal((await withFault(c, "wrong-status:1:418", "GET", path)).status, 401);
  },
  AT_ARM,
);

item(
  "faults §1",
  "no fault touches /livez and /metrics; not-ready shows on /readyz alone",
  async (c) => {
    const at = (path: string, fault: string): Promise<Reply> => c.api("GET", path, { headers: { "x-fault": fault } });
    assert.equal((await at("/livez", "http-5xx@all,wrong-status@all,not-ready")).status, 200);
    assert.equal((await at("/metrics", "http-5xx@all,garble-json@all")).status, 200);
    const ready = await at("/readyz", "not-ready");
    match([ready.status, ready.json().status], [503, "not_ready"]);
  },
  AT_ARM,
);

item(
  "security H3",
  "the proxy takes no faults from clients",
  async (c) => {
    const { read, right } = await withFolder(c);
    match((await read("wrong-status,extra-field")).json(), right);
    assert.equal((await read("http-5xx")).status, 200);
  },
  { on: "proxy" },
);
