import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { FamilyRow } from "../shadow/ports.ts";
import { buildReport } from "./buildReport.ts";
import type { ReportInput } from "./input.ts";
import { toJson } from "./json.ts";
import type { BlindSpot, ShadowReport } from "./model.ts";
import { anyEvidence, shuffled } from "./testing/arbitraries.ts";
import { EVIDENCE, TO_MS } from "./testing/evidence.ts";

const withFacts = (facts: Partial<ReportInput["facts"]>): ShadowReport =>
  buildReport({ ...EVIDENCE, facts: { ...EVIDENCE.facts, ...facts } });
const told = ({ cannotSay }: ShadowReport): readonly BlindSpot[] => cannotSay.map(({ what }) => what);

test("the same evidence is the same bytes, whatever the order of its rows and keys", () => {
  fc.assert(
    fc.property(
      anyEvidence,
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 7 }),
      (input, chances) => {
        let at = 0;
        const other = shuffled(input, () => chances[at++ % chances.length] ?? 0);
        const [one, two] = [toJson(buildReport(input)), toJson(buildReport(other))];
        assert.equal(two, one);
        assert.deepEqual(JSON.parse(one), JSON.parse(two));
      },
    ),
    { numRuns: 200 },
  );
});

test("JSON says what the report says, and keys come in order at every level", () => {
  fc.assert(
    fc.property(anyEvidence, (input) => {
      const report = buildReport(input);
      const text = toJson(report);
      // What JSON has no word for: -0, and numbers of no size.
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(report)));
    }),
    { numRuns: 100 },
  );
  assert.match(toJson(buildReport(EVIDENCE)), /^\{\n {2}"cannotSay": [^]*\n {2}"schemaVersion": 2\n\}\n$/);
});

test("what was sampled is compared, or missing for a reason", () => {
  fc.assert(
    fc.property(anyEvidence, (input) => {
      const { head, routes } = buildReport(input);
      for (const one of [head, ...routes]) {
        const missing = one.notCompared.reduce((sum, { count }) => sum + count, 0);
        assert.equal(one.compared + missing, one.sampled);
        assert.ok(one.coverage === null || (one.coverage >= 0 && one.coverage <= 1));
      }
    }),
    { numRuns: 200 },
  );
});

test("mismatch is the noise floor and what is above it", () => {
  const route = buildReport(EVIDENCE).routes.find(({ kind }) => kind === "socket");
  assert.ok(route?.aboveNoise);
  const { different, compared, aboveNoise, noiseFloor, mismatchRatio, shadowFailures } = route;
  assert.deepEqual([different, compared, aboveNoise.ratio], [59, 1_912, 59 / 1_912]);
  assert.ok(Math.abs((mismatchRatio ?? 0) - (noiseFloor ?? 0) - aboveNoise.ratio) < 1e-6);
  assert.deepEqual(shadowFailures, { count: 18, ratio: 18 / 1_930 });
});

test("latencies of both arms are told as the histograms know them", () => {
  const { latency } = buildReport(EVIDENCE).routes.find(({ route }) => route === "GET /api/v1/folders") ?? {};
  assert.deepEqual(latency?.candidate, { count: 1_000, p50Ms: 5.12, p90Ms: 5.12, p99Ms: 24.4 });
  assert.deepEqual(buildReport({ ...EVIDENCE, totals: [] }).routes[0]?.latency, { control: null, candidate: null });
});

test("families that count come first, then the worst, then the most frequent", () => {
  const families = buildReport(EVIDENCE).families.map(({ severity, state, isCounting }) => [
    severity,
    state,
    isCounting,
  ]);
  assert.deepEqual(families, [
    ["breaking", "open", true],
    ["order", "open", true],
    ["value", "open", false],
    ["extra", "accepted", false],
    ["breaking", "fixed", false],
    ["breaking", "open", false],
  ]);
});

test("what the build before has shown counts against nobody until it is seen; enough comparisons without it make it fixed", () => {
  const report = buildReport(EVIDENCE);
  const [fixed, waiting] = report.families.slice(-2);
  assert.deepEqual([fixed?.state, fixed?.fixed, fixed?.unseen], ["fixed", { atMs: TO_MS, build: "7be2" }, null]);
  assert.deepEqual([waiting?.state, waiting?.unseen], ["open", { compared: 41, needed: 1_000 }]);
  const route = report.routes.find((one) => one.route === waiting?.route);
  assert.equal(route?.state, "not enough data", "a breaking difference that was seen would be worse");
  assert.ok(report.head.readiness.because.every((one) => one.route !== waiting?.route || one.rule !== "breaking"));
  const same = EVIDENCE.families.map((one) => ({ ...one, lastBuild: "7be2" }));
  const [, other] = buildReport({ ...EVIDENCE, families: same }).families.slice(-2);
  assert.deepEqual(other?.unseen, { compared: 41, needed: null }, "other rules make no newer build");
  const late = buildReport({ ...EVIDENCE, window: { fromMs: TO_MS - 1, toMs: TO_MS } }).families.at(-1);
  assert.deepEqual(late?.unseen, { compared: null, needed: 1_000 }, "a window of a moment has not counted it");
});

test("a family is set beside the comparisons of the time in which it was counted", () => {
  const later = { ...EVIDENCE, window: { fromMs: TO_MS - 1, toMs: TO_MS } };
  assert.equal(buildReport(EVIDENCE).families[0]?.compared, 1_912);
  assert.equal(buildReport(later).families[0]?.compared, null, "a window of a moment says nothing of a day");
  assert.equal(buildReport({ ...later, totalsSinceStart: EVIDENCE.totals }).families[0]?.compared, 1_912);
});

test("groups are a share only of known ones", () => {
  assert.equal(withFacts({ groupsCompared: 62 }).families[0]?.groupShare, 0.5);
  assert.equal(withFacts({ groupsCompared: 10 }).families[0]?.groupShare, 1);
  assert.equal(withFacts({ groupsCompared: null }).families[0]?.groupShare, null);
});

test("samples and families have a limit, and what it drops is counted and said", () => {
  const [first] = EVIDENCE.families as readonly [FamilyRow];
  const families = Array.from({ length: 230 }, (_, at) => ({ ...first, name: `f${at}`, differing: at }));
  const sample = (family: string, place: number, size: number) => ({
    family,
    place,
    group: "g",
    atMs: 0,
    body: { control: Array.from({ length: size }, () => 0), candidate: {} },
  });
  const samples = new Map([
    ["f229", Array.from({ length: 14 }, (_, place) => sample("f229", place, 10))],
    ["f228", [sample("f228", 0, 200_000)]],
    ["f0", [sample("f0", 0, 1)]],
  ]);
  const report = buildReport({ ...EVIDENCE, families, samples });
  assert.deepEqual(report.leftOut, { families: 30, samples: 2 + 1 + 1 });
  assert.equal(report.families.length, 200);
  assert.equal(report.families[0]?.samples.length, 12);
  assert.match(report.cannotSay.at(-1)?.text ?? "", /^30 families and 4 samples are in the evidence/);
});

test("families that are left out decide as if they were shown", () => {
  const [first] = EVIDENCE.families as readonly [FamilyRow];
  const families = Array.from({ length: 300 }, (_, at) => ({
    ...first,
    name: `f${at}`,
    severity: "breaking" as const,
  }));
  const { because } = buildReport({ ...EVIDENCE, families }).head.readiness;
  assert.equal(because[0]?.value, 300);
});

test("what a campaign cannot say is said", () => {
  assert.deepEqual(told(buildReport(EVIDENCE)), ["gap", "guard-network", "never", "not-seeded", "not-repeated"]);
  assert.deepEqual(
    told(
      withFacts({
        areRepeatsOn: false,
        areModelsLive: true,
        guards: { control: null, candidate: "required" },
        gate: { comparisonsMin: 20 },
      }),
    ),
    ["gap", "no-target", "never", "not-seeded", "repeats-off", "not-repeated", "live-models", "lowered-gate"],
  );
  const blind = { groups: null, routes: [], guards: { control: "required", candidate: "required" } } as const;
  const rest = { ...EVIDENCE, gaps: [], facts: { ...EVIDENCE.facts, ...blind } };
  assert.deepEqual(told(buildReport(rest)), []);
});

test("counts that do not add up are told, never smoothed over", () => {
  const totals = EVIDENCE.totals.map((one, at) => (at === 0 ? { ...one, sampled: one.sampled - 5 } : one));
  const { cannotSay, head } = buildReport({ ...EVIDENCE, totals });
  assert.match(cannotSay[0]?.text ?? "", /do not add up: 5 more verdicts/);
  assert.ok((head.coverage ?? 2) <= 1);
  const open = EVIDENCE.totals.map((one, at) => (at === 0 ? { ...one, sampled: one.sampled + 5 } : one));
  const reasons = buildReport({ ...EVIDENCE, totals: open }).head.notCompared;
  assert.deepEqual(reasons.at(-1), { reason: "open", count: 5, share: 5 / 63_363 });
});

test("gaps outside of the window are left out", () => {
  const gap = (fromMs: number, toMs: number) => ({ process: "p", fromMs, toMs });
  const { fromMs } = EVIDENCE.window;
  const gaps = [gap(TO_MS, TO_MS + 5), gap(fromMs - 10, fromMs - 1), gap(fromMs - 10, fromMs + 10)];
  assert.deepEqual(buildReport({ ...EVIDENCE, gaps }).gaps, [gap(fromMs - 10, fromMs + 10)]);
});
