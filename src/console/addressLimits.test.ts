import assert from "node:assert/strict";
import { test } from "node:test";
import { createManualClock } from "../kernel/index.ts";
import { createAddressLimits, FAILURES_MAX, REQUEST_BURST, REQUESTS_PER_SECOND } from "./addressLimits.ts";
import { AdminError } from "./errors.ts";

const isCode = (code: string) => (error: unknown) => error instanceof AdminError && error.code === code;
const times = (count: number, run: () => void): void => {
  for (let at = 0; at < count; at += 1) run();
};

test("a burst is taken, then one address gets its rate and no more", () => {
  const clock = createManualClock();
  const limits = createAddressLimits(clock);
  times(REQUEST_BURST, () => limits.takeRequest("192.0.2.1"));
  assert.throws(() => limits.takeRequest("192.0.2.1"), isCode("ADMIN_RATE_LIMITED"));
  limits.takeRequest("192.0.2.2");
  clock.advance(1_000);
  times(REQUESTS_PER_SECOND, () => limits.takeRequest("192.0.2.1"));
  assert.throws(() => limits.takeRequest("192.0.2.1"), isCode("ADMIN_RATE_LIMITED"));
});

test("10 wrong tokens within a minute lock the address for a minute, and only it", () => {
  const clock = createManualClock();
  const limits = createAddressLimits(clock);
  times(FAILURES_MAX - 1, () => limits.countFailure("192.0.2.1"));
  limits.checkLock("192.0.2.1");
  limits.countFailure("192.0.2.1");
  assert.throws(
    () => limits.checkLock("192.0.2.1"),
    (error) => isCode("ADMIN_LOCKED")(error) && (error as AdminError).headers["retry-after"] === "60",
  );
  limits.checkLock("192.0.2.2");
  clock.advance(59_999);
  assert.throws(() => limits.checkLock("192.0.2.1"), isCode("ADMIN_LOCKED"));
  clock.advance(1);
  limits.checkLock("192.0.2.1");
});

test("failures older than a minute are forgotten", () => {
  const clock = createManualClock();
  const limits = createAddressLimits(clock);
  times(FAILURES_MAX - 1, () => limits.countFailure("192.0.2.1"));
  clock.advance(60_000);
  limits.countFailure("192.0.2.1");
  limits.checkLock("192.0.2.1");
});
