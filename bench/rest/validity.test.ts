import assert from "node:assert/strict";
import { test } from "node:test";
import { VoidMeasurement } from "../lib/void.ts";
import { checkValidity } from "./validity.ts";

const fine = { calls: 100, failures: 0, seconds: 1 };

test("a measurement in which everybody saw every call stands", () => {
  checkValidity("peer", fine, { answered: 100, decided: null });
  checkValidity("ours", fine, { answered: 164, decided: 164 });
  checkValidity("origin", fine, { answered: null, decided: null });
});

test("one failed call makes it void", () => {
  const witnesses = { answered: 100, decided: 100 };
  assert.throws(() => checkValidity("peer", { ...fine, failures: 1 }, witnesses), VoidMeasurement);
});

test("no call at all makes it void", () => {
  assert.throws(() => checkValidity("peer", { ...fine, calls: 0 }, { answered: 0, decided: null }), VoidMeasurement);
});

test("an answer that the upstream did not give makes it void", () => {
  assert.throws(() => checkValidity("peer", fine, { answered: 99, decided: null }), VoidMeasurement);
});

test("a call that passed without a decision makes it void", () => {
  assert.throws(() => checkValidity("ours", fine, { answered: 100, decided: 99 }), VoidMeasurement);
});
