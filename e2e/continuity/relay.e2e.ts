import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import * as Y from "yjs";
import { newSession, socketUrl, startWorld, type World } from "../ledger/world.ts";
import {
  call,
  eventually,
  type Json,
  metricSum,
  openSocket,
  type Proxy,
  REPOSITORY,
  SERVICE_TOKEN,
  startCandidate,
  temporaryDir,
  type User,
} from "../support/index.ts";

const run = promisify(execFile);
const TURNS = 3;

let world: World;
const candidateDir = temporaryDir("relay-candidate");
before(async () => {
  world = await startWorld({}, { candidateDir });
  await world.admin.setFlag("tutoring", 0);
});
after(() => world.stop());

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function switchyard(proxy: Proxy, ...words: string[]): Promise<Ended> {
  const args = [join(REPOSITORY, "scripts/switchyard.mjs"), ...words, "--admin-url", proxy.adminUrl];
  const token = readFileSync(join(proxy.stateDir, "operate.token"), "utf8").trim();
  const env = { ...process.env, SWITCHYARD_TOKEN: token, JWT_SECRET_KEY: "x".repeat(40), SERVICE_TOKEN };
  try {
    return { code: 0, ...(await run("node", args, { env })) };
  } catch (error) {
    const { code, stdout, stderr } = error as Ended;
    return { code, stdout, stderr };
  }
}

const verify = (sub: string): Promise<Ended> => switchyard(world.proxy, "data", "verify", "--user", sub);

/** Both arms hold the same of this user; what one has just written takes a moment. */
const areEqual = (sub: string): Promise<void> =>
  eventually(
    async () =>
      assert.deepEqual(await verify(sub), { code: 0, stdout: `${sub}: both arms hold the same\n`, stderr: "" }),
    15_000,
    250,
  );

const headers = (user: User): Record<string, string> => ({
  authorization: `Bearer ${user.token}`,
  "content-type": "application/json",
});

const get = async (user: User, path: string): Promise<Json> => {
  const reply = await call(world.proxy.baseUrl, { method: "GET", path, headers: headers(user) });
  assert.equal(reply.status, 200, `${path}: ${reply.text}`);
  return reply.json();
};

async function addFolder(user: User, name: string): Promise<void> {
  const body = JSON.stringify({ name });
  const reply = await call(world.proxy.baseUrl, {
    method: "POST",
    path: "/api/v1/folders/",
    headers: headers(user),
    body,
  });
  assert.equal(reply.status, 201, reply.text);
}

/** A lesson with turns, and something on its board. */
async function learn(user: User, turns = TURNS): Promise<string> {
  const session = await newSession(world.proxy, user);
  const tutor = await openSocket(socketUrl(world.proxy, `/ws/v2/session/${session}?token=${user.token}`));
  await tutor.nextJson();
  for (let i = 0; i < turns; i++) {
    tutor.send({ type: "user_message", data: { text: `question ${i}` }, client_message_id: `m${i}` });
    assert.equal((await tutor.nextJson()).content_type, "explanation");
  }
  await tutor.close();
  const board = await openSocket(socketUrl(world.proxy, `/ws/v2/session/${session}/whiteboard?token=${user.token}`));
  await board.next();
  const doc = new Y.Doc();
  doc.getMap("objects").set("o1", { kind: "rect", metadata: { source: "user" } });
  board.sendBinary(Y.encodeStateAsUpdate(doc));
  await eventually(async () => {
    const snapshot = await call(world.proxy.baseUrl, {
      method: "GET",
      path: `/api/v1/sessions/${session}/whiteboard_snapshot`,
      headers: headers(user),
    });
    assert.ok(snapshot.body.length > 10);
  });
  await board.close();
  return session;
}

async function hasEverything(user: User, session: string, folders: readonly string[], turns = TURNS): Promise<void> {
  const found = (await get(user, "/api/v1/folders/")).folders.map((folder: Json) => folder.name).sort();
  assert.deepEqual(found, [...folders].sort());
  const rows = await get(user, `/api/v1/sessions/${session}/messages?limit=100`);
  assert.deepEqual(
    rows.map((row: Json) => row.turn_no),
    Array.from({ length: 2 * turns }, (_, i) => i + 1),
  );
  const board = await openSocket(socketUrl(world.proxy, `/ws/v2/session/${session}/whiteboard?token=${user.token}`));
  const doc = new Y.Doc();
  Y.applyUpdate(doc, (await board.next()).data);
  assert.deepEqual(doc.getMap("objects").toJSON(), { o1: { kind: "rect", metadata: { source: "user" } } });
  await board.close();
}

test("what a user does on one arm is on the other a moment later, there and back, equal to the last row", async () => {
  const [user] = (await world.usersOn("control", 1)) as [User];
  await addFolder(user, "of control");
  const session = await learn(user);
  await areEqual(user.sub);
  await world.admin.setFlag("tutoring", 100);
  await hasEverything(user, session, ["of control"]);
  await addFolder(user, "of candidate");
  const tutor = await openSocket(socketUrl(world.proxy, `/ws/v2/session/${session}?token=${user.token}`));
  await tutor.nextJson();
  tutor.send({ type: "user_message", data: { text: "and now?" }, client_message_id: "later" });
  assert.equal((await tutor.nextJson()).content_type, "explanation");
  await tutor.close();
  await areEqual(user.sub);
  await world.admin.setFlag("tutoring", 0);
  await hasEverything(user, session, ["of control", "of candidate"], TURNS + 1);
  await areEqual(user.sub);
  const text = await world.admin.metrics();
  assert.equal(metricSum(text, "switchyard_relay_conflicts_total"), 0);
  assert.equal(metricSum(text, "switchyard_relay_rows_total", { outcome: "refused" }), 0);
  const status = await switchyard(world.proxy, "data", "status");
  assert.equal(status.code, 0, status.stdout + status.stderr);
});

test("a copy of everybody shows how far it is, and a sample of users is compared", async () => {
  const users = await world.usersOn("control", 12);
  for (const user of users) await addFolder(user, "a");
  const copied = await switchyard(world.proxy, "data", "copy", "--all", "--yes");
  assert.equal(copied.code, 0, copied.stderr);
  assert.match(copied.stdout, /all users are copied/);
  const verified = await eventually(async () => {
    const all = await switchyard(world.proxy, "data", "verify");
    assert.equal(all.code, 0, all.stdout + all.stderr);
    return all;
  }, 15_000);
  assert.ok(Number(/^(\d+) users compared/.exec(verified.stdout)?.[1]) >= users.length, verified.stdout);
});

test("an arm that is away misses nothing: what was written meanwhile is there when it is back", async () => {
  const [user] = (await world.usersOn("control", 1)) as [User];
  await addFolder(user, "before");
  await areEqual(user.sub);
  world.candidate.signal("SIGKILL");
  await world.candidate.exited();
  await addFolder(user, "meanwhile");
  const session = await learn(user);
  const away = await switchyard(world.proxy, "data", "status");
  assert.equal(away.code, 1);
  assert.match(away.stdout, /behind: from control: candidate: .*no answer/);
  const { port } = new URL(world.candidate.baseUrl);
  const again = await startCandidate({
    dataDir: candidateDir,
    modelUrl: `${world.modelUrl}/v1`,
    env: { PORT: port },
  });
  try {
    await areEqual(user.sub);
    await world.admin.setFlag("tutoring", 100);
    await hasEverything(user, session, ["before", "meanwhile"]);
    assert.equal(metricSum(await world.admin.metrics(), "switchyard_relay_conflicts_total"), 0);
  } finally {
    await again.stop();
  }
});
