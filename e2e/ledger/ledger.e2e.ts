import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { call, eventually, metricSum } from "../support/index.ts";
import { createBoard } from "./boardLedger.ts";
import { createTutorStudent, type TutorStudent } from "./tutorLedger.ts";
import { startWorld, type World } from "./world.ts";

const STUDENTS_PER_ARM = 50;
const BOARDS_PER_ARM = 10;
const CLIENTS_PER_BOARD = 4;
const SECONDS = 60;
const ARMS = ["control", "candidate"] as const;

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.stop());

const around = (ms: number) => (): number => ms * (0.5 + Math.random());

async function inTens<T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  for (let i = 0; i < count; i += 10) {
    made.push(...(await Promise.all(Array.from({ length: Math.min(10, count - i) }, (_, k) => make(i + k)))));
  }
  return made;
}

test("100 tutor sockets and 20 boards with 4 clients, half on each arm: nothing lost, doubled or reordered", async () => {
  const { proxy, admin } = world;
  const students: TutorStudent[] = [];
  const boards: Awaited<ReturnType<typeof createBoard>>[] = [];
  for (const arm of ARMS) {
    const users = await world.usersOn(arm, STUDENTS_PER_ARM + BOARDS_PER_ARM);
    students.push(...(await inTens(STUDENTS_PER_ARM, (i) => createTutorStudent(proxy, users[i]!, `${arm}s${i}`))));
    boards.push(
      ...(await inTens(BOARDS_PER_ARM, (i) =>
        createBoard(proxy, users[STUDENTS_PER_ARM + i]!, `${arm}b${i}`, CLIENTS_PER_BOARD),
      )),
    );
  }
  const stop = AbortSignal.timeout(SECONDS * 1_000);
  await Promise.all([
    ...students.map((student) => student.run(stop, around(4_000))),
    ...boards.flatMap((board) => board.clients.map((client) => client.run(stop, around(1_500)))),
  ]);
  await eventually(
    () =>
      assert.deepEqual(
        boards.flatMap((board) => board.problems()),
        [],
      ),
    10_000,
    250,
  );

  assert.deepEqual(
    students.flatMap((student) => student.problems),
    [],
  );
  for (const student of students) assert.equal(student.answered, student.sent, student.user.sub);
  assert.deepEqual(
    students.filter((student) => student.closed !== null),
    [],
    "no socket was closed",
  );
  await storesHoldTheLedgers(students);
  const text = await admin.metrics();
  for (const arm of ARMS)
    assert.equal(metricSum(text, "switchyard_sockets", { arm }), STUDENTS_PER_ARM + BOARDS_PER_ARM * CLIENTS_PER_BOARD);
  assert.equal(metricSum(text, "switchyard_socket_frames_dropped_total"), 0);
  process.stdout.write(
    `ledger: ${students.reduce((sum, one) => sum + one.sent, 0)} turns, ${boards.reduce((sum, one) => sum + one.updatesSent, 0)} updates × ${CLIENTS_PER_BOARD - 1} receivers\n`,
  );
});

/** What each arm stored is what each student sent and saw: a user row and an answer per turn, in order. */
async function storesHoldTheLedgers(students: readonly TutorStudent[]): Promise<void> {
  await inTens(students.length, async (i) => {
    const { user, sessionId, sent } = students[i] as TutorStudent;
    const reply = await call(world.proxy.baseUrl, {
      method: "GET",
      path: `/api/v1/sessions/${sessionId}/messages?limit=100`,
      headers: { authorization: `Bearer ${user.token}` },
    });
    const rows = reply.json() as { turn_no: number; role: string }[];
    assert.deepEqual(
      rows.map((row) => row.turn_no),
      Array.from({ length: sent * 2 }, (_, k) => k + 1),
    );
    assert.deepEqual(
      rows.map((row) => row.role),
      Array.from({ length: sent * 2 }, (_, k) => (k % 2 === 0 ? "user" : "assistant")),
    );
  });
}

for (const victim of ARMS) {
  test(`kill -9 of ${victim} under load: the proxy lives, the other arm's users notice nothing`, async () => {
    const own = await startWorld();
    try {
      const other = victim === "control" ? "candidate" : "control";
      const [hit, spared] = [await own.usersOn(victim, 10), await own.usersOn(other, 10)];
      const students = {
        hit: await inTens(10, (i) => createTutorStudent(own.proxy, hit[i]!, `hit${i}`)),
        spared: await inTens(10, (i) => createTutorStudent(own.proxy, spared[i]!, `spared${i}`)),
      };
      const stop = new AbortController();
      const running = [...students.hit, ...students.spared].map((one) => one.run(stop.signal, around(300)));
      await sleep(2_000);
      own[victim].signal("SIGKILL");
      const refused = await eventually(async () => {
        const reply = await call(own.proxy.baseUrl, {
          method: "GET",
          path: "/api/v1/sessions",
          headers: { authorization: `Bearer ${hit[0]!.token}` },
        });
        assert.equal(reply.status, 502);
        return reply;
      });
      assert.equal(refused.json().code, "SY_UPSTREAM_REFUSED");
      await eventually(() => assert.ok(students.hit.every((one) => one.closed?.code === 1012)), 15_000, 200);
      stop.abort();
      await Promise.all(running);
      assert.deepEqual(
        students.spared.flatMap((one) => one.problems),
        [],
      );
      for (const one of students.spared) assert.equal(one.answered, one.sent);
      assert.deepEqual(
        students.spared.filter((one) => one.closed !== null),
        [],
      );
      assert.ok(await own.admin.isAlive());
      const text = await own.admin.metrics();
      assert.ok(metricSum(text, "switchyard_requests_total", { arm: victim, outcome: "server_error" }) > 0);
      assert.equal(metricSum(text, "switchyard_requests_total", { arm: other, outcome: "server_error" }), 0);
      assert.equal(metricSum(text, "switchyard_socket_closes_total", { arm: victim, code: "1012" }), 10);
      assert.equal(metricSum(text, "switchyard_arm_up", { arm: victim }), 0);
    } finally {
      await own.stop();
    }
  });
}
