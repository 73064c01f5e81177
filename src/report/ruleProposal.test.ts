import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parse } from "yaml";
import { HOSTILE } from "./testing/arbitraries.ts";
import { isHidden, ruleYaml } from "./ruleProposal.ts";

const FROM_MS = Date.UTC(2026, 10, 20);
const at = (template: string, route = "GET /a") => ({ route, template, kind: "value" as const });
const ruleOf = (template: string, route?: string): unknown => parse(ruleYaml(at(template, route), FROM_MS) ?? "null");

test("a family becomes a rule that lacks only who answers for it, and why", () => {
  assert.deepEqual(ruleOf("$.folders[*].name"), [
    {
      id: "accept-value-GET-a-folders-name",
      owner: "",
      reason: "",
      until: "2026-12-20",
      on: ["GET /a"],
      path: "$.folders[*].name",
      kinds: ["value"],
      accept: true,
    },
  ]);
});

test("every place that a rule has a word for is named by it", () => {
  const place = (template: string): unknown => {
    const [{ path, header, status, message } = {} as Record<string, unknown>] = ruleOf(template) as [];
    return { path, header, status, message };
  };
  const none = { path: undefined, header: undefined, status: undefined, message: undefined };
  assert.deepEqual(place("status"), { ...none, status: true });
  assert.deepEqual(place("header:cache-control"), { ...none, header: "cache-control" });
  assert.deepEqual(place("message:agent_state"), { ...none, message: "agent_state" });
  assert.deepEqual(place("message:agent_state $.order"), { ...none, message: "agent_state", path: "$.order" });
  assert.equal(ruleYaml(at("close"), FROM_MS), null, "rules have no word for the end of a socket");
});

test("whatever a name holds, the rule holds it too and nothing else", () => {
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: "binary" })), (name) => {
      const text = ruleYaml({ route: name, template: `$.${name}`, kind: "extra" }, FROM_MS);
      const [rule] = parse(text ?? "") as [Record<string, unknown>];
      assert.deepEqual([rule["on"], rule["path"], rule["accept"]], [[name], `$.${name}`, true]);
      assert.match(String(rule["id"]), /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/);
    }),
  );
});

test("a rule hides what its path names, on its route and of its kind", () => {
  const hides = (template: string, other: string): boolean => isHidden(at(template), at(other));
  assert.equal(hides("$.a[*].b", "$.a[*].b"), true);
  assert.equal(hides("$.a[*].b", "$.a[*].c"), false);
  assert.equal(hides("$.a.*", "$.a.b"), true);
  assert.equal(hides("$.a.*", '$.a["b c"]'), true);
  assert.equal(hides("$.a.*", "$.a.b.c"), false);
  assert.equal(hides("$.a.*", "$.a[*]"), false);
  assert.equal(isHidden(at("$.a"), at("$.a", "GET /b")), false);
  assert.equal(isHidden(at("$.a"), { ...at("$.a"), kind: "extra" }), false);
});
