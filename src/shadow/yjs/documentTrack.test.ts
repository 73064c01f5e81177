import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as Y from "yjs";
import { DocumentTrack } from "./documentTrack.ts";
import { TRACK_LIMITS } from "./limits.ts";
import { isApplied } from "./updateBytes.ts";
import { mergeAll } from "./updateLog.ts";
import { asSent } from "./testing/room.ts";
import { seeded } from "../testing/seeded.ts";
import { below, makeTrace, TRACE_KINDS } from "./testing/traces.ts";

function trackOf(updates: readonly Uint8Array[], checkEvery = Number.POSITIVE_INFINITY): DocumentTrack {
  const track = new DocumentTrack();
  for (const [at, update] of updates.entries()) {
    track.received(update, at);
    if (at % checkEvery === checkEvery - 1) track.build()?.doc.destroy();
  }
  return track;
}

function typed(count: number): readonly Uint8Array[] {
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  const text = doc.getText("text");
  for (let at = 0; at < count; at++) text.insert(at, "x");
  return updates;
}

test("clocks, deletions and gaps are those of a document, without one", () => {
  for (const kind of TRACE_KINDS) {
    const updates = asSent(makeTrace(kind, 3, 80).steps);
    for (const lost of [null, 0, 20, 79]) {
      const kept = updates.filter((_, at) => at !== lost);
      const track = trackOf(kept);
      const doc = new Y.Doc();
      for (const update of kept) Y.applyUpdate(doc, update);
      const { pendingStructs, pendingDs } = doc.store;
      assert.equal(track.hasGap, pendingStructs !== null || pendingDs !== null, `${kind} without ${lost}`);
      assert.equal(track.hasGap, track.gaps() !== "");
      const built = track.build();
      assert.ok(built);
      assert.equal(built.isPending, track.hasGap, `${kind} without ${lost}`);
      assert.ok(Y.equalSnapshots(Y.snapshot(built.doc), Y.snapshot(doc)), `${kind} without ${lost}`);
      if (!track.hasGap) {
        assert.deepEqual(track.stateVector(), Y.decodeStateVector(Y.encodeStateVector(doc)));
        assert.equal(track.pendingStructs, 0);
      }
    }
  }
});

test("what it holds is the same however often it was checked", () => {
  for (const kind of TRACE_KINDS) {
    const updates = asSent(makeTrace(kind, 5, 90).steps).toSpliced(30, 1);
    const often = trackOf(updates, 7).build();
    const once = trackOf(updates).build();
    assert.ok(often && once);
    assert.ok(Y.equalSnapshots(Y.snapshot(often.doc), Y.snapshot(once.doc)), kind);
    assert.equal(often.isPending, once.isPending);
  }
});

test("a lost update that comes after checks closes its gap", () => {
  const updates = typed(60);
  const track = trackOf(updates.toSpliced(10, 1), 10);
  assert.equal(track.gaps().split(":")[1], "10-11");
  assert.equal(track.build()?.doc.getText("text").length, 10);
  track.received(updates[10]!, 99);
  assert.equal(track.gaps(), "");
  const built = track.build();
  assert.equal(built?.doc.getText("text").length, 60);
  assert.equal(built?.isPending, false);
});

test("what came first stays, as in a replica, when the same clocks come again with other content", () => {
  const [doc, other] = [new Y.Doc(), new Y.Doc()];
  doc.clientID = other.clientID = 5;
  doc.getText("text").insert(0, "first");
  other.getText("text").insert(0, "other and longer");
  const track = trackOf([Y.encodeStateAsUpdate(doc), Y.encodeStateAsUpdate(other)]);
  assert.equal(track.build()?.doc.getText("text").toJSON(), "first and longer");
  assert.equal(track.received(Y.encodeStateAsUpdate(other), 9), "known");
});

test("shadow Y2: a lost frame costs what a trace without loss costs", () => {
  const all = typed(8_000);
  const lost = all.toSpliced(10, 1);
  const timed = (updates: readonly Uint8Array[]): number => {
    const start = performance.now();
    // As a pair does it: a check every 500 frames.
    trackOf(updates, 500).build()?.doc.destroy();
    return performance.now() - start;
  };
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 12 && best > 1.5; round++) {
    const whole = timed(all);
    best = Math.min(best, timed(lost) / whole);
  }
  assert.ok(best <= 1.5, `${best.toFixed(2)} ×`);
  assert.equal(trackOf(lost).pendingStructs, 7_989);
});

test("updates merge in any number, in time that grows with it", () => {
  const updates = typed(5_000);
  const { update, dropped } = mergeAll(updates);
  assert.equal(dropped, 0);
  const doc = new Y.Doc();
  Y.applyUpdate(doc, update!);
  assert.equal(doc.getText("text").length, 5_000);
  assert.deepEqual(mergeAll([]), { update: null, dropped: 0 });
});

test("shadow Y4: bytes that are no update are noted, never thrown", () => {
  const real = asSent(makeTrace("nesting", 4, 40).steps);
  const random = seeded(8);
  const spoilt = fc.tuple(fc.nat({ max: 39 }), fc.nat(), fc.integer({ min: 1, max: 255 })).map(([at, place, mask]) => {
    const update = real[at]!.slice();
    update[place % update.length]! ^= mask;
    return update;
  });
  const frames = fc.array(fc.oneof(fc.uint8Array({ maxLength: 40 }), spoilt), { maxLength: 12 });
  fc.assert(
    fc.property(frames, (updates) => {
      const track = new DocumentTrack();
      for (const update of updates) {
        track.received(update, 0);
        track.sent(real[below(random, 40)]!, 1);
        if (random() < 0.2) track.build()?.doc.destroy();
      }
      track.build()?.doc.destroy();
      mergeAll(updates);
    }),
    { numRuns: 300 },
  );
  const track = trackOf([new Uint8Array(), new Uint8Array([255, 1]), new Uint8Array([0, 0])]);
  assert.equal(track.malformed, 2);
  track.sent(new Uint8Array([9]), 3);
  assert.equal(track.malformed, 2);
  assert.equal(track.losses.sentMalformed, 1);
});

test("an update that builds on itself or on nothing that ends is malformed", () => {
  // One item of client 1 whose left neighbour is itself; one tombstone of 2^53 clocks.
  const onItself = new Uint8Array([1, 1, 1, 0, 132, 1, 0, 1, 120, 0]);
  const endless = new Uint8Array([1, 1, 1, 5, 0, 255, 255, 255, 255, 255, 255, 255, 15, 0]);
  assert.equal(new DocumentTrack().received(onItself, 0), "malformed");
  assert.equal(new DocumentTrack().received(endless, 0), "malformed");
});

test("what cannot be merged or applied is left out alone, and counted", () => {
  const updates = typed(70);
  const garbage = new Uint8Array([3, 200]);
  for (const at of [0, 5, 40, 70]) {
    const { update, dropped } = mergeAll(updates.toSpliced(at, 0, garbage));
    assert.equal(dropped, 1);
    const doc = new Y.Doc();
    assert.ok(isApplied(doc, update!));
    assert.equal(doc.getText("text").length, 70);
    assert.ok(!isApplied(doc, garbage));
  }
  const track = trackOf(updates);
  assert.equal(track.takeUnusable(), 0);
  track.base = garbage;
  assert.equal(track.build()?.doc.getText("text").length, 70);
  assert.equal(track.takeUnusable(), 1);
  assert.equal(track.losses.unusable, 1);
});

test("bounds hold, and what they drop is counted", () => {
  const updates = typed(400);
  const pending = new DocumentTrack({ ...TRACK_LIMITS, pendingStructs: 100 });
  for (const update of updates.slice(1)) pending.received(update, 0);
  assert.equal(pending.overBound, "pendingStructs");
  assert.equal(pending.losses.dropped, 399 - 100);
  assert.equal(pending.bytes, 0);
  assert.equal(pending.build(), null);

  const large = new DocumentTrack({ ...TRACK_LIMITS, documentBytes: 1_000, newBytes: 500 });
  for (const update of updates) if (large.overBound === null) large.received(update, 0);
  assert.equal(large.overBound, "documentBytes");
  const merged = new DocumentTrack({ ...TRACK_LIMITS, documentBytes: 1_000, newBytes: 500 });
  for (const [at, update] of updates.entries()) {
    merged.received(update, 0);
    if (at % 20 === 0) merged.build()?.doc.destroy();
  }
  assert.equal(merged.overBound, null);
  assert.equal(merged.build()?.doc.getText("text").length, 400);

  const torn = new DocumentTrack({ ...TRACK_LIMITS, ranges: 50 });
  for (const update of updates.filter((_, at) => at % 2 === 1)) torn.received(update, 0);
  assert.equal(torn.overBound, "ranges");
  assert.equal(new DocumentTrack({ ...TRACK_LIMITS, documentBytes: 5 }).received(updates[0]!, 0), "dropped");
});
