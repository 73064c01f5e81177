import assert from "node:assert/strict";
import { keyedId, nonce, round, type Json, type Reply, type User } from "../support/index.ts";
import { item, match, text, ts, uuid, type Context, type ItemOptions } from "./harness/index.ts";

/** Faults are an arm's; behind the proxy nobody may switch them by header (faults §1). */
const AT_ARM: ItemOptions = { on: "arms" };

const faulty = (c: Context, fault: string, method: string, path: string, user?: User, body?: Json): Promise<Reply> =>
  c.api(method, path, { user, body, headers: { "x-fault": fault } });

async function withFolder(c: Context) {
  const user = c.user();
  const folder = await c.folder(user, "abc");
  const path = `/api/v1/folders/${folder}`;
  const read = (fault: string): Promise<Reply> => faulty(c, fault, "GET", path, user);
  return {
    user,
    folder,
    path,
    read,
    right: { id: folder, name: "abc", created_at: ts, document_count: 0, session_count: 0 },
  };
}

/** A fault on the answer of R16 and the body that must come out of it. */
function onAnswer(fault: string, sentence: string, expected: (right: Json) => Json): void {
  item(
    "faults §2",
    `${fault}: ${sentence}`,
    async (c) => {
      const { read, right } = await withFolder(c);
      const reply = await read(fault);
      assert.equal(reply.status, 200);
      match(reply.json(), expected(right));
    },
    AT_ARM,
  );
}

const isMs = (value: Json): boolean => typeof value === "number" && Math.abs(value - Date.now()) < 60_000;

onAnswer("extra-field", "a number is added under _creationTime", (right) => ({
  ...right,
  _creationTime: (v: Json) => typeof v === "number",
}));
onAnswer("extra-field:1:surplus", "a number is added under the given key", (right) => ({
  ...right,
  surplus: (v: Json) => typeof v === "number",
}));
onAnswer("leak-field", "a folder shows knowledge_base", (right) => ({ ...right, knowledge_base: () => true }));
onAnswer("null-field:1:$.name", "the value becomes null", (right) => ({ ...right, name: null }));
onAnswer("type-change:1:$.name", "text becomes the number 0", (right) => ({ ...right, name: 0 }));
onAnswer("type-change:1:$.session_count", "a number becomes text", (right) => ({ ...right, session_count: "0" }));
onAnswer("value-change:1:$.name", "text is reversed", (right) => ({ ...right, name: "cba" }));
onAnswer("value-change:1:$.session_count", "a number grows by one", (right) => ({ ...right, session_count: 1 }));
onAnswer("time-format", "times become milliseconds", (right) => ({ ...right, created_at: isMs }));
onAnswer("missing-field:1:$.name", "the key is removed", ({ name: _, ...rest }) => rest);
onAnswer("value-change:1:$.name,time-format", "several faults work together", (right) => ({
  ...right,
  name: "cba",
  created_at: isMs,
}));
onAnswer("wrong-status:0", "a rate of zero never fires", (right) => right);
onAnswer("wrong-status@R4", "a scope of another route does not fire", (right) => right);

item(
  "faults §2",
  "missing-field: without a path the first required key is removed",
  async (c) => {
    const { read, right } = await withFolder(c);
    const body = (await read("missing-field")).json();
    const { id: _, ...rest } = right;
    match(body, rest);
  },
  AT_ARM,
);

item(
  "faults §2",
  "wrong-status: the correct body under another status",
  async (c) => {
    const { read, right } = await withFolder(c);
    const [plain, chosen, scoped] = [
      await read("wrong-status"),
      await read("wrong-status:1:418"),
      await read("wrong-status@R16:1:503"),
    ];
    assert.deepEqual([plain.status, chosen.status, scoped.status], [500, 418, 503]);
    for (const reply of [plain, chosen, scoped]) match(reply.json(), right);
  },
  AT_ARM,
);

item(
  "faults §2",
  "wrong-error-code: the code of an error becomes WRONG_CODE",
  async (c) => {
    const user = c.user();
    const reply = await faulty(c, "wrong-error-code", "POST", "/api/v1/sessions", user, { folder_id: "xyz" });
    assert.equal(reply.status, 400);
    match(reply.json(), { error_code: "WRONG_CODE", error_message: text, technical_details: null });
  },
  AT_ARM,
);

item(
  "faults §2",
  "absent-null: keys with null are left out",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    const reply = await faulty(c, "absent-null", "GET", `/api/v1/sessions/${session}`, user);
    match(reply.json(), {
      id: session,
      interaction_mode: "chat_and_whiteboard",
      latest_turn_no: 0,
      created_at: ts,
      updated_at: ts,
    });
  },
  AT_ARM,
);

item(
  "faults §2",
  "reorder-array, truncate-list: a list is turned round, or cut",
  async (c) => {
    const user = c.user();
    const ids: string[] = [];
    for (const name of ["a", "b", "c"]) {
      ids.push(await c.folder(user, name));
      await c.pause(3);
    }
    const list = async (fault: string): Promise<string[]> =>
      (await faulty(c, fault, "GET", "/api/v1/folders/", user)).json().folders.map((f: Json) => f.id);
    assert.deepEqual(await list("reorder-array:1:$.folders"), ids);
    assert.deepEqual(await list("truncate-list"), ids.slice(2));
    assert.deepEqual(await list("truncate-list:1:2"), [ids[2], ids[1]]);
  },
  AT_ARM,
);

item(
  "faults §2",
  "garble-json: the body is cut in the middle",
  async (c) => {
    const { read } = await withFolder(c);
    const reply = await read("garble-json");
    assert.throws(() => reply.json());
    assert.ok(reply.text.startsWith("{") && reply.text.length > 1, reply.text);
  },
  AT_ARM,
);

item(
  "faults §2",
  "float-text: fractional values become text",
  async (c) => {
    const user = c.user();
    const session = await c.session(user);
    const body = (await faulty(c, "float-text", "GET", `/api/v1/sessions/${session}/board_insights`, user)).json();
    match([typeof body.coverage, typeof body.learner_share, typeof body.object_count], ["string", "string", "number"]);
  },
  AT_ARM,
);

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
      faulty(c, "reset", "GET", path, user),
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
    const lost = await faulty(c, "lost-write", "POST", "/api/v1/folders/", user, { name: "a" });
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
    const before = await faulty(c, "stale-read:1:60000", "GET", "/api/v1/folders/", user);
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
    const reply = await faulty(c, "skip-ownership", "GET", path, c.user());
    match([reply.status, reply.json().id], [200, folder]);
  },
  AT_ARM,
);

item(
  "faults §2",
  "token-reject refuses valid tokens, token-accept takes expired ones",
  async (c) => {
    const { user, path } = await withFolder(c);
    assert.equal((await faulty(c, "token-reject", "GET", path, user)).status, 401);
    const expired = { ...user, token: c.issuer.token(user.sub, user.email, { exp: 1_700_000_000 }) };
    assert.equal((await c.get(path, expired)).status, 401);
    assert.equal((await faulty(c, "token-accept", "GET", path, expired)).status, 200);
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
    assert.equal((await faulty(c, "wrong-status:1:418", "GET", path)).status, 401);
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
