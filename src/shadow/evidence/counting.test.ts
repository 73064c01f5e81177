import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Verdict } from "../verdict.ts";
import { LogHistogram } from "./logHistogram.ts";
import { MinuteCounters } from "./minuteCounters.ts";
import { totalsOf } from "./totals.ts";

test("a quantile is within nine per cent, however the observations were spread over histograms", () => {
  const times = fc.array(fc.double({ min: 0.02, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 200 });
  fc.assert(
    fc.property(times, fc.double({ min: 0.01, max: 1, noNaN: true }), fc.nat({ max: 5 }), (all, share, parts) => {
      const histograms = Array.from({ length: parts + 1 }, () => new LogHistogram());
      for (const [at, ms] of all.entries()) histograms[at % histograms.length]?.observe(ms);
      const sum = new LogHistogram();
      for (const { counts } of histograms) sum.add(counts);
      const exact = all.toSorted((one, other) => one - other)[Math.max(1, Math.ceil(share * all.length)) - 1] ?? 0;
      const found = sum.quantile(share) ?? 0;
      assert.equal(sum.total, all.length);
      assert.ok(found >= exact * 0.999_999 && found <= exact * 1.19, `${found} for ${exact}`);
    }),
  );
  assert.equal(new LogHistogram().quantile(0.5), null);
});

const IDENTICAL: Verdict = { name: "identical" };
const FULL: Verdict = { name: "not_compared", reason: "queue_full" };
const latencyMs = { control: 10, candidate: 20 };

test("what is counted in minutes adds up to every verdict and reason", () => {
  const [one, other] = ["1", "2"].map((process) => new MinuteCounters(process, () => assert.fail("lost")));
  for (let at = 0; at < 100; at++) {
    const counters = at % 2 === 0 ? one : other;
    counters?.count({ route: `GET /${at % 3}`, verdict: at % 5 === 0 ? FULL : IDENTICAL, latencyMs }, at * 1_000);
  }
  const totals = totalsOf([...(one?.rows() ?? []), ...(other?.rows() ?? [])]);
  assert.equal(totals.length, 3);
  const sum = (pick: (one: (typeof totals)[number]) => number | undefined): number =>
    totals.reduce((all, each) => all + (pick(each) ?? 0), 0);
  assert.equal(
    sum(({ sampled }) => sampled),
    100,
  );
  assert.equal(
    sum(({ verdicts }) => verdicts.identical),
    80,
  );
  assert.equal(
    sum(({ notCompared }) => notCompared.queue_full),
    20,
  );
  assert.equal(
    sum(({ latency }) => new LogHistogram(latency.candidate).total),
    100,
  );
});

test("a minute is kept until it is saved and over for a while, and forgotten after two hours without a store", () => {
  let lost = 0;
  const counters = new MinuteCounters("1", (minutes) => (lost += minutes));
  const count = (minute: number): void =>
    counters.count({ route: "GET /", verdict: IDENTICAL, latencyMs }, minute * 60_000);
  const told = (): string =>
    counters
      .rows()
      .map(({ minute, sampled }) => `${minute}:${sampled}`)
      .join(" ");
  for (const minute of [0, 1]) count(minute);
  assert.equal(told(), "0:1 1:1");
  counters.saved(60_000);
  assert.equal(told(), "", "saved, and nothing came since");
  count(0);
  assert.equal(told(), "0:2", "a late verdict counts on");
  count(0);
  counters.saved(600_000);
  assert.equal(told(), "0:3", "what came between asking and saving is not lost");
  counters.saved(600_000);
  count(0);
  assert.equal(told(), "2:1", "what is forgotten is not begun anew: it would replace what is saved");
  for (let minute = 3; minute <= 130; minute++) count(minute);
  assert.equal(lost, 9);
});
