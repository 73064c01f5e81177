import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { call, eventually, metricSum } from "../support/index.ts";
import { type Board, type BoardClient, createBoard } from "./boardLedger.ts";
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

interface Crowd {
  readonly students: readonly TutorStudent[];
  readonly boards: readonly Board[];
}

/** 50 students and 10 boards with 4 clients on one arm. */
async function gather(own: World, arm: (typeof ARMS)[number]): Promise<Crowd> {
  const users = await own.usersOn(arm, STUDENTS_PER_ARM + BOARDS_PER_ARM);
  const students = await inTens(STUDENTS_PER_ARM, (i) => createTutorStudent(own.proxy, users[i]!, `${arm}s${i}`));
  const boards = await inTens(BOARDS_PER_ARM, (i) =>
    createBoard(own.proxy, users[STUDENTS_PER_ARM + i]!, `${arm}b${i}`, CLIENTS_PER_BOARD),
  );
  return { students, boards };
}

const clientsOf = ({ boards }: Crowd): BoardClient[] => boards.flatMap((board) => [...board.clients]);

const start = (crowd: Crowd, stop: AbortSignal): Promise<void>[] => [
  ...crowd.students.map((student) => student.run(stop, around(4_000))),
  ...clientsOf(crowd).map((client) => client.run(stop, around(1_500))),
];

/** Nothing lost, doubled or reordered, and not because nothing was said. */
async function ledgersAgree(crowd: Crowd, least: { turns: number; updates: number }): Promise<void> {
  await eventually(
    () =>
      assert.deepEqual(
        crowd.boards.flatMap((board) => board.problems()),
        [],
      ),
    10_000,
    250,
  );
  assert.deepEqual(
    crowd.students.flatMap((student) => student.problems),
    [],
  );
  for (const student of crowd.students) {
    assert.equal(student.answered, student.sent, student.user.sub);
    assert.ok(student.answered >= least.turns, `${student.answered} turns`);
    assert.equal(student.closed, null, "no socket was closed");
  }
  for (const client of clientsOf(crowd)) {
    assert.ok(client.sent.length >= least.updates, `${client.sent.length} updates`);
    assert.equal(client.closed, null, "no board was closed");
  }
}

test("100 tutor sockets and 20 boards with 4 clients, half on each arm: nothing lost, doubled or reordered", async () => {
  const crowds = [await gather(world, "control"), await gather(world, "candidate")];
  const stop = AbortSignal.timeout(SECONDS * 1_000);
  await Promise.all(crowds.flatMap((crowd) => start(crowd, stop)));
  for (const crowd of crowds) await ledgersAgree(crowd, { turns: 5, updates: 10 });
  const students = crowds.flatMap((crowd) => crowd.students);
  await storesHoldTheLedgers(students);
  const text = await world.admin.metrics();
  const sockets = STUDENTS_PER_ARM + BOARDS_PER_ARM * CLIENTS_PER_BOARD;
  for (const arm of ARMS) assert.equal(metricSum(text, "switchyard_sockets", { arm }), sockets);
  assert.equal(metricSum(text, "switchyard_socket_frames_dropped_total"), 0);
  const turns = students.reduce((sum, one) => sum + one.sent, 0);
  const updates = crowds.flatMap(({ boards }) => boards).reduce((sum, one) => sum + one.updatesSent, 0);
  process.stdout.write(`ledger: ${turns} turns, ${updates} updates × ${CLIENTS_PER_BOARD - 1} receivers\n`);
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
  test(`kill -9 of ${victim} under that load: the proxy lives, the other arm's users notice nothing`, async () => {
    const own = await startWorld();
    try {
      const other = victim === "control" ? "candidate" : "control";
      const hit = await gather(own, victim);
      const spared = await gather(own, other);
      const stop = new AbortController();
      const running = [...start(hit, stop.signal), ...start(spared, stop.signal)];
      await eventually(
        () => {
          for (const { students } of [hit, spared]) assert.ok(students.every((one) => one.answered >= 1));
        },
        20_000,
        200,
      );
      own[victim].signal("SIGKILL");
      const refused = await eventually(async () => {
        const headers = { authorization: `Bearer ${hit.students[0]!.user.token}` };
        const reply = await call(own.proxy.baseUrl, { method: "GET", path: "/api/v1/sessions", headers });
        assert.equal(reply.status, 502);
        return reply;
      });
      assert.equal(refused.json().code, "SY_UPSTREAM_REFUSED");
      const hitSockets = [...hit.students, ...clientsOf(hit)];
      await eventually(() => assert.ok(hitSockets.every((one) => one.closed?.code === 1012)), 15_000, 200);
      stop.abort();
      await Promise.all(running);
      await ledgersAgree(spared, { turns: 2, updates: 3 });
      assert.ok(await own.admin.isAlive());
      const text = await own.admin.metrics();
      assert.ok(metricSum(text, "switchyard_requests_total", { arm: victim, outcome: "server_error" }) > 0);
      assert.equal(metricSum(text, "switchyard_requests_total", { arm: other, outcome: "server_error" }), 0);
      assert.equal(metricSum(text, "switchyard_socket_closes_total", { arm: victim, code: "1012" }), hitSockets.length);
      assert.equal(metricSum(text, "switchyard_arm_up", { arm: victim }), 0);
    } finally {
      await own.stop();
    }
  });
}
