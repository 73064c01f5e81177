import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { eventually, SERVICE_TOKEN, type Reply } from "../support/index.ts";
import { AT_ARM, item, match, startOwn, text, type Context, type ItemOptions } from "./harness/index.ts";

const OWN: ItemOptions = { on: "own", timeoutMs: 60_000 };
const GUARD = { "X-Service-Token": SERVICE_TOKEN };

const folders = (at: Context, user = at.user(), headers: Record<string, string> = {}): Promise<Reply> =>
  at.api("GET", "/api/v1/folders/", { user, headers });
const put = (at: Context, body: string, headers: Record<string, string> = GUARD): Promise<Reply> =>
  at.api("PUT", "/internal/faults", { body, headers: { ...headers, "Content-Type": "text/plain" } });

/** faults §1: the n-th chance fires when the first four bytes of SHA-256(seed:name:n) lie below the rate. */
function fires(seed: number, name: string, n: number, rate: number): boolean {
  return createHash("sha256").update(`${seed}:${name}:${n}`).digest().readUInt32BE(0) / 2 ** 32 < rate;
}

item(
  "faults §1",
  "the environment switches faults, chance by chance as the seed says",
  async (c) => {
    const { at } = await startOwn(c, { env: { FAULTS: "http-5xx@R4:0.4:503,extra-field@R1", FAULT_SEED: "7" } });
    const user = at.user();
    const seen: number[] = [];
    for (let n = 0; n < 24; n++) seen.push((await folders(at, user)).status);
    assert.deepEqual(
      seen,
      seen.map((_, n) => (fires(7, "http-5xx", n, 0.4) ? 503 : 200)),
    );
    assert.equal((await at.get("/api/v1/sessions", user)).status, 200, "another route is not in scope");
  },
  OWN,
);

item(
  "faults §1",
  "PUT /internal/faults replaces what is on, GET shows it, bad items change nothing",
  async (c) => {
    const { at } = await startOwn(c, { env: { FAULTS: "http-5xx@R4" } });
    assert.equal((await folders(at)).status, 500);
    assert.equal((await put(at, "wrong-status@R4:1:418")).status, 204);
    assert.equal((await folders(at)).status, 418);
    const shown = await at.api("GET", "/internal/faults", { headers: GUARD });
    assert.equal(shown.status, 200);
    assert.ok(shown.text.includes("wrong-status"), shown.text);
    for (const bad of ["no-such-fault", "slow-reply:2"]) {
      const reply = await put(at, bad);
      assert.equal(reply.status, 400, bad);
      match(reply.json(), { error_code: null, error_message: text, technical_details: null });
    }
    assert.equal((await folders(at)).status, 418);
    assert.equal((await put(at, "")).status, 204);
    assert.equal((await folders(at)).status, 200);
  },
  OWN,
);

item(
  "faults §1",
  "a switch reaches open sockets from their next frame",
  async (c) => {
    const { at } = await startOwn(c);
    const user = at.user();
    const tutor = await at.tutor(user, await at.session(user));
    assert.equal((await tutor.ask({ type: "ping" })).type, "pong");
    await put(at, "dup-frame");
    tutor.send({ type: "ping" });
    assert.deepEqual([(await tutor.nextJson()).type, (await tutor.nextJson()).type], ["pong", "pong"]);
    await put(at, "");
    tutor.send({ type: "heartbeat" });
    assert.equal((await tutor.nextJson()).type, "heartbeat_ack");
    assert.deepEqual(await tutor.fence(), []);
  },
  OWN,
);

item(
  "faults §1",
  "the switch is guarded: a wrong token is 401 E1",
  async (c) => {
    for (const headers of [{}, { "X-Service-Token": "wrong" }, { "X-Service-Token": `${SERVICE_TOKEN}x` }]) {
      const reply = await put(c, "", headers);
      assert.equal(reply.status, 401);
      match(reply.json(), { error_code: null, error_message: text, technical_details: null });
    }
  },
  AT_ARM,
);

item(
  "faults §1",
  "without ALLOW_FAULT_HEADERS headers are ignored and the switch is an unknown route, as without SERVICE_TOKEN",
  async (c) => {
    const { at } = await startOwn(c, { env: { ALLOW_FAULT_HEADERS: "0" } });
    assert.equal((await folders(at, at.user(), { "x-fault": "http-5xx" })).status, 200);
    match([(await put(at, "")).status, (await put(at, "")).json()], [404, { detail: "Not Found" }]);
    const second = await startOwn(c, { env: { SERVICE_TOKEN: "" } });
    match([(await put(second.at, "")).status, (await put(second.at, "")).json()], [404, { detail: "Not Found" }]);
  },
  OWN,
);

item(
  "faults §2",
  "crash: the process exits 137, after the given time or at the next chance",
  async (c) => {
    const timed = await startOwn(c, { env: { FAULTS: "crash:1:1500" } });
    const exit = await timed.arm.exited();
    assert.ok(exit.code === 137 || exit.signal === "SIGKILL", JSON.stringify(exit));
    const { arm, at } = await startOwn(c);
    await put(at, "crash");
    await folders(at).catch(() => undefined);
    const next = await arm.exited();
    assert.ok(next.code === 137 || next.signal === "SIGKILL", JSON.stringify(next));
  },
  OWN,
);

item(
  "faults §2",
  "ready-lies: /readyz is 200 while every store access fails",
  async (c) => {
    const { at } = await startOwn(c, { env: { FAULTS: "ready-lies" } });
    assert.equal((await at.get("/readyz")).status, 200);
    const reply = await folders(at);
    assert.equal(reply.status, 503);
    match(reply.json(), { error_code: "STORE_UNAVAILABLE", error_message: text, technical_details: null });
  },
  OWN,
);

item(
  "faults §2",
  "mem-growth: memory is kept for ever",
  async (c) => {
    const { at } = await startOwn(c);
    const user = at.user();
    const resident = async (): Promise<number> =>
      Number(/^process_resident_memory_bytes(?:\{.*\})? (\S+)$/m.exec((await at.get("/metrics")).text)?.[1]);
    await folders(at, user);
    const before = await resident();
    for (let i = 0; i < 30; i++) await folders(at, user, { "x-fault": "mem-growth:1:4096" });
    await eventually(async () =>
      assert.ok((await resident()) - before > 90 * 1_048_576, String((await resident()) - before)),
    );
  },
  OWN,
);

item(
  "faults §2",
  "clock-skew: times the arm stores and sends are off, token checks are not",
  async (c) => {
    const { at } = await startOwn(c, { env: { FAULTS: "clock-skew:1:90" } });
    const user = at.user();
    const { created_at } = (await at.post("/api/v1/folders/", user, { name: "a" })).json();
    const off = Date.parse(created_at) - Date.now();
    assert.ok(Math.abs(off) > 80_000 && Math.abs(off) < 100_000, `${off} ms`);
    const soon = { ...user, token: at.issuer.token(user.sub, user.email, { exp: Math.floor(Date.now() / 1000) + 30 }) };
    assert.equal((await at.get("/api/v1/folders/", soon)).status, 200);
  },
  OWN,
);
