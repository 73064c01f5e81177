import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { otherArm } from "../../src/kernel/index.ts";
import { createBoard } from "../ledger/boardLedger.ts";
import { newSession, socketUrl, startWorld, type World } from "../ledger/world.ts";
import { call, eventually, openSocket, REPOSITORY, type Reply, type User } from "../support/index.ts";

const run = promisify(execFile);
const ARMS = ["control", "candidate"] as const;
const BACKEND = { control: "legacy", candidate: "convex" } as const;

let world: World;
before(async () => {
  world = await startWorld({ MODEL_TIMEOUT_MS: "60000" });
});
after(() => world.stop());

/** The command line as an operator uses it, against the running proxy. */
async function switchyard(...args: string[]): Promise<string> {
  const { stdout } = await run(
    "node",
    [join(REPOSITORY, "scripts/switchyard.mjs"), ...args, "--admin-url", world.proxy.adminUrl],
    {
      env: {
        ...process.env,
        SWITCHYARD_TOKEN: await operateToken(),
        SWITCHYARD__STATE_DIR: world.proxy.stateDir,
        JWT_SECRET_KEY: "x".repeat(40),
        SERVICE_TOKEN: "x".repeat(40),
      },
    },
  );
  return stdout;
}

async function operateToken(): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  return (await readFile(join(world.proxy.stateDir, "operate.token"), "utf8")).trim();
}

const get = (user: User, path = "/api/v1/sessions", requestId: string = randomUUID()): Promise<Reply> =>
  call(world.proxy.baseUrl, {
    method: "GET",
    path,
    headers: { authorization: `Bearer ${user.token}`, "x-request-id": requestId },
  });

const armOf = (reply: Reply): string => (reply.headers["x-backend-arm"] === "legacy" ? "control" : "candidate");

test("two users are served by one arm each; explain agrees and the arms' own logs prove it", async () => {
  for (const arm of ARMS) {
    const [user] = (await world.usersOn(arm, 1)) as [User];
    const requestId = randomUUID();
    assert.equal((await get(user, "/api/v1/sessions", requestId)).status, 200);
    const explained = JSON.parse(
      await switchyard("explain", "--user", user.sub, "--route", "GET /api/v1/sessions", "--json"),
    ) as { arm: string };
    assert.equal(explained.arm, arm);
    const other = otherArm(arm);
    const sawIt = (name: typeof arm) => world[name].logLines().some((line) => line.requestId === requestId);
    await eventually(() => assert.ok(sawIt(arm)));
    assert.ok(!sawIt(other));
  }
});

test("a flag set on the command line moves a user at the next call", async () => {
  const [user] = (await world.usersOn("control", 1)) as [User];
  await switchyard("flags", "set", "tutoring", "100", "--yes");
  assert.equal(armOf(await get(user)), "candidate");
  await switchyard("flags", "set", "tutoring", "50", "--yes");
  assert.equal(armOf(await get(user)), "control");
});

for (const arm of ARMS) {
  test(`a ws client and a Python client each hold a streamed turn on ${arm}, and two clients share a board`, async () => {
    const [user] = (await world.usersOn(arm, 1)) as [User];
    const sessionId = await newSession(world.proxy, user);
    const url = socketUrl(world.proxy, `/ws/v2/session/${sessionId}?stream=1`);
    const socket = await openSocket(`${url}&token=${user.token}`);
    assert.equal((await socket.nextJson()).type, "SESSION_INIT_STATE");
    socket.send({ type: "user_message", data: { text: "tell me about lakes" } });
    let streamed = "";
    let frame = await socket.nextJson();
    for (; frame.type === "raw_delta"; frame = await socket.nextJson()) streamed += frame.delta;
    assert.ok(streamed.includes("lakes"));
    assert.equal(frame.data.explanation_text, streamed);
    await socket.close();

    const python = join(REPOSITORY, "legacy/.venv/bin/python");
    const { stdout } = await run(python, [join(import.meta.dirname, "turn_client.py"), url, user.token]);
    const answer = JSON.parse(stdout) as { first: string; parts: number; streamed: string; text: string };
    assert.equal(answer.first, "SESSION_INIT_STATE");
    assert.ok(answer.parts > 1);
    assert.equal(answer.streamed, answer.text);

    const board = await createBoard(world.proxy, user, `shared-${arm}`, 2);
    const stop = AbortSignal.timeout(1_000);
    await Promise.all(board.clients.map((client) => client.run(stop, () => 50)));
    await eventually(() => assert.deepEqual(board.problems(), []));
    assert.ok(board.updatesSent > 10);
    for (const client of board.clients) await client.socket.close();
    const log = world.proxy.logLines();
    const handshakes = log.filter((line) => line.method === "WS" && line.status === 101 && line.arm === arm);
    assert.ok(handshakes.length >= 3, `${handshakes.length} handshakes on ${BACKEND[arm]}`);
  });
}

test("kill on sends every new call and handshake to control within a second; open sockets close 1012 after their turn", async () => {
  const users = await world.usersOn("candidate", 4);
  const sockets = await Promise.all(
    users.map(async (user) => {
      const sessionId = await newSession(world.proxy, user);
      const socket = await openSocket(socketUrl(world.proxy, `/ws/v2/session/${sessionId}?token=${user.token}`));
      await socket.nextJson();
      return { user, socket };
    }),
  );
  const busy = sockets[0]!;
  busy.socket.send({ type: "user_message", data: { text: "!slow=12000 think" } });
  await switchyard("kill", "on", "--reason", "scenario");
  const killedAtMs = Date.now();
  await eventually(async () => assert.equal(armOf(await get(users[1]!)), "control"), 1_000, 20);
  const fresh = await newSession(world.proxy, users[1]!);
  const again = await openSocket(socketUrl(world.proxy, `/ws/v2/session/${fresh}?token=${users[1]!.token}`));
  assert.equal((await again.nextJson()).type, "SESSION_INIT_STATE");
  await again.close();

  const idle = await Promise.all(sockets.slice(1).map((one) => one.socket.closed(11_000)));
  for (const close of idle) assert.deepEqual(close, { code: 1012, reason: "handoff:retry" });
  assert.ok(Date.now() - killedAtMs <= 10_500, "idle sockets within 10 s");

  const answer = await busy.socket.nextJson(20_000);
  const answeredAtMs = Date.now();
  assert.equal(answer.content_type, "explanation", "the open turn was answered before the close");
  assert.deepEqual(await busy.socket.closed(10_000), { code: 1012, reason: "handoff:retry" });
  assert.ok(Date.now() - answeredAtMs <= 10_000);
  await switchyard("kill", "off", "--reason", "scenario over", "--yes");
  assert.equal(armOf(await get(users[1]!)), "candidate");
});
