import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { createManualClock } from "../../kernel/index.ts";
import { CASSETTE_LIMITS } from "./limits.ts";
import { Rows } from "./rows.ts";
import type { Tape } from "./tape.ts";
import { TapeShelf } from "./tapeShelf.ts";
import { keyFor } from "./testing/keys.ts";

const HEAD = { status: 200, statusText: "OK", headers: [] };

function shelfWith(limits: Partial<typeof CASSETTE_LIMITS> = {}) {
  const clock = createManualClock();
  const drops: string[] = [];
  const shelf = new TapeShelf({
    limits: { ...CASSETTE_LIMITS, ...limits },
    clock,
    dropped: (reason) => void drops.push(reason),
  });
  function record(body: unknown, requestId: string | null, { status = 200, bytes = 10, ends = true } = {}): Tape {
    const tape = shelf.open(requestId);
    shelf.file(tape, keyFor(body));
    tape.begin({ ...HEAD, status });
    tape.append(Buffer.alloc(bytes));
    if (ends) tape.end("complete");
    return tape;
  }
  return { shelf, clock, drops, record };
}

const [HASH = ""] = keyFor({ ask: "a" }).hashes;

test("finds the n-th of a request and the newest of all", () => {
  const { shelf, record } = shelfWith();
  const one = record({ ask: "a" }, "r1");
  const two = record({ ask: "a" }, "r1");
  const other = record({ ask: "a" }, "r2");
  record({ ask: "b" }, "r1");
  assert.equal(shelf.nth(HASH, "r1", 1), one);
  assert.equal(shelf.nth(HASH, "r1", 2), two);
  assert.equal(shelf.nth(HASH, "r1", 3), null);
  assert.equal(shelf.lastOf(HASH, "r1"), two);
  assert.equal(shelf.newest(HASH, "plain"), other);
});

test("for another request a success of the same form is better than a newer failure or one of another form", () => {
  const { shelf, record } = shelfWith();
  const failed = record({ ask: "a" }, "r0", { status: 429 });
  assert.equal(shelf.newest(HASH, "plain"), failed);
  const streamed = record({ ask: "a", stream: true }, "r1");
  assert.equal(shelf.newest(HASH, "plain"), streamed);
  const plain = record({ ask: "a" }, "r2");
  record({ ask: "a", stream: true }, "r3");
  record({ ask: "a" }, "r4", { status: 500 });
  assert.equal(shelf.newest(HASH, "plain"), plain);
});

test("a recording without its whole request is found by nobody", () => {
  const { shelf, drops } = shelfWith();
  const tape = shelf.open("r1");
  tape.begin(HEAD);
  assert.equal(shelf.size, 1);
  shelf.drop(tape, "unkeyed");
  shelf.drop(tape, "unkeyed");
  assert.deepEqual([shelf.size, shelf.bytes, drops], [0, 0, ["unkeyed"]]);
  shelf.file(tape, keyFor({ ask: "a" }));
  assert.equal(shelf.newest(HASH, "plain"), null);
});

test("the oldest go first when there is too much, numbers stay, and each is counted", () => {
  const { shelf, drops, record } = shelfWith({ bytesMax: 100_000 });
  const tapes = Array.from({ length: 30 }, () => record({ ask: "a" }, "r1", { bytes: 8_000 }));
  assert.ok(shelf.bytes <= 100_000);
  assert.equal(drops.length, tapes.length - shelf.size);
  assert.ok(drops.length > 10 && drops.every((reason) => reason === "memory"));
  for (const [at, tape] of tapes.entries()) {
    assert.equal(shelf.nth(HASH, "r1", at + 1), at < drops.length ? null : tape);
    assert.equal(tape.isGone, at < drops.length);
  }
});

test("a recording that outgrew its limit is still known, as one that is gone", () => {
  const { shelf, drops, record } = shelfWith({ recordingBytesMax: 20_000 });
  const tape = record({ ask: "a" }, "r1", { bytes: 30_000 });
  assert.deepEqual(drops, ["too_large"]);
  assert.equal(shelf.nth(HASH, "r1", 1), tape);
  assert.ok(tape.isGone && shelf.bytes < 10_000);
});

test("after their time recordings go, one by one, and nothing is left", () => {
  const { shelf, clock, drops, record } = shelfWith({ ageMs: 1_000 });
  record({ ask: "a" }, "r1");
  clock.advance(400);
  record({ ask: "a" }, "r2", { ends: false });
  clock.advance(599);
  assert.equal(shelf.size, 2);
  clock.advance(1);
  assert.equal(shelf.size, 1);
  clock.advance(400);
  assert.deepEqual([shelf.size, shelf.bytes, drops, clock.pending], [0, 0, ["age", "age"], 0]);
  record({ ask: "a" }, "r3");
  assert.equal(clock.pending, 1);
});

test("bytes are those of what is kept, whatever happens in whatever order", () => {
  const step = fc.oneof(
    fc.record({ do: fc.constant("open" as const), ask: fc.nat(3), request: fc.nat(2) }),
    fc.record({ do: fc.constant("grow" as const), at: fc.nat(20), bytes: fc.nat(9_000) }),
    fc.record({ do: fc.constantFrom("end" as const, "drop" as const), at: fc.nat(20) }),
    fc.record({ do: fc.constant("wait" as const), ms: fc.nat(500) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const { shelf, clock, drops } = shelfWith({ bytesMax: 60_000, recordingBytesMax: 15_000, ageMs: 1_000 });
      const opened: Tape[] = [];
      const tapeAt = (at: number): Tape | undefined => opened[at % Math.max(1, opened.length)];
      for (const one of steps) {
        if (one.do === "open") {
          const tape = shelf.open(`r${one.request}`);
          opened.push(tape);
          shelf.file(tape, keyFor({ asks: [`${one.ask}`, "same", "same"] }));
          tape.begin(HEAD);
        } else if (one.do === "grow") tapeAt(one.at)?.append(Buffer.alloc(one.bytes));
        else if (one.do === "end") tapeAt(one.at)?.end("complete");
        else if (one.do === "wait") clock.advance(one.ms);
        else {
          const tape = tapeAt(one.at);
          if (tape !== undefined) shelf.drop(tape, "unkeyed");
        }
        const kept = opened.filter((tape) => tape.key?.hashes.some((hash) => holds(shelf, hash, tape)));
        assert.equal(shelf.size, kept.length);
        assert.equal(
          shelf.bytes,
          kept.reduce((sum, tape) => sum + tape.bytes, 0),
        );
        assert.ok(shelf.bytes <= 60_000);
      }
      const gone = drops.filter((reason) => reason !== "too_large").length;
      assert.equal(opened.length, shelf.size + gone);
      shelf.clear();
      assert.deepEqual([shelf.size, shelf.bytes, clock.pending], [0, 0, 0]);
    }),
  );
});

const holds = (shelf: TapeShelf, hash: string, tape: Tape): boolean =>
  Array.from({ length: 90 }, (_, at) => shelf.nth(hash, tape.requestId ?? "", at + 1)).includes(tape);

test("rows number from the first that came, and forget rows that are empty", () => {
  const rows = new Rows<number>();
  for (const item of [10, 11, 12]) rows.push("a", item);
  rows.remove("a", 11);
  rows.remove("a", 99);
  assert.deepEqual([rows.nth("a", 1), rows.nth("a", 2), rows.nth("a", 3)], [10, null, 12]);
  rows.remove("a", 10);
  assert.deepEqual([rows.nth("a", 3), rows.last("a"), rows.newest("a", 5)], [12, 12, [12]]);
  rows.remove("a", 12);
  assert.equal(rows.size, 0);
});

test("10,000 recordings of many small pieces take no more memory than they may", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  const held = (): number => {
    collect();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const bytesMax = 32 * 1_048_576;
  const fill = ({ shelf }: Pick<ReturnType<typeof shelfWith>, "shelf">): void => {
    for (let at = 0; at < 10_000; at++) {
      const tape = shelf.open(`r${at}`);
      shelf.file(tape, keyFor({ ask: `question ${at} ${"of many words ".repeat(at % 90)}`, kind: `kind${at % 7}` }));
      tape.begin({ ...HEAD, headers: ["content-type", "text/event-stream"] });
      for (let piece = 0; piece < at % 60; piece++) tape.append(Buffer.from(`data: {"piece":${piece}}\n\n`));
      tape.end("complete");
      assert.ok(shelf.bytes <= bytesMax);
    }
  };
  // What the code itself takes once it has run is not held by recordings.
  const first = shelfWith({ bytesMax });
  fill(first);
  first.shelf.clear();
  first.drops.length = 0;
  const before = held();
  const { shelf, drops } = shelfWith({ bytesMax });
  fill({ shelf });
  assert.equal(shelf.size + drops.length, 10_000);
  assert.ok(drops.length > 100);
  drops.length = 0;
  const taken = held() - before;
  assert.ok(taken <= bytesMax, `${taken} bytes are held for ${shelf.bytes} that are counted`);
  shelf.clear();
});
