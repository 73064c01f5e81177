import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compileFlagState } from "./flagState.ts";
import { KILL_LAYERS, type FlagStateData, type KillRecord, type Lease, type Pin } from "./ports.ts";
import { rankOf } from "./rank.ts";

const NOW = 1_700_000_000_000;
const UNIT = { id: "tutoring", flag: "switchyard.tutoring" };

interface Situation {
  readonly percent?: string | null;
  readonly isEnabled?: boolean;
  readonly kills?: readonly KillRecord["layer"][];
  readonly pins?: readonly Partial<Pin>[];
  readonly lease?: Partial<Lease>;
  readonly hasData?: boolean;
  readonly ageMs?: number;
}

function stateOf(situation: Situation) {
  const { percent = "100", isEnabled = true, kills = [], pins = [], lease, hasData = true, ageMs = 0 } = situation;
  const strategies = [
    { name: "flexibleRollout", parameters: { rollout: percent ?? "", stickiness: "userId", groupId: "switchyard" } },
  ];
  const features = percent === null ? [] : [{ name: UNIT.flag, enabled: isEnabled, strategies }];
  const whole: Lease = { term: 4, seq: 17, ceilingPercent: 100, expiresAtMs: NOW + 1_000, isRetired: false, ...lease };
  const data: FlagStateData = {
    epoch: 12,
    reading: { source: "file", data: hasData ? { version: 2, features } : null, confirmedAtMs: NOW - ageMs },
    overrides: {
      kills: KILL_LAYERS.filter((layer) => kills.includes(layer)).map((layer) => ({
        layer,
        reason: "r",
        actor: "a",
        sinceMs: NOW,
      })),
      pins: pins.map((pin, at) => ({
        id: `p${at}`,
        subject: "u",
        unit: null,
        arm: "candidate",
        reason: "r",
        actor: "a",
        createdAtMs: NOW - 10,
        untilMs: NOW + 10,
        ...pin,
      })),
    },
    leases: lease ? { [UNIT.id]: whole } : {},
  };
  return compileFlagState(data, [UNIT]);
}

const rows: readonly (readonly [name: string, situation: Situation, subject: string | null, expected: string])[] = [
  ["1 each kill layer beats everything", { kills: ["L0"], pins: [{}] }, "u", "control kill-switch kill:L0"],
  ["1 L1", { kills: ["L1"] }, "u", "control kill-switch kill:L1"],
  ["1 L3", { kills: ["L3"] }, "u", "control kill-switch kill:L3"],
  ["1 L4", { kills: ["L4"] }, "u", "control kill-switch kill:L4"],
  ["1 L6", { kills: ["L6"] }, "u", "control kill-switch kill:L6"],
  ["1 of several layers the lowest is named", { kills: ["L4", "L1"] }, "u", "control kill-switch kill:L1"],
  ["1 a kill is named even without a subject", { kills: ["L0"] }, null, "control kill-switch kill:L0"],
  ["2 no subject", {}, null, "control no-subject default"],
  ["2 an empty subject is none", {}, "", "control no-subject default"],
  ["3 a pin to the candidate beats the share", { percent: "0", pins: [{}] }, "u", "candidate pinned pin:p0"],
  ["3 a pin to control beats the share", { pins: [{ arm: "control" }] }, "u", "control pinned pin:p0"],
  ["3 a pin works without any flag data", { hasData: false, pins: [{}] }, "u", "candidate pinned pin:p0"],
  [
    "3 a pin for the unit beats one for all",
    { pins: [{ arm: "control" }, { unit: "tutoring" }] },
    "u",
    "candidate pinned pin:p1",
  ],
  [
    "3 a pin for another unit says nothing",
    { percent: "0", pins: [{ unit: "other" }] },
    "u",
    "control flag-off unit:tutoring@0",
  ],
  [
    "3 another subject's pin says nothing",
    { percent: "0", pins: [{ subject: "v" }] },
    "u",
    "control flag-off unit:tutoring@0",
  ],
  ["3 a pin ends at its time", { percent: "0", pins: [{ untilMs: NOW }] }, "u", "control flag-off unit:tutoring@0"],
  ["4 an expired lease", { lease: { expiresAtMs: NOW } }, "u", "control lease-expired lease:4.17"],
  [
    "4 an expired lease without data",
    { hasData: false, lease: { expiresAtMs: NOW } },
    "u",
    "control lease-expired lease:4.17",
  ],
  [
    "4 retired needs no lease",
    { lease: { expiresAtMs: 0, isRetired: true } },
    "u",
    "candidate flag-on unit:tutoring@100",
  ],
  [
    "4 suspends older candidate pins",
    { pins: [{}], lease: { expiresAtMs: NOW - 5 } },
    "u",
    "control lease-expired lease:4.17",
  ],
  [
    "4 a pin made afterwards works",
    { pins: [{ createdAtMs: NOW - 1 }], lease: { expiresAtMs: NOW - 5 } },
    "u",
    "candidate pinned pin:p0",
  ],
  [
    "4 keeps control pins",
    { pins: [{ arm: "control" }], lease: { expiresAtMs: NOW - 5 } },
    "u",
    "control pinned pin:p0",
  ],
  ["5 never any data", { hasData: false }, "u", "control flags-stale default"],
  ["6 inside the share", { percent: "50" }, "u_3", "candidate flag-on unit:tutoring@50"],
  ["6 a tenth of a percent", { percent: "12.5" }, "u_3", "candidate flag-on unit:tutoring@12.5"],
  ["6 old data keeps deciding", { ageMs: 600_000 }, "u", "candidate flag-on unit:tutoring@100"],
  ["6 inside share and ceiling", { lease: { ceilingPercent: 50 } }, "u_3", "candidate flag-on unit:tutoring@100"],
  ["7 at 0 %", { percent: "0" }, "u", "control flag-off unit:tutoring@0"],
  ["7 outside the share", { percent: "1" }, "u_3", "control flag-off unit:tutoring@1"],
  ["7 above the ceiling", { lease: { ceilingPercent: 1 } }, "u_3", "control flag-off ceiling:4"],
  [
    "7 off by the flag although the ceiling is low too",
    { percent: "1", lease: { ceilingPercent: 1 } },
    "u_3",
    "control flag-off unit:tutoring@1",
  ],
  ["7 a disabled flag", { isEnabled: false }, "u", "control flag-off unit:tutoring@0"],
  ["7 a missing flag", { percent: null }, "u", "control flag-off unit:tutoring@0"],
  ["7 an invalid flag that got this far", { percent: "150" }, "u", "control flag-off unit:tutoring@0"],
];

test("the subject of the share rows has the bucket the rows rely on", () => {
  const bucket = rankOf("u_3") / 10;
  assert.ok(bucket >= 1 && bucket < 12.5, `bucket ${bucket}`);
});

for (const [name, situation, subject, expected] of rows) {
  test(`row ${name}`, () => {
    const { arm, reason, ruleId, epoch } = stateOf(situation).decide(UNIT, subject, NOW);
    assert.equal(`${arm} ${reason} ${ruleId}`, expected);
    assert.equal(epoch, 12);
  });
}

test("a decision is frozen and says when its data is older than 30 s", () => {
  assert.equal(stateOf({ ageMs: 30_000 }).decide(UNIT, "u", NOW).isStale, false);
  assert.equal(stateOf({ ageMs: 30_001 }).decide(UNIT, "u", NOW).isStale, true);
  assert.equal(stateOf({ hasData: false }).decide(UNIT, "u", NOW).isStale, true);
  assert.ok(Object.isFrozen(stateOf({}).decide(UNIT, "u", NOW)));
});

test("an on flag without strategies serves nobody, though the engine would serve everyone", () => {
  const data: FlagStateData = {
    epoch: 1,
    reading: {
      source: "file",
      data: { version: 2, features: [{ name: UNIT.flag, enabled: true }] },
      confirmedAtMs: NOW,
    },
    overrides: { kills: [], pins: [] },
    leases: {},
  };
  assert.equal(compileFlagState(data, [UNIT]).decide(UNIT, "u", NOW).arm, "control");
});

test("the same data decides the same after a trip to another process", () => {
  const state = stateOf({ percent: "25", pins: [{ subject: "__proto__" }], lease: { ceilingPercent: 10 } });
  const other = compileFlagState(JSON.parse(JSON.stringify(state.data)) as FlagStateData, [UNIT]);
  for (const subject of ["u", "u_3", "__proto__", "constructor", null]) {
    assert.deepEqual(other.decide(UNIT, subject, NOW), state.decide(UNIT, subject, NOW));
  }
});

test("a date constraint is asked anew at each call, not remembered", () => {
  const constraints = [{ contextName: "currentTime", operator: "DATE_AFTER", value: new Date(NOW).toISOString() }];
  const strategies = [{ name: "default", parameters: {}, constraints }];
  const data: FlagStateData = {
    epoch: 1,
    reading: {
      source: "file",
      data: { version: 2, features: [{ name: UNIT.flag, enabled: true, strategies }] },
      confirmedAtMs: NOW,
    },
    overrides: { kills: [], pins: [] },
    leases: {},
  };
  const state = compileFlagState(data, [UNIT]);
  assert.deepEqual(
    [NOW - 1, NOW + 1, NOW - 1].map((now) => state.decide(UNIT, "u", now).arm),
    ["control", "candidate", "control"],
  );
});

const anySituation = fc.record({
  percent: fc.constantFrom("0", "0.1", "12.5", "25", "50", "99.9", "100", "150", "abc", null),
  isEnabled: fc.boolean(),
  kills: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, fc.subarray([...KILL_LAYERS])),
  pins: fc.array(
    fc.record({
      subject: fc.constantFrom("u", "u_3", "__proto__"),
      unit: fc.constantFrom(null, "tutoring", "other"),
      arm: fc.constantFrom("control" as const, "candidate" as const),
      createdAtMs: fc.integer({ min: NOW - 20, max: NOW }),
      untilMs: fc.integer({ min: NOW - 5, max: NOW + 5 }),
    }),
    { maxLength: 3 },
  ),
  lease: fc.option(
    fc.record({
      ceilingPercent: fc.constantFrom(0, 0.1, 5, 50, 100),
      expiresAtMs: fc.integer({ min: NOW - 10, max: NOW + 10 }),
      isRetired: fc.boolean(),
    }),
    { nil: undefined },
  ),
  hasData: fc.boolean(),
  ageMs: fc.constantFrom(0, 31_000, 10 ** 9),
});
const anySubject = fc.oneof(fc.constantFrom("u", "u_3", "__proto__", "", null), fc.string());

test("explain gives decide's answer for every input, and its trace ends with the rule that decided", () => {
  fc.assert(
    fc.property(anySituation, anySubject, ({ lease, ...rest }, subject) => {
      const state = stateOf(lease ? { ...rest, lease } : rest);
      const { decision, trace, details } = state.explain(UNIT, subject, NOW);
      assert.deepEqual(decision, state.decide(UNIT, subject, NOW));
      assert.equal(details.variant, decision.arm);
      assert.deepEqual(
        trace.map(({ isDeciding }) => isDeciding),
        trace.map((_, at) => at === trace.length - 1),
      );
    }),
    { numRuns: 2_000 },
  );
});

test("nobody is served by the candidate unless a pin or the share below the ceiling says so", () => {
  fc.assert(
    fc.property(anySituation, anySubject, ({ lease, ...rest }, subject) => {
      const { arm, reason } = stateOf(lease ? { ...rest, lease } : rest).decide(UNIT, subject, NOW);
      if (arm === "control") return;
      assert.equal(rest.kills.length, 0);
      assert.ok(subject);
      if (reason === "pinned") return;
      assert.equal(reason, "flag-on");
      assert.ok(rest.hasData && rest.isEnabled && rest.percent !== null);
      assert.ok(rankOf(subject) < Math.round(Number(rest.percent) * 10));
      if (lease) assert.ok(rankOf(subject) < lease.ceilingPercent * 10 && (lease.isRetired || lease.expiresAtMs > NOW));
    }),
    { numRuns: 2_000 },
  );
});

test("explain shows bucket, share, ceiling, term, age and source, and OpenFeature's words", () => {
  const details = (situation: Situation, subject: string | null = "u_3") => {
    const { reason, errorCode, value } = stateOf(situation).explain(UNIT, subject, NOW).details;
    return [reason, errorCode, value];
  };
  assert.deepEqual(details({ kills: ["L0"] }), ["DISABLED", undefined, false]);
  assert.deepEqual(details({ lease: { expiresAtMs: 0 } }), ["DISABLED", undefined, false]);
  assert.deepEqual(details({ pins: [{ subject: "u_3" }] }), ["TARGETING_MATCH", undefined, true]);
  assert.deepEqual(details({ percent: "50" }), ["SPLIT", undefined, true]);
  assert.deepEqual(details({ percent: "100" }), ["STATIC", undefined, true]);
  assert.deepEqual(details({ percent: "0" }), ["STATIC", undefined, false]);
  assert.deepEqual(details({ percent: "0", ageMs: 31_000 }), ["STALE", undefined, false]);
  assert.deepEqual(details({ hasData: false }), ["ERROR", "PROVIDER_NOT_READY", false]);
  assert.deepEqual(details({}, null), ["DEFAULT", "TARGETING_KEY_MISSING", false]);

  const shown = stateOf({ percent: "50", ageMs: 4_000, lease: { ceilingPercent: 25 } }).explain(UNIT, "u_3", NOW);
  const numbers = { bucket: rankOf("u_3") / 10, exposurePercent: 50, ceilingPercent: 25, term: 4, dataAgeMs: 4_000 };
  const { bucket, exposurePercent, ceilingPercent, term, dataAgeMs } = shown;
  assert.deepEqual({ bucket, exposurePercent, ceilingPercent, term, dataAgeMs }, numbers);
  assert.deepEqual(shown.details.flagMetadata, { ...shown.decision, ...numbers, source: "file" });
  assert.deepEqual(
    shown.trace.map(({ rule }) => rule),
    ["kill switch", "subject", "pin", "lease", "flag data", "share"],
  );
});

test("what is remembered is bounded and what makes room is counted", () => {
  const state = stateOf({ percent: "50" });
  for (let at = 0; at < 20_000; at++) state.decide(UNIT, `s${at}`, NOW);
  assert.equal(state.evicted, 0);
  state.decide(UNIT, "one more", NOW);
  assert.equal(state.evicted, 10_000);
});

test("cost of a decision (printed, not asserted)", (t) => {
  const state = stateOf({ percent: "50" });
  const measure = (subjects: readonly string[]): string => {
    const startedAt = process.hrtime.bigint();
    for (let at = 0; at < 200_000; at++) state.decide(UNIT, subjects[at % subjects.length] as string, NOW);
    return `${(Number(process.hrtime.bigint() - startedAt) / 200_000 / 1_000).toFixed(2)} µs`;
  };
  const repeated = Array.from({ length: 1_000 }, (_, at) => `r${at}`);
  measure(repeated);
  t.diagnostic(`repeated subject ${measure(repeated)}`);
  t.diagnostic(`new subject each time ${measure(Array.from({ length: 200_000 }, (_, at) => `n${at}`))}`);
});
