import assert from "node:assert/strict";
import { setImmediate as settled } from "node:timers/promises";
import { test } from "node:test";
import { createManualClock } from "../../kernel/index.ts";
import { findTape } from "./findTape.ts";
import { CASSETTE_LIMITS } from "./limits.ts";
import { MissLog } from "./missLog.ts";
import { Occurrences } from "./occurrences.ts";
import type { Tape } from "./tape.ts";
import { TapeShelf } from "./tapeShelf.ts";
import { keyFor } from "./testing/keys.ts";

const KEY = keyFor({ ask: "a" });
const [HASH = ""] = KEY.hashes;
const never = new AbortController().signal;

function setUp() {
  const clock = createManualClock();
  const shelf = new TapeShelf({ limits: CASSETTE_LIMITS, clock, dropped: () => undefined });
  function record(requestId: string | null, status: number | null = 200): Tape {
    const tape = shelf.open(requestId);
    shelf.file(tape, KEY);
    if (status !== null) {
      tape.begin({ status, statusText: "", headers: [] });
      tape.end("complete");
    }
    return tape;
  }
  function find(requestId: string | null, occurrence = 1, { left = never, isPart = false } = {}) {
    const startedAt = clock.monotonic();
    const finding: { tape?: Tape | null; afterMs?: number } = {};
    const wanted = { hash: HASH, kind: KEY.kind, form: "plain", requestId, occurrence, isPart };
    void findTape({ shelf, clock, limits: CASSETTE_LIMITS }, wanted, left).then((tape) => {
      finding.tape = tape;
      finding.afterMs = clock.monotonic() - startedAt;
    });
    return finding;
  }
  const wait = async (ms: number): Promise<void> => {
    await settled();
    clock.advance(ms);
    await settled();
  };
  return { clock, shelf, record, find, wait };
}

test("the request's own recording is taken at once, also while it runs", async () => {
  const { record, find, wait } = setUp();
  const tape = record("r1", null);
  record("r2");
  const found = find("r1");
  await wait(0);
  assert.deepEqual(found, { tape, afterMs: 0 });
});

test("one that has not begun is waited for, for at most 10 s", async () => {
  const { clock, record, find, wait } = setUp();
  const found = find("r1");
  await wait(9_999);
  assert.deepEqual(found, {});
  const tape = record("r1", null);
  await wait(0);
  assert.deepEqual(found, { tape, afterMs: 9_999 });
  assert.equal(clock.pending, 1); // the age of the recording
});

test("once the own try has succeeded another is not waited for any longer", async () => {
  const { record, find, wait } = setUp();
  const tape = record("r1", null);
  const second = find("r1", 2);
  await wait(3_000);
  assert.deepEqual(second, {});
  tape.begin({ status: 200, statusText: "", headers: [] });
  tape.end("complete");
  await wait(0);
  assert.deepEqual(second, { tape, afterMs: 3_000 });
});

test("nothing within 10 s is a miss", async () => {
  const { clock, find, wait } = setUp();
  const found = find("r1");
  await wait(10_000);
  assert.deepEqual(found, { tape: null, afterMs: 10_000 });
  assert.equal(clock.pending, 0);
});

test("another request's recording has to do when the own one has not begun within a second", async () => {
  const { record, find, wait } = setUp();
  const other = record("r2");
  const found = find("r1");
  const [nobodys, part] = [find(null), find("r1", 1, { isPart: true })];
  await wait(0);
  const atOnce = { tape: other, afterMs: 0 };
  assert.deepEqual([found, nobodys, part], [{}, atOnce, atOnce]);
  await wait(999);
  assert.deepEqual(found, {});
  await wait(1);
  assert.deepEqual(found, { tape: other, afterMs: 1_000 });
});

test("after a failure the next try is waited for: the served arm makes it later", async () => {
  const { record, find, wait } = setUp();
  const failed = record("r1", 429);
  const [first, second] = [find("r1", 1), find("r1", 2)];
  await wait(5_000);
  assert.equal(first.tape, failed);
  assert.deepEqual(second, {});
  const tape = record("r1");
  await wait(0);
  assert.deepEqual(second, { tape, afterMs: 5_000 });
});

test("a request that has a recording of this kind which nobody asked for does not wait for another: its prompt differs", async () => {
  const { shelf, record, find, wait } = setUp();
  const other = shelf.open("r1");
  shelf.file(other, keyFor({ ask: "something else" }));
  const [own, elsewhere] = [find("r1"), find("r2")];
  await wait(999);
  assert.deepEqual(own, {});
  await wait(1);
  assert.deepEqual([own, elsewhere], [{ tape: null, afterMs: 1_000 }, {}]);
  other.wasAsked = true;
  const later = find("r1");
  await wait(5_000);
  assert.deepEqual(later, {});
  const tape = record("r1");
  await wait(0);
  assert.equal(later.tape, tape);
});

test("that recording may begin while the request already waits", async () => {
  const { shelf, find, wait } = setUp();
  const found = find("r1");
  await wait(3_000);
  shelf.file(shelf.open("r1"), keyFor({ ask: "something else" }));
  await wait(250);
  assert.deepEqual(found, { tape: null, afterMs: 3_250 });
});

test("who leaves waits no longer", async () => {
  const { clock, find, wait } = setUp();
  const leaving = new AbortController();
  const found = find("r1", 1, { left: leaving.signal });
  await wait(10);
  leaving.abort();
  await wait(0);
  assert.deepEqual([found, clock.pending], [{ tape: null, afterMs: 10 }, 0]);
});

test("calls are numbered by key and request, within bounds", () => {
  const clock = createManualClock();
  let drops = 0;
  const occurrences = new Occurrences(clock, { most: 2, ageMs: 1_000, onDrop: () => void drops++ });
  assert.deepEqual(
    [
      occurrences.next("k", "r1"),
      occurrences.next("k", "r1"),
      occurrences.next("k", "r2"),
      occurrences.next("k", null),
    ],
    [1, 2, 1, 1],
  );
  assert.equal(occurrences.next("k", "r3"), 1);
  assert.deepEqual([occurrences.size, drops], [2, 1]);
  assert.equal(occurrences.next("k", "r1"), 1);
  clock.advance(1_001);
  assert.equal(occurrences.next("k", "r4"), 1);
  assert.deepEqual([occurrences.size, drops], [1, 2]);
});

test("misses are read in pages after a number; the gap of what was dropped is seen", () => {
  let drops = 0;
  const log = new MissLog({ boot: "b", most: 300, live: false, onDrop: () => void drops++ });
  const miss = {
    atMs: 0,
    kind: "talk",
    key: "k",
    requestId: null,
    occurrence: 1,
    reason: "none",
    nearest: null,
  } as const;
  assert.deepEqual(log.since(7), { boot: "b", live: false, misses: [], next: 0, hasMore: false });
  for (let at = 0; at < 350; at++) log.add(miss);
  const first = log.since(0);
  assert.deepEqual([first.misses[0]?.n, first.misses.length, first.next, first.hasMore], [51, 200, 250, true]);
  const second = log.since(first.next);
  assert.deepEqual([second.misses[0]?.n, second.next, second.hasMore, drops], [251, 350, false, 50]);
  assert.deepEqual(log.since(350).misses, []);
});
