import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { IdentityMap, type IdentityMode } from "../identity/identityMap.ts";
import { readJson } from "../json/reader.ts";
import type { ComparisonRule } from "../rules/rule.ts";
import { type BodyComparison, compareBodies } from "./body.ts";
import { BodyRules } from "./bodyRules.ts";
import { NORMALISERS } from "./normalisers.ts";

const uuid = (n: number): string => `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`;
/** Of control, and what the candidate calls the same. */
const [mine, theirs] = [uuid, (n: number) => uuid(1_000 + n)];

type Rule = Pick<ComparisonRule, "path" | "compare" | "ignore" | "accept" | "isId">;

function open(mode: IdentityMode = "learnt", ...rules: readonly Rule[]) {
  const map = new IdentityMap({ now: () => 0 });
  const whole = rules.map((rule, at) => ({ id: `r${at}`, owner: "t", reason: "t", on: ["*"], ...rule }));
  const ready = new BodyRules(whole, NORMALISERS);
  const seen = { conflicts: 0 };
  const compare = (control: unknown, candidate: unknown, mayLearn = true): BodyComparison => {
    const [one, other] = [control, candidate].map((body) => readJson(JSON.stringify(body)));
    assert.ok(one !== undefined && other !== undefined && "value" in one && "value" in other);
    const ids = map.pairsFor("ann", mode, mayLearn, () => seen.conflicts++);
    return compareBodies(one.value, other.value, ready, {
      delayMs: 0,
      nowMs: 0,
      shadow: "candidate",
      conditions: {},
      ids,
    });
  };
  const told = (control: unknown, candidate: unknown, mayLearn = true): readonly string[] =>
    compare(control, candidate, mayLearn).differences.map(({ kind, path }) => `${kind} ${path}`);
  const known = (...numbers: number[]): readonly (string | null)[] =>
    numbers.map((n) => map.idOn("candidate", "ann", mine(n)));
  return { map, compare, told, known, seen };
}

const row = (id: string, name: string): object => ({ id, name });

test("shadow M1: learnt where both look like ids of one class, elsewhere only where it is declared", () => {
  const learning = open("learnt");
  assert.deepEqual(learning.told({ id: mine(1), n: 1 }, { id: theirs(1), n: 1 }, false), ["value $.id"]);
  assert.deepEqual(learning.told({ id: "Anna", n: 1 }, { id: "Bert", n: 1 }), ["value $.id"]);
  assert.deepEqual(learning.told({ id: mine(1), n: 1 }, { id: theirs(1), n: 1 }), []);
  assert.deepEqual(learning.known(1), [theirs(1)]);
  const declared = open("declared", { path: "$.id", isId: true });
  assert.deepEqual(declared.told({ at: mine(1), n: 1 }, { at: theirs(1), n: 1 }), ["value $.at"]);
  assert.deepEqual(declared.told({ id: "17", n: 1 }, { id: "k7", n: 1 }), []);
  assert.deepEqual(declared.told({ id: 18, n: 1 }, { id: 81, n: 1 }), []);
  assert.deepEqual(declared.told({ id: 18, n: 1 }, { id: 18, n: 1 }), ["value $.id"]);
});

test("shadow M4: one id for two things differs and is told, on either side", () => {
  const { told, seen } = open();
  told({ id: mine(1) }, { id: theirs(1) });
  assert.deepEqual(told({ id: mine(1), n: 1 }, { id: theirs(3), n: 1 }), ["value $.id"]);
  assert.deepEqual(told({ id: mine(4), n: 1 }, { id: theirs(1), n: 1 }), ["value $.id"]);
  assert.equal(seen.conflicts, 2);
  assert.deepEqual(told({ a: mine(5), b: mine(5), n: 1 }, { a: theirs(5), b: theirs(6), n: 1 }), ["value $.b"]);
  assert.equal(seen.conflicts, 3);
});

test("shadow M4: a candidate that answers with control's own id of a thing which it calls otherwise differs", () => {
  const { told, seen } = open();
  assert.deepEqual(told({ id: mine(1), n: 1 }, { id: mine(1), n: 1 }), []);
  told({ id: mine(1) }, { id: theirs(1) });
  assert.deepEqual(told({ id: mine(1), n: 1 }, { id: mine(1), n: 1 }), ["value $.id"]);
  assert.deepEqual(told({ id: theirs(1), n: 1 }, { id: theirs(1), n: 1 }), ["value $.id"]);
  assert.equal(seen.conflicts, 2);
  assert.deepEqual(told({ of: { [mine(1)]: 1 }, n: 1 }, { of: { [mine(1)]: 1 }, n: 1 }), [
    "missing $.of.*",
    "extra $.of.*",
  ]);
  assert.deepEqual(told({ of: { [mine(1)]: 1 }, n: 1 }, { of: { [theirs(1)]: 1 }, n: 1 }), []);
});

test("a word or number that is spelt like a declared id elsewhere stays a word", () => {
  const { told, seen } = open("declared", { path: "$.id", isId: true });
  told({ id: "17" }, { id: "k7" });
  assert.deepEqual(told({ text: "17", 17: 1 }, { text: "17", 17: 1 }), []);
  assert.equal(seen.conflicts, 0);
});

test("what a rule leaves out or foresees sets nothing apart", () => {
  const { told, seen } = open("learnt", { path: "$.skip", ignore: "value" }, { path: "$.known", accept: true });
  told({ id: mine(1) }, { id: theirs(1) });
  assert.deepEqual(told({ skip: mine(1), known: mine(1), n: 1 }, { skip: mine(1), known: theirs(2), n: 1 }), [
    "value $.known",
  ]);
  assert.equal(seen.conflicts, 0);
});

test("rows with strange ids are paired by what they say, and a list in another order teaches the right pairs", () => {
  const { told, known, seen } = open();
  const control = { list: [row(mine(1), "a"), row(mine(2), "b"), row(mine(3), "c")] };
  const candidate = { list: [row(theirs(3), "c"), row(theirs(1), "a"), row(theirs(2), "b")] };
  assert.deepEqual(told(control, candidate), ["order $.list"]);
  assert.deepEqual(known(1, 2, 3), [theirs(1), theirs(2), theirs(3)]);
  assert.equal(seen.conflicts, 0);
});

test("lists as sets and by key teach the right pairs as well", () => {
  for (const how of ["set", "by(id)"]) {
    const { told, known } = open("learnt", { path: "$", compare: [how] });
    const control = [row(mine(1), "a"), row(mine(2), "b"), row(mine(3), "c")];
    assert.deepEqual(told(control, [row(theirs(2), "b"), row(theirs(3), "c"), row(theirs(1), "a")]), [], how);
    assert.deepEqual(known(1, 2, 3), [theirs(1), theirs(2), theirs(3)], how);
  }
});

test("items that differ teach nothing, for they may be two things; what stands at one place of two objects does", () => {
  const { told, known, seen } = open();
  const control = { list: [row(mine(1), "a"), row(mine(2), "b"), row(mine(3), "c")], id: mine(9), n: 1 };
  const candidate = { list: [row(theirs(2), "b"), row(theirs(1), "a"), row(theirs(3), "x")], id: theirs(9), n: 2 };
  assert.ok(told(control, candidate).length > 0);
  assert.deepEqual(known(1, 2, 3, 9), [null, null, null, theirs(9)]);
  assert.equal(seen.conflicts, 0);
});

test("ids that both arms have name themselves: a list of them in another order is one", () => {
  const { told, map } = open();
  const rows = [1, 2, 3].map((n) => ({ id: mine(n), n: 1 }));
  assert.deepEqual(told(rows, rows.toReversed()), ["order $"]);
  assert.deepEqual(
    told(
      rows.map(({ id }) => id),
      rows.map(({ id }) => id).reverse(),
    ),
    ["order $"],
  );
  assert.equal(map.size, 0);
});

test("what was found in a try that is taken back counts nowhere", () => {
  const rules = [
    { path: "$[*].at", ignore: "value" as const },
    { path: "$[*].n", compare: ["num(1)"] },
  ];
  const rows = [1, 2].map((n) => ({ id: mine(n), at: `${n}`, n, name: `${n}` }));
  const turned = [2, 1].map((n) => ({ id: theirs(n), at: `${n}`, n: n + 0.5, name: `${n}` }));
  const { ruleHits, normalisers } = open("learnt", ...rules).compare(rows, turned);
  assert.deepEqual(Object.fromEntries(ruleHits), { r1: 2 });
  assert.deepEqual([...normalisers].sort(), ["map", "num(1)"]);
});

test("shadow M4: differences that rest on a tentative pair are marked", () => {
  const { compare, told, map } = open("learnt", { path: "$.list", compare: ["by(id)"] });
  told({ id: mine(1) }, { id: theirs(1) });
  const marks = (control: object, candidate: object): readonly (true | undefined)[] =>
    compare(control, candidate).differences.map(({ isTentative }) => isTentative);
  const list = (id: string, n: number): object => ({ list: [{ id, n }], n: 1 });
  const keyed = (id: string, n: number): object => ({ of: { [id]: { n, m: 1 } }, n: 1 });
  assert.deepEqual(marks(list(mine(1), 1), list(theirs(1), 2)), [true]);
  assert.deepEqual(marks(keyed(mine(1), 1), keyed(theirs(1), 2)), [true]);
  assert.deepEqual(marks({ id: mine(1), n: 1 }, { id: theirs(2), n: 1 }), [true]);
  assert.deepEqual(marks({ id: mine(1), n: 1 }, { id: theirs(1), n: 2 }), [undefined]);
  map.confirm("ann", "control", [mine(1)]);
  assert.deepEqual(marks(list(mine(1), 1), list(theirs(1), 2)), [undefined]);
});

test("whatever order the candidate answers in, no pair is wrong", () => {
  const names = fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 8 });
  const turned = names.chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }), fc.boolean()),
  );
  fc.assert(
    fc.property(turned, ([numbers, order, isSet]) => {
      const rules = isSet ? [{ path: "$.list", compare: ["set"] }] : [];
      const { told, known, seen } = open("learnt", ...rules);
      const list = (all: readonly number[], id: (n: number) => string): object => ({
        list: all.map((n) => ({ id: id(n), name: `name ${n}`, of: { id: id(n + 100) } })),
      });
      const isMoved = order.some((n, at) => n !== numbers[at]);
      assert.deepEqual(told(list(numbers, mine), list(order, theirs)), isMoved && !isSet ? ["order $.list"] : []);
      assert.deepEqual(known(...numbers), numbers.map(theirs));
      assert.deepEqual(told(list(numbers, mine), list(numbers, theirs)), []);
      assert.equal(seen.conflicts, 0);
    }),
  );
});
