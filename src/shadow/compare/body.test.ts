import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readJson } from "../json/reader.ts";
import type { JsonValue } from "../json/values.ts";
import type { ComparisonRule } from "../rules/rule.ts";
import { type BodyComparison, compareBodies, type CompareContext } from "./body.ts";
import { BodyRules } from "./bodyRules.ts";
import { NORMALISERS } from "./normalisers.ts";

const CONTEXT: CompareContext = { delayMs: 0, nowMs: 0, shadow: "candidate", conditions: {}, ids: null };

function read(text: string): JsonValue {
  const reading = readJson(text);
  assert.ok("value" in reading, text);
  return reading.value;
}

let number = 0;
const rule = (effect: Partial<ComparisonRule>): ComparisonRule => ({
  id: `rule-${++number}`,
  owner: "tests",
  reason: "to see what it does",
  until: "contract",
  on: ["*"],
  ...effect,
});

function compare(
  control: string,
  candidate: string,
  rules: readonly ComparisonRule[] = [],
  context: Partial<CompareContext> = {},
): BodyComparison {
  const ready = new BodyRules(rules, NORMALISERS);
  return compareBodies(read(control), read(candidate), ready, { ...CONTEXT, ...context });
}

const told = ({ differences }: BodyComparison): string[] =>
  differences.map(
    ({ kind, severity, path, control, candidate }) => `${severity} ${kind} ${path} ${control}→${candidate}`,
  );

test("tells where, how and how badly", () => {
  const cases: readonly (readonly [control: string, candidate: string, ...expected: string[]])[] = [
    ['{"a":1,"b":2}', '{"a":1}', "breaking missing $.b integer→null"],
    ['{"a":1}', '{"a":1,"b":null}', "extra extra $.b null→null"],
    ['{"a":1,"c":2}', '{"a":"1","c":2}', "breaking type $.a integer→digits"],
    ['{"a":1,"c":2}', '{"a":null,"c":2}', "breaking type $.a integer→null"],
    ['{"a":"x","c":2}', '{"a":"y","c":2}', "value value $.a text→text"],
    ["[1,2,3]", "[3,2,1]", "order order $ array→array"],
    ["[1,2,3]", "[1,2]", "value value $ array→array"],
    ['{"a":[{"b":true}],"c":2}', '{"a":[{"b":false}],"c":2}', "value value $.a[0].b boolean→boolean"],
    ['{"a":{"b:c":1,"d":1},"e":1}', '{"a":{"b:c":2,"d":1},"e":1}', 'value value $.a["b:c"] integer→integer'],
  ];
  for (const [control, candidate, ...expected] of cases) {
    assert.deepEqual(told(compare(control, candidate)), expected, `${control} ${candidate}`);
  }
});

test("many items that differ in one way are one difference, counted", () => {
  const rows = (name: string): string => JSON.stringify(Array.from({ length: 50 }, (_, id) => ({ id, name, kept: 1 })));
  const [difference, ...more] = compare(rows("a"), rows("b")).differences;
  assert.deepEqual(more, []);
  assert.equal(difference?.template, "$[*].name");
  assert.equal(difference?.path, "$[0].name");
  assert.equal(difference?.count, 50);
});

test("an object of which nothing is the same is one difference", () => {
  const control = '{"at":{"a":1,"b":"x","c":true},"kept":1}';
  assert.deepEqual(told(compare(control, '{"at":{"a":2,"b":"y","c":false},"kept":1}')), [
    "value value $.at object→object",
  ]);
  assert.deepEqual(told(compare(control, '{"at":{"x":2,"y":"y","z":false},"kept":1}')), [
    "breaking missing $.at object→object",
  ]);
  assert.equal(compare(control, '{"at":{"a":1,"b":"y","c":false},"kept":1}').differences.length, 2);
});

test("keys that are data do not make families", () => {
  const control =
    '{"objects":{"8d3c2c5e-11aa-4b57-8f0a-0f6f3f1b9a10":{"x":1,"y":1}},"open":{"topic one":{"n":1,"m":1}}}';
  const candidate = control.replace('"x":1', '"x":2').replace('"n":1', '"n":2');
  const { differences } = compare(control, candidate, [rule({ path: "$.open", isOpen: true })]);
  assert.deepEqual(
    differences.map(({ template }) => template),
    ["$.objects.*.x", "$.open.*.n"],
  );
});

test("shadow P1: keys that look like somebody's are told nowhere", () => {
  const body = (value: number): string =>
    JSON.stringify({ users: { "alice@example.com": value, "two words": 1 }, kept: 1 });
  const [difference] = compare(body(1), body(2)).differences;
  assert.deepEqual([difference?.template, difference?.path], ["$.users.*", "$.users.*"]);
});

test("arrays as sets, and by key, in any order", () => {
  const rows = '[{"id":"a","n":1},{"id":"b","n":2},{"id":"c","n":3}]';
  const turned = '[{"id":"c","n":3},{"n":2,"id":"b"},{"id":"a","n":1}]';
  assert.deepEqual(told(compare(rows, turned)), ["order order $ array→array"]);
  for (const how of ["set", "by(id)"]) {
    const { differences, normalisers } = compare(rows, turned, [rule({ path: "$", compare: [how] })]);
    assert.deepEqual(differences, []);
    assert.ok(normalisers.has(how));
  }
  const changed = turned.replace("2", "5");
  assert.deepEqual(told(compare(rows, changed, [rule({ path: "$", compare: ["by(id)"] })])), [
    "value value $[1].n integer→integer",
  ]);
  assert.deepEqual(told(compare("[1,1,2]", "[2,2,1]", [rule({ path: "$", compare: ["set"] })])), [
    "value value $[1] integer→integer",
  ]);
});

test("neighbours that tie may stand in any order, others not", () => {
  const rules = [rule({ path: "$", compare: ["ties(at,id)"] })];
  const control = '[{"id":"b","at":1},{"id":"a","at":1},{"id":"c","at":2}]';
  const compared = compare(control, '[{"id":"a","at":1},{"id":"b","at":1},{"id":"c","at":2}]', rules);
  assert.deepEqual(compared.differences, []);
  assert.ok(compared.normalisers.has("ties(at,id)"));
  const moved = '[{"id":"c","at":2},{"id":"a","at":1},{"id":"b","at":1}]';
  assert.deepEqual(told(compare(control, moved, rules)), ["order order $ array→array"]);
});

test("a reordered list whose times differ within tolerance is reordered and nothing else", () => {
  const rules = [rule({ path: "$[*].at", compare: ["time(2s)"] })];
  const control = '[{"id":1,"at":"2026-01-02T03:04:05Z"},{"id":2,"at":"2026-01-02T03:04:06Z"}]';
  const candidate = '[{"id":2,"at":"2026-01-02T03:04:07Z"},{"id":1,"at":"2026-01-02T03:04:05.5Z"}]';
  assert.deepEqual(told(compare(control, candidate, rules)), ["order order $ array→array"]);
  assert.deepEqual(told(compare(control, candidate.replace("04:07Z", "09:07Z"), rules)).sort(), [
    "order order $ array→array",
    "value value $[1].at time→time",
  ]);
});

test("ignoring a value keeps presence and type, or not even those", () => {
  const [value, nullToo, all] = (["value", "null-too", "all"] as const).map((ignore) => rule({ path: "$.a", ignore }));
  const is = (candidate: string, ignoring: ComparisonRule | undefined): number =>
    compare('{"a":"x","b":1}', candidate, [ignoring as ComparisonRule]).differences.length;
  assert.deepEqual(
    [value, nullToo, all].map((one) => is('{"a":"y","b":1}', one)),
    [0, 0, 0],
  );
  assert.deepEqual(
    [value, nullToo, all].map((one) => is('{"a":null,"b":1}', one)),
    [1, 0, 0],
  );
  assert.deepEqual(
    [value, nullToo, all].map((one) => is('{"a":5,"b":1}', one)),
    [1, 1, 0],
  );
  assert.deepEqual(
    [value, nullToo, all].map((one) => is('{"b":1}', one)),
    [1, 1, 0],
  );
});

test("severities are raised, and accepted differences kept, by kind and condition", () => {
  const extra = [rule({ path: "$..*", severity: "breaking", kinds: ["extra"] })];
  assert.deepEqual(told(compare('{"a":1}', '{"a":1,"b":2}', extra)), ["breaking extra $.b null→integer"]);
  const accepting = rule({ path: "$.b", accept: "is-new", kinds: ["extra"] });
  const conditions = { "is-new": ({ candidate }: { candidate: unknown }) => candidate === 2 };
  const compared = (candidate: string): string | null | undefined =>
    compare('{"a":1}', candidate, [accepting], { conditions }).differences[0]?.acceptedBy;
  assert.equal(compared('{"a":1,"b":2}'), accepting.id);
  assert.equal(compared('{"a":1,"b":3}'), null);
});

test("every hit of a rule is counted", () => {
  const ignoring = rule({ path: "$[*].at", ignore: "value" });
  const { ruleHits } = compare('[{"at":1},{"at":2},{"at":3}]', '[{"at":2},{"at":2},{"at":4}]', [ignoring]);
  assert.deepEqual([...ruleHits], [[ignoring.id, 2]]);
});

test("ids of one thing are equal as values and as keys, also where rows are paired", () => {
  const [mine, theirs] = ["8d3c2c5e-11aa-4b57-8f0a-0f6f3f1b9a10", "01890f5a-7c2e-7aaa-8888-0f6f3f1b9a10"];
  const pair = { control: mine, candidate: theirs, isFirm: true };
  const ids = {
    isEmpty: false,
    mode: "declared" as const,
    mayLearn: false,
    find: (arm: "control" | "candidate", id: string) => (pair[arm] === id ? pair : null),
    learn: () => assert.fail("nothing may be learnt"),
    conflict: () => assert.fail("nothing is named twice"),
  };
  const body = (id: string): string => JSON.stringify({ list: [{ id, n: 1 }], of: { [id]: { n: 1 } }, kept: 1 });
  const compared = compare(body(mine), body(theirs), [rule({ path: "$.list", compare: ["by(id)"] })], { ids });
  assert.deepEqual(compared.differences, []);
  assert.ok(compared.normalisers.has("map"));
  assert.equal(compare(body(mine), body(theirs)).differences.length, 3);
});

interface Row {
  readonly name: string;
  readonly control: string;
  readonly candidate: string;
  readonly compare?: string;
  /** Absent: the row is different as it stands. */
  readonly mutant?: string;
}

/** contract differences.md §8; P18 is a pair of answers, not of bodies. */
const SERIALISATION: readonly Row[] = [
  { name: "P1", control: "0.0", candidate: "0", mutant: "1" },
  { name: "P2", control: "1e-07", candidate: "1e-7", mutant: "1e-6" },
  { name: "P3", control: "1e+20", candidate: "100000000000000000000", mutant: "100000000000000000001" },
  { name: "P4", control: "-0.0", candidate: "0", mutant: "-0.1" },
  { name: "P5", control: "9007199254740993", candidate: "9007199254740992" },
  { name: "P6", control: "NaN", candidate: "null" },
  {
    name: "P7",
    control: '"2026-01-02T03:04:05.678000+00:00"',
    candidate: '"2026-01-02T03:04:05.678Z"',
    compare: "time",
    mutant: '"2026-01-02T03:04:05.679Z"',
  },
  {
    name: "P8",
    control: '"2026-01-02T03:04:05"',
    candidate: '"2026-01-02T03:04:05.000"',
    compare: "time",
    mutant: '"2026-01-02T03:04:05.001"',
  },
  {
    name: "P9",
    control: "1767323045.678",
    candidate: "1767323045.6785",
    compare: "num(0.001)",
    mutant: "1767323045.680",
  },
  { name: "P10", control: '"\\u00e9"', candidate: '"é"', mutant: '"e"' },
  { name: "P11", control: '{"a": 1, "b": 2}', candidate: '{"a":1,"b":2}', mutant: '{"a":1,"b":3}' },
  { name: "P12", control: '{"b":1,"10":2,"2":3}', candidate: '{"2":3,"10":2,"b":1}', mutant: '{"2":2,"10":3,"b":1}' },
  { name: "P13", control: '{"b":1,"aa":2}', candidate: '{"aa":2,"b":1}', mutant: '{"aa":2,"b":2}' },
  { name: "P14", control: '"None"', candidate: "null" },
  { name: "P15", control: "[0.0,0.0,10.0,5.0]", candidate: "[0,0,10,5]", mutant: "[0,0,10,6]" },
  { name: "P16", control: "20.0", candidate: "20", mutant: "20.1" },
  { name: "P17", control: "0.12", candidate: "0.13" },
  { name: "P19", control: '"\\ud800"', candidate: '"\\ufffd"' },
  { name: "P20", control: "true", candidate: "1" },
  { name: "P21", control: "{}", candidate: '{"a":null}' },
];

for (const { name, control, candidate, compare: how, mutant } of SERIALISATION) {
  test(`shadow §5: ${name} of the serialisation rows, and its mutant`, () => {
    const rules = how === undefined ? [] : [rule({ path: "$", compare: [how] })];
    assert.equal(compare(control, candidate, rules).differences.length > 0, mutant === undefined);
    if (mutant !== undefined) assert.ok(compare(control, mutant, rules).differences.length > 0);
  });
}

/** Another text for the same value: keys turned round, blanks, escapes. */
function respell(value: unknown): string {
  if (Array.isArray(value)) return `[ ${value.map(respell).join(" ,")}]`;
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).reverse();
    return `{${members.map(([key, item]) => `${respell(key)} : ${respell(item)}`).join(",")}\n}`;
  }
  if (typeof value === "string") {
    const units = Array.from({ length: value.length }, (_, at) => value.charCodeAt(at).toString(16).padStart(4, "0"));
    return `"${units.map((unit) => `\\u${unit}`).join("")}"`;
  }
  return Number.isInteger(value) && Math.abs(value as number) < 1e15
    ? `${JSON.stringify(value)}.0`
    : JSON.stringify(value);
}

test("another spelling of a value never differs from it", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.deepEqual(told(compare(JSON.stringify(value), respell(value))), []);
    }),
    { numRuns: 1_000 },
  );
});

/** Every place of a value, as the path to it and a value of its own with that place changed. */
function* changes(value: unknown, put: (changed: unknown) => unknown): Generator<unknown> {
  yield put(value === "a text that was not there" ? 0 : "a text that was not there");
  if (Array.isArray(value)) {
    yield put([...value, null]);
    for (const [at, item] of value.entries()) yield* changes(item, (changed) => put(value.with(at, changed)));
  } else if (typeof value === "object" && value !== null) {
    for (const [key, item] of Object.entries(value)) {
      const { [key]: _, ...rest } = value as Record<string, unknown>;
      yield put(rest);
      yield* changes(item, (changed) => put({ ...rest, [key]: changed }));
    }
  }
}

test("a value changed in any single place is always found, in both directions", () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 3 }), (value) => {
      for (const changed of changes(value, (whole) => whole)) {
        const [one, other] = [JSON.stringify(value), JSON.stringify(changed)];
        assert.ok(compare(one, other).differences.length > 0, `${one} ${other}`);
        assert.ok(compare(other, one).differences.length > 0, `${other} ${one}`);
      }
    }),
    { numRuns: 300 },
  );
});
