import assert from "node:assert/strict";
import { eventually } from "../support/index.ts";
import { type Board, type BoardClient, createBoard } from "./boardLedger.ts";
import { createTutorStudent, type TutorStudent } from "./tutorLedger.ts";
import type { World } from "./world.ts";

export const STUDENTS_PER_ARM = 50;
export const BOARDS_PER_ARM = 10;
export const CLIENTS_PER_BOARD = 4;
export const ARMS = ["control", "candidate"] as const;

const around = (ms: number) => (): number => ms * (0.5 + Math.random());

export async function inTens<T>(count: number, make: (i: number) => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  for (let i = 0; i < count; i += 10) {
    made.push(...(await Promise.all(Array.from({ length: Math.min(10, count - i) }, (_, k) => make(i + k)))));
  }
  return made;
}

export interface Crowd {
  readonly students: readonly TutorStudent[];
  readonly boards: readonly Board[];
}

/** 50 students and 10 boards with 4 clients on one arm. */
export async function gather(own: World, arm: (typeof ARMS)[number]): Promise<Crowd> {
  const users = await own.usersOn(arm, STUDENTS_PER_ARM + BOARDS_PER_ARM);
  const students = await inTens(STUDENTS_PER_ARM, (i) => createTutorStudent(own.proxy, users[i]!, `${arm}s${i}`));
  const boards = await inTens(BOARDS_PER_ARM, (i) =>
    createBoard(own.proxy, users[STUDENTS_PER_ARM + i]!, `${arm}b${i}`, CLIENTS_PER_BOARD),
  );
  return { students, boards };
}

export const clientsOf = ({ boards }: Crowd): BoardClient[] => boards.flatMap((board) => [...board.clients]);

export const start = (crowd: Crowd, stop: AbortSignal): Promise<void>[] => [
  ...crowd.students.map((student) => student.run(stop, around(4_000))),
  ...clientsOf(crowd).map((client) => client.run(stop, around(1_500))),
];

/** Nothing lost, doubled or reordered, and not because nothing was said. */
export async function ledgersAgree(crowd: Crowd, least: { turns: number; updates: number }): Promise<void> {
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
