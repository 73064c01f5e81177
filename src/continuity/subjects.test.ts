import assert from "node:assert/strict";
import { test } from "node:test";
import { newSubject, Pace, type Subject, SubjectBook } from "./subjects.ts";

const PUT_OFF_MAX = 10_000;

const subjectOf = (name: string): Subject => newSubject({ unit: "tutor", subject: name }, "control");

function putOff(book: SubjectBook, name: string): Subject {
  const subject = subjectOf(name);
  subject.handover = { phase: "settled", arm: "control", failures: 1, putOff: "carry-failed", notBeforeMs: 5_000 };
  book.note(subject);
  return subject;
}

function change(book: SubjectBook, name: string): Subject {
  const subject = subjectOf(name);
  subject.handover = {
    phase: "settling",
    from: "control",
    to: "candidate",
    round: 1,
    processes: [1],
    waitingFor: [1],
    deadlineMs: 2_000,
    isForced: false,
    failures: 0,
  };
  book.note(subject);
  return subject;
}

test("of subjects that were put off the oldest is forgotten, never one that changes", () => {
  const book = new SubjectBook();
  const changing = change(book, "changes");
  for (let at = 0; at < PUT_OFF_MAX; at++) putOff(book, `user-${at}`);
  putOff(book, "user-0"); // once more: now the newest
  putOff(book, "one too many");
  assert.equal(book.get({ unit: "tutor", subject: "user-1" }), undefined);
  for (const subject of ["user-0", "user-2", "one too many", "changes"]) {
    assert.ok(book.get({ unit: "tutor", subject }), subject);
  }
  assert.deepEqual([...book.changing()], [changing]);
  assert.deepEqual(book.putOff, { "carry-failed": PUT_OFF_MAX });
});

test("who has settled without a failure is not remembered", () => {
  const book = new SubjectBook();
  const subject = change(book, "changes");
  assert.equal(book.changingCount, 1);
  subject.handover = { phase: "settled", arm: "candidate", failures: 0, putOff: null, notBeforeMs: 0 };
  book.note(subject);
  assert.equal(book.changingCount, 0);
  assert.equal(book.get(subject), undefined);
});

test("100 changes forward begin in a second, more in the next", () => {
  const pace = new Pace();
  const begun = (nowMs: number): number => Array.from({ length: 150 }, () => pace.has(nowMs)).filter(Boolean).length;
  assert.equal(begun(10_000), 100);
  assert.equal(begun(10_999), 0);
  assert.equal(begun(11_000), 100);
});
