// Steps of calls, threads, guards and time in any order.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { CallTap, LegError } from "../../proxy/ports.ts";
import type { RoutePlan } from "../plans.ts";
import { assertWhole, HEAD, legOf, openServingBench, planOf, SAFE, targets } from "./testing/servingBench.ts";

const READ = planOf({ id: "read" });
const WRITE = planOf({ id: "write", mode: "sandbox", isStateful: true, methods: ["POST"] });
const NEVER = planOf({ id: "never", mode: "never", isStateful: true, methods: ["POST"] });

type Step =
  | { readonly do: "call"; readonly plan: number; readonly hasBody: boolean; readonly subject: string }
  | { readonly do: "tap"; readonly at: number; readonly with: number; readonly bytes: number }
  | { readonly do: "ended"; readonly at: number }
  | { readonly do: "turn" }
  | { readonly do: "lost"; readonly isRunning: boolean }
  | { readonly do: "guard"; readonly at: number }
  | { readonly do: "pass"; readonly ms: number };

const STEPS: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant("call" as const),
    plan: fc.nat(3),
    hasBody: fc.boolean(),
    subject: fc.constantFrom("ann", "bob"),
  }),
  ...Array<fc.Arbitrary<Step>>(3).fill(
    fc.record({ do: fc.constant("tap" as const), at: fc.nat(20), with: fc.nat(6), bytes: fc.nat(1_200) }),
  ),
  fc.record({ do: fc.constant("ended" as const), at: fc.nat(20) }),
  fc.record({ do: fc.constant("turn" as const) }),
  fc.record({ do: fc.constant("lost" as const), isRunning: fc.boolean() }),
  fc.record({ do: fc.constant("guard" as const), at: fc.nat(3) }),
  fc.record({ do: fc.constant("pass" as const), ms: fc.nat(3_000) }),
);
const ERRORS: readonly LegError[] = ["aborted", "reset", "timeout"];
const GUARDS = ["none", "asking", "safe", "unsafe"] as const;

function tapStep(tap: CallTap, which: number, bytes: number): void {
  if (which === 0) tap.requestChunk(new Uint8Array(bytes));
  else if (which === 1) tap.requestEnd();
  else if (which === 2) tap.head(...HEAD);
  else if (which === 3) tap.chunk(new Uint8Array(bytes));
  else if (which === 4) tap.end(null);
  else tap.end(ERRORS[which % ERRORS.length] ?? "reset");
}

test("shadow A1: whatever comes in whatever order, nothing is lost, and in the end nothing is held", () => {
  const plans = [READ, WRITE, NEVER, planOf({ id: "half", samplePercent: 50 })];
  fc.assert(
    fc.property(fc.array(STEPS, { minLength: 20, maxLength: 120, size: "max" }), fc.boolean(), (steps, hasSeeds) => {
      const bench = openServingBench({ plans, hasSeeds });
      const { serving } = bench;
      const taps: CallTap[] = [];
      for (const step of steps) {
        if (step.do === "call") {
          const plan = plans[step.plan] as RoutePlan;
          const method = plan.methods[0] as string;
          const tap = serving.call(legOf(plan, { method, subject: step.subject }), step.hasBody);
          if (tap !== null) taps.push(tap);
        } else if (step.do === "tap") {
          const tap = taps[step.at % Math.max(1, taps.length)];
          if (tap !== undefined) tapStep(tap, step.with, step.bytes);
        } else if (step.do === "ended") bench.end(step.at, step.at % 2 === 0 ? "identical" : "not_compared");
        else if (step.do === "turn") serving.ended([{ ...TURN }]);
        else if (step.do === "lost") {
          serving.setRunning(step.isRunning);
          serving.lost("engine_lost");
        } else if (step.do === "guard") serving.setTargets(targets({ guard: GUARDS[step.at] ?? SAFE.guard }));
        else {
          bench.clock.advance(step.ms);
          bench.seed();
        }
        assertWhole(bench);
      }
      for (const tap of taps) tap.end("aborted");
      for (let id = 1; id <= 120; id++) bench.end(id);
      assertWhole(bench);
      assert.deepEqual([serving.open, serving.credits.jobs, serving.credits.bytes], [0, 0, 0]);
    }),
  );
});

const TURN = {
  id: null,
  route: "read",
  unit: "u",
  verdict: "different",
  reason: null,
  differences: [["value", "breaking"]],
  latencyMs: { control: null, candidate: null },
} as const;
