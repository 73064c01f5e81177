import assert from "node:assert/strict";
import { test } from "node:test";
import type { TransactionLimits, TransactionMetrics } from "convex/server";
import fc from "fast-check";
import { type BudgetLimits, checkLimit, createBudget, LimitError, type LimitName, LIMITS, lowered } from "./limits.ts";
import type { TransactionUsage } from "./ports.ts";

const MIB = 1 << 20;
const READS = ["bytesRead", "documentsRead", "rangesRead", "filesRead", "fileBytesRead"] as const;
const WRITES = ["bytesWritten", "documentsWritten", "functionsScheduled", "filesWritten", "fileBytesWritten"] as const;
const WIRE_NAMES: Readonly<Record<keyof TransactionLimits, LimitName>> = {
  bytesRead: "bytesRead",
  documentsRead: "documentsRead",
  databaseQueries: "rangesRead",
  bytesWritten: "bytesWritten",
  documentsWritten: "documentsWritten",
  functionsScheduled: "functionsScheduled",
  scheduledFunctionArgsBytes: "scheduledArgsTotalBytes",
  filesRead: "filesRead",
  fileReadBytes: "fileBytesRead",
  filesWritten: "filesWritten",
  fileWriteBytes: "fileBytesWritten",
};

function limitErrorOf(run: () => unknown): LimitError {
  try {
    run();
  } catch (error) {
    if (error instanceof LimitError) return error;
    throw error;
  }
  return assert.fail("expected a LimitError");
}

test("the table holds the figures of embedded-convex §3.8", () => {
  const section: Partial<Record<LimitName, number>> = {
    documentBytes: MIB,
    documentFields: 1_024,
    documentDepth: 16,
    arrayElements: 8_192,
    indexesPerTable: 32,
    fieldsPerIndex: 16,
    bytesRead: 16 * MIB,
    documentsRead: 32_000,
    rangesRead: 4_096,
    bytesWritten: 16 * MIB,
    documentsWritten: 16_000,
    argsBytes: 16 * MIB,
    returnsBytes: 16 * MIB,
    scheduledArgsBytes: 4 * MIB,
    functionsScheduled: 1_000,
    transactionCodeMs: 1_000,
    actionMs: 10 * 60 * 1_000,
    searchResults: 1_024,
    vectorResults: 256,
    httpBodyBytes: 20 * MIB,
    syncMessageBytes: 5_000_000,
    connections: 1_000,
    waitingCalls: 5_000,
  };
  assert.deepEqual({ ...LIMITS, ...section }, LIMITS);
});

test("spending up to a limit is fine, one more is an error that names the limit and both figures", () => {
  const budget = createBudget(LIMITS);
  budget.spend("documentsRead", 31_999);
  budget.spend("documentsRead", 1);
  const error = limitErrorOf(() => budget.spend("documentsRead", 1));
  assert.equal(error.limit, "documentsRead");
  assert.equal(error.name, "LimitError");
  assert.equal(error.message, 'Limit "documentsRead" exceeded: 32,001, at most 32,000 allowed');
});

test("code that catches the error meets it again, and nothing is left", () => {
  const budget = createBudget({ ...LIMITS, bytesWritten: 10 });
  budget.spend("bytesWritten", 6);
  assert.throws(() => budget.spend("bytesWritten", 5), LimitError);
  assert.throws(() => budget.spend("bytesWritten", 0), LimitError);
  assert.deepEqual(budget.metrics().bytesWritten, { used: 11, remaining: 0 });
  budget.spend("bytesRead", 1);
});

test("after a nested call that wrote too much was rolled back, its caller goes on", () => {
  const budget = createBudget(LIMITS);
  const nested = budget.begin({ documentsWritten: 2, documentsRead: 2 });
  assert.throws(() => budget.spend("documentsWritten", 3), LimitError);
  assert.throws(() => budget.spend("documentsRead", 3), LimitError);
  nested.rollback();
  budget.spend("documentsWritten", 16_000);
  assert.equal(budget.usage().documentsRead, 3);
});

test("an amount that is none is a mistake of the host, not a limit", () => {
  const budget = createBudget(LIMITS);
  assert.throws(() => budget.spend("bytesRead", -1), RangeError);
  assert.throws(() => budget.spend("bytesRead", Number.NaN), RangeError);
});

test("a single figure is checked by name", () => {
  checkLimit("documentBytes", MIB);
  assert.equal(limitErrorOf(() => checkLimit("documentBytes", MIB + 1)).limit, "documentBytes");
});

test("every transaction limit of convex/server can be lowered, under its own name", () => {
  for (const [wireName, name] of Object.entries(WIRE_NAMES)) {
    assert.deepEqual(lowered(LIMITS, { [wireName]: 0 }), { ...LIMITS, [name]: 0 });
  }
});

test("a wish lowers a limit and never raises one", () => {
  const wishes = fc.record(
    Object.fromEntries(Object.keys(WIRE_NAMES).map((name) => [name, fc.nat({ max: 600 * MIB })])),
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(wishes, (wish) => {
      const result = lowered(LIMITS, wish);
      for (const [wireName, name] of Object.entries(WIRE_NAMES)) {
        const figure = result[name as keyof BudgetLimits];
        assert.equal(figure, Math.min(LIMITS[name], wish[wireName] ?? Number.POSITIVE_INFINITY));
      }
    }),
  );
});

test("a wish that is no limit is refused instead of ignored", () => {
  assert.throws(() => lowered(LIMITS, { documents: 1 }), /no limit "documents", expected one of bytesRead/);
  assert.throws(() => lowered(LIMITS, { documentsRead: -1 }), /documentsRead: expected a number of at least 0, got -1/);
  assert.throws(() => lowered(LIMITS, { documentsRead: Number.NaN }), /expected a number/);
  assert.throws(() => lowered(LIMITS, { documentsRead: "1" }), /got "1"/);
  assert.throws(() => lowered(LIMITS, 5), /expected an object/);
  assert.throws(() => lowered(LIMITS, [1]), /expected an object/);
  assert.equal(lowered(LIMITS, undefined), LIMITS);
  assert.deepEqual(lowered(LIMITS, { bytesRead: undefined }), LIMITS);
});

test("a nested call may spend what it was given, whatever was spent before it, and the transaction counts it", () => {
  const budget = createBudget(LIMITS);
  budget.spend("documentsRead", 100);
  const nested = budget.begin({ documentsRead: 10 });
  budget.spend("documentsRead", 10);
  assert.match(limitErrorOf(() => budget.spend("documentsRead", 1)).message, /11, at most 10/);
  nested.release();
  budget.spend("documentsRead", 1);
  assert.equal(budget.usage().documentsRead, 112);
});

test("a nested call that was given more than is left meets the limit of the transaction", () => {
  const budget = createBudget({ ...LIMITS, documentsRead: 20 });
  budget.spend("documentsRead", 15);
  budget.begin({ documentsRead: 10 });
  budget.spend("documentsRead", 5);
  assert.match(limitErrorOf(() => budget.spend("documentsRead", 1)).message, /21, at most 20/);
});

test("a call inside a lowered call is lowered too", () => {
  const budget = createBudget(LIMITS);
  budget.begin({ documentsWritten: 3 });
  budget.begin({ documentsWritten: 100 });
  budget.spend("documentsWritten", 3);
  assert.match(limitErrorOf(() => budget.spend("documentsWritten", 1)).message, /4, at most 3/);
});

test("a rolled back call gives back what it wrote and scheduled, not what it read", () => {
  const budget = createBudget(LIMITS);
  for (const name of [...READS, ...WRITES]) budget.spend(name, 5);
  const outer = budget.begin();
  const inner = budget.begin();
  for (const name of [...READS, ...WRITES]) budget.spend(name, 2);
  inner.release();
  budget.spend("scheduledArgsTotalBytes", 9);
  outer.rollback();
  const usage = budget.usage();
  for (const name of READS) assert.equal(usage[name], 7);
  for (const name of WRITES) assert.equal(usage[name], 5);
  assert.equal(usage.scheduledArgsTotalBytes, 0);
});

test("nested calls end innermost first, and once", () => {
  const budget = createBudget(LIMITS);
  const outer = budget.begin();
  const inner = budget.begin();
  assert.throws(() => outer.release(), /must end before/);
  inner.release();
  assert.throws(() => inner.rollback(), /must end before/);
  outer.release();
});

test("metrics have the names of convex/server and what is left to the innermost call", () => {
  const budget = createBudget(LIMITS);
  budget.spend("rangesRead", 96);
  budget.spend("documentsRead", 1_000);
  const metrics: TransactionMetrics = budget.metrics();
  assert.deepEqual(Object.keys(metrics).sort(), Object.keys(WIRE_NAMES).sort());
  assert.deepEqual(metrics.databaseQueries, { used: 96, remaining: 4_000 });
  budget.begin({ documentsRead: 10 });
  budget.spend("documentsRead", 4);
  assert.deepEqual(budget.metrics().documentsRead, { used: 1_004, remaining: 6 });
  assert.deepEqual(budget.metrics().databaseQueries, { used: 96, remaining: 4_000 });
});

test("the usage of a budget is that of a transaction", () => {
  const budget = createBudget(LIMITS);
  budget.spend("functionsScheduled", 3);
  const usage: TransactionUsage = budget.usage();
  assert.equal(usage.functionsScheduled, 3);
});

test("a budget does as its model: every open call counts its own spending, whatever is spent, nested and undone", () => {
  const names = ["documentsRead", "documentsWritten"] as const;
  const tight: BudgetLimits = { ...LIMITS, documentsRead: 50, documentsWritten: 50 };
  const steps = fc.array(
    fc.oneof(
      fc.record({ spend: fc.constantFrom(...names), amount: fc.nat(20) }),
      fc.record({
        begin: fc.record({ documentsRead: fc.nat(80), documentsWritten: fc.nat(80) }, { requiredKeys: [] }),
      }),
      fc.constantFrom("release" as const, "rollback" as const),
    ),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(steps, (list) => {
      const budget = createBudget(tight);
      const open: { end: ReturnType<typeof budget.begin>; before: readonly number[]; allowed: readonly number[] }[] =
        [];
      const used = [0, 0];
      const leftOf = (at: number) =>
        Math.min(50 - used[at]!, ...open.map((call) => call.allowed[at]! - (used[at]! - call.before[at]!)));
      for (const step of list) {
        if (typeof step === "string") {
          const call = open.pop();
          call?.end[step]();
          if (call && step === "rollback") used[1] = call.before[1]!;
        } else if ("begin" in step) {
          const allowed = names.map((name) => step.begin[name] ?? 50);
          open.push({ end: budget.begin(step.begin), before: [...used], allowed });
        } else {
          const at = names.indexOf(step.spend);
          used[at]! += step.amount;
          const spend = () => budget.spend(step.spend, step.amount);
          if (leftOf(at) < 0) assert.throws(spend, LimitError);
          else spend();
        }
        for (const [at, name] of names.entries()) {
          assert.deepEqual(budget.metrics()[name], { used: used[at], remaining: Math.max(0, leftOf(at)) });
        }
      }
    }),
  );
});
