import assert from "node:assert/strict";
import { setImmediate as settled } from "node:timers/promises";
import { test } from "node:test";
import fc from "fast-check";
import { createManualClock, type ManualClock } from "../../kernel/index.ts";
import { play, TapeGone } from "./play.ts";
import { Tape, type TapeEvent } from "./tape.ts";

const HEAD = { status: 200, statusText: "OK", headers: ["content-type", "text/plain"] };
const never = new AbortController().signal;

function tapeOn(clock: ManualClock, bytesMax = 1_048_576) {
  let kept = 0;
  const outgrown: Tape[] = [];
  const keeper = {
    grew: (_: Tape, bytes: number) => void (kept += bytes),
    changed: () => undefined,
    outgrew: (tape: Tape) => void outgrown.push(tape),
  };
  const tape = new Tape({ requestId: "r1", bytesMax, clock, keeper });
  return { tape, outgrown, kept: () => kept + 1_536 };
}

interface Played {
  readonly atMs: number;
  readonly what: string;
}

const told = (event: TapeEvent): string =>
  event.type === "chunk" ? Buffer.from(event.bytes).toString() : event.type === "head" ? "head" : event.how;

/** Plays in the background and writes down what came when. */
function listenTo(tape: Tape, clock: ManualClock, left: AbortSignal = never) {
  const heard: Played[] = [];
  const startedAt = clock.monotonic();
  const done = (async () => {
    for await (const event of play(tape, clock, left)) {
      heard.push({ atMs: clock.monotonic() - startedAt, what: told(event) });
    }
  })();
  return { heard, done };
}

async function advance(clock: ManualClock, ms: number): Promise<void> {
  for (let at = 0; at < ms; at++) {
    await settled();
    clock.advance(1);
  }
  await settled();
}

test("keeps borders and gaps, whenever it is played and whether or not it still runs", async () => {
  const pieces = fc.array(fc.record({ gapMs: fc.nat(20), text: fc.string({ minLength: 1, maxLength: 40 }) }), {
    maxLength: 8,
  });
  const property = fc.asyncProperty(pieces, fc.nat(60), async (list, lateMs) => {
    const clock = createManualClock();
    const { tape } = tapeOn(clock);
    let listened: ReturnType<typeof listenTo> | null = null;
    const expected: Played[] = [];
    const step = async (gapMs: number): Promise<void> => {
      for (let ms = 0; ms < gapMs; ms++) {
        if (clock.monotonic() === lateMs) listened = listenTo(tape, clock);
        await advance(clock, 1);
      }
    };
    const note = (what: string): void => void expected.push({ atMs: clock.monotonic(), what });
    await step(3);
    tape.begin(HEAD);
    note("head");
    for (const { gapMs, text } of list) {
      await step(gapMs);
      const bytes = Buffer.from(text);
      tape.append(bytes);
      bytes.fill(0x21); // what is recorded does not change with what it was made of
      note(Buffer.from(text).toString());
    }
    await step(2);
    tape.end("complete");
    note("complete");
    listened ??= listenTo(tape, clock);
    const end = clock.monotonic() + 400;
    while (clock.monotonic() < end) await advance(clock, 20);
    await listened.done;
    assert.deepEqual(listened.heard, expected);
  });
  await fc.assert(property, { numRuns: 40 });
});

test("a playing that is left ends without an end", async () => {
  const clock = createManualClock();
  const { tape } = tapeOn(clock);
  tape.begin(HEAD);
  const leaving = new AbortController();
  const { heard, done } = listenTo(tape, clock, leaving.signal);
  await settled();
  leaving.abort();
  await done;
  assert.deepEqual(heard, [{ atMs: 0, what: "head" }]);
  assert.equal(clock.pending, 0);
});

test("what grows above its limit is let go, and whoever plays it is told", async () => {
  const clock = createManualClock();
  const { tape, outgrown, kept } = tapeOn(clock, 20_000);
  tape.begin(HEAD);
  const { done } = listenTo(tape, clock);
  const failed = assert.rejects(done, TapeGone);
  for (let at = 0; at < 20; at++) tape.append(Buffer.alloc(1_500));
  await failed;
  assert.deepEqual(outgrown, [tape]);
  assert.equal(tape.isGone, true);
  assert.ok(tape.bytes <= 2_000, String(tape.bytes));
  tape.append(Buffer.alloc(1_500));
  assert.equal(kept(), tape.bytes);
});

test("what it costs is what it told its keeper", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(5_000)), (sizes) => {
      const { tape, kept } = tapeOn(createManualClock(), 1e9);
      tape.begin(HEAD);
      for (const size of sizes) tape.append(Buffer.alloc(size));
      tape.end("broken");
      assert.equal(kept(), tape.bytes);
      assert.ok(tape.bytes >= sizes.reduce((sum, size) => sum + size, 0));
      tape.forget();
      assert.equal(kept(), tape.bytes);
    }),
  );
});
