import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { call, metricSum } from "../support/index.ts";
import {
  ARMS,
  BOARDS_PER_ARM,
  CLIENTS_PER_BOARD,
  gather,
  inTens,
  ledgersAgree,
  start,
  STUDENTS_PER_ARM,
} from "./crowd.ts";
import type { TutorStudent } from "./tutorLedger.ts";
import { startWorld, type World } from "./world.ts";

const SECONDS = 60;

let world: World;
before(async () => {
  world = await startWorld();
});
after(() => world.stop());

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
