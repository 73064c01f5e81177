import assert from "node:assert/strict";
import { test } from "node:test";
import type { CassetteMiss, RequestDifference } from "../cassette/ports.ts";
import type { FoundDifference } from "../compare/foundDifferences.ts";
import { type Verdict, verdictOf } from "../verdict.ts";
import { withModelRequest } from "./modelRequest.ts";
import { missOf } from "./testing/comparerBench.ts";

const CONSEQUENCE: FoundDifference = {
  template: "message:envelope $.content_type",
  path: "message:envelope $.content_type",
  kind: "value",
  severity: "value",
  control: "text",
  candidate: "text",
  count: 1,
  acceptedBy: null,
};
const DIFFERENT = verdictOf({ differences: [CONSEQUENCE], normalisers: [], notes: [] });

const changed = (...differences: RequestDifference[]): CassetteMiss =>
  missOf("r1", { nearest: { key: "other", requestId: "r1", differences } });

function told(verdict: Verdict): readonly unknown[] {
  assert.equal(verdict.name, "different");
  const { severity, differences } = verdict as Verdict & { name: "different" };
  assert.equal(severity, "breaking");
  return differences.map(({ template, path, kind, control, candidate, count }) =>
    [template, path, kind, control, candidate, count].join(" "),
  );
}

test("shadow K3: a request without a recording is what differs, at its own paths, and not what came of it", () => {
  const miss = changed(
    { path: "$.messages[1].content", kind: "value", recorded: "text", asked: "text", count: 1 },
    { path: "$.messages[7].content", kind: "value", recorded: "text", asked: "text", count: 2 },
    {
      path: "$.tools.b3b0c442-98fc-4c14-9afb-f4c8996fb924.name",
      kind: "type",
      recorded: "text",
      asked: "null",
      count: 1,
    },
  );
  assert.deepEqual(told(withModelRequest(DIFFERENT, [miss], "candidate")), [
    "model.request $.messages[*].content model.request $.messages[1].content value text text 3",
    "model.request $.tools.*.name model.request $.tools.b3b0c442-98fc-4c14-9afb-f4c8996fb924.name type text null 1",
  ]);
});

test("it reads control → candidate, whoever was served", () => {
  const miss = changed(
    { path: "$.temperature", kind: "type", recorded: "decimal", asked: "text", count: 1 },
    { path: "$.messages[2]", kind: "missing", recorded: "object", asked: null, count: 1 },
    { path: "$.tools", kind: "extra", recorded: null, asked: "array", count: 1 },
  );
  assert.deepEqual(told(withModelRequest(DIFFERENT, [miss], "control")), [
    "model.request $.temperature model.request $.temperature type text decimal 1",
    "model.request $.messages[*] model.request $.messages[2] extra  object 1",
    "model.request $.tools model.request $.tools missing array  1",
  ]);
});

test("of a kind that was never recorded, and of a call too many, the whole request is what one arm has", () => {
  const never = missOf("r1", { nearest: null });
  const additional = missOf("r1", { reason: "additional", nearest: null });
  const extra = ["model.request model.request extra  request 1"];
  assert.deepEqual(told(withModelRequest(DIFFERENT, [never], "candidate")), extra);
  assert.deepEqual(told(withModelRequest(DIFFERENT, [additional], "candidate")), extra);
  const missing = ["model.request model.request missing request  1"];
  assert.deepEqual(told(withModelRequest(DIFFERENT, [additional], "control")), missing);
  assert.deepEqual(told(withModelRequest(DIFFERENT, [changed()], "candidate")), [
    "model.request model.request value request request 1",
  ]);
});

test("the first miss is the cause, and equal answers do not make two requests one", () => {
  const first = changed({ path: "$.model", kind: "value", recorded: "text", asked: "text", count: 1 });
  const second = changed({ path: "$.temperature", kind: "value", recorded: "decimal", asked: "decimal", count: 1 });
  for (const verdict of [
    DIFFERENT,
    { name: "identical" } as const,
    verdictOf({ differences: [], normalisers: ["num"], notes: [] }),
  ]) {
    assert.deepEqual(told(withModelRequest(verdict, [first, second], "candidate")), [
      "model.request $.model model.request $.model value text text 1",
    ]);
  }
});

test("ADR 17: a limit of the cassette is no difference of the arms, and hides none that is known", () => {
  const large = missOf("r1", { reason: "too_large", nearest: null });
  const indivisible = missOf("r1", { reason: "indivisible", nearest: null });
  const equal = { name: "identical" } as const;
  assert.deepEqual(withModelRequest(DIFFERENT, [large], "candidate"), {
    name: "not_compared",
    reason: "body_too_large",
  });
  assert.deepEqual(withModelRequest(DIFFERENT, [indivisible], "candidate"), {
    name: "not_compared",
    reason: "external",
  });
  assert.equal(withModelRequest(equal, [large, indivisible], "candidate"), equal);
});

test("without a miss, and where nothing was compared, the verdict stays", () => {
  const failed = { name: "shadow_failed" } as const;
  const skipped = { name: "not_compared", reason: "served_aborted" } as const;
  assert.equal(withModelRequest(DIFFERENT, [], "candidate"), DIFFERENT);
  for (const verdict of [failed, skipped, { name: "both_failed" } as const]) {
    assert.equal(withModelRequest(verdict, [missOf("r1")], "candidate"), verdict);
  }
});

test("however many paths a cassette tells, a verdict has twenty", () => {
  const many = Array.from({ length: 90 }, (_, at) => {
    return {
      path: `$.field_${"abcdefghij"[at % 10]}${"klmnopqrst"[Math.floor(at / 10)]}`,
      kind: "value",
      recorded: "text",
      asked: "text",
      count: 1,
    } as const;
  });
  assert.equal(told(withModelRequest(DIFFERENT, [changed(...many)], "candidate")).length, 20);
});

test("shadow W6: behind the budget nothing is compared that may follow from it, accepted or not; what is equal stays so", () => {
  const spent = missOf("r1", { reason: "budget", nearest: null });
  const accepted = verdictOf({
    differences: [{ ...CONSEQUENCE, acceptedBy: "live-failures" }],
    normalisers: [],
    notes: [],
  });
  assert.equal(accepted.name, "accepted");
  for (const verdict of [DIFFERENT, accepted]) {
    assert.deepEqual(withModelRequest(verdict, [spent], "candidate"), { name: "not_compared", reason: "budget" });
  }
  const equal: Verdict = verdictOf({ differences: [], normalisers: [], notes: [] });
  assert.equal(withModelRequest(equal, [spent], "candidate"), equal);
});
