import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseNaive, parseTs, renderNaive, renderTs } from "./time.ts";

const moment = fc.integer({ min: 0, max: 253_402_300_799_999 });

test("what is rendered is read back to the millisecond", () => {
  fc.assert(
    fc.property(moment, (ms) => {
      assert.equal(parseTs(renderTs(ms)), ms);
      assert.equal(parseNaive(renderNaive(ms)), ms);
    }),
  );
});

test("the other arm's renderings are the same moments", () => {
  const ms = Date.UTC(2026, 0, 2, 3, 4, 5, 678);
  assert.equal(parseTs("2026-01-02T03:04:05.678000+00:00"), ms);
  assert.equal(parseNaive("2026-01-02T03:04:05.678000"), ms);
  assert.equal(parseNaive("2026-01-02T03:04:05"), ms - 678);
  assert.equal(parseTs("2026-01-02T04:34:05.678+01:30"), ms);
  assert.equal(parseTs("2026-01-01T22:04:05.678-05:00"), ms);
});

test("0 to 6 fractional digits are read and cut to milliseconds", () => {
  const base = Date.UTC(2026, 0, 2);
  const read = ["", ".9", ".99", ".999", ".9999", ".99999", ".999999"].map((f) => parseTs(`2026-01-02T00:00:00${f}Z`));
  assert.deepEqual(
    read,
    [0, 900, 990, 999, 999, 999, 999].map((ms) => base + ms),
  );
});

test("an offset tells ts from naive", () => {
  assert.equal(parseTs("2026-01-02T03:04:05"), null);
  assert.equal(parseNaive("2026-01-02T03:04:05Z"), null);
});

test("texts that are no time are refused", () => {
  for (const text of [
    "",
    "2026-01-02",
    "2026-02-30T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-02T24:00:00Z",
    "2026-01-02T03:04:60Z",
    "2026-01-02T03:04:05.Z",
    "2026-01-02T03:04:05.1234567Z",
    "2026-01-02 03:04:05Z",
    "2026-01-02T03:04:05z",
    "1767323045678",
  ]) {
    assert.equal(parseTs(text), null, text);
  }
});

test("years before 100 are not moved into the twentieth century", () => {
  assert.equal(renderTs(parseTs("0099-01-01T00:00:00Z") ?? 0), "0099-01-01T00:00:00.000Z");
});
