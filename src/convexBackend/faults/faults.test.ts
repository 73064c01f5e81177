import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createLog } from "../log.ts";
import { createMetrics } from "../metrics.ts";
import { FaultSyntaxError, parseFaults } from "./parse.ts";
import { spoilJson } from "./spoilJson.ts";
import { createSwitchboard, type Faultable } from "./switchboard.ts";

const R6: Faultable = { place: "rest", routeId: "R6" };
const quiet = { ...createLog(), warn: () => undefined };

function switchboard(initial: string, seed = "0") {
  const metrics = createMetrics("test");
  metrics.stop();
  return { faults: createSwitchboard({ initial, seed, metrics, log: quiet }), metrics };
}
const spoil = (items: string, value: unknown): string =>
  spoilJson(JSON.stringify(value), switchboard(items).faults, R6);

test("names, scopes, rates and arguments are read, and what is wrong is named", () => {
  const [item] = parseFaults(" type-change@R6:0.05:$.a[0] ");
  assert.deepEqual([item?.name, item?.scope, item?.rate, item?.arg], ["type-change", "R6", 0.05, "$.a[0]"]);
  assert.deepEqual(parseFaults(""), []);
  for (const bad of ["nope", "lit-no-retry", "profile:literal", "hang:2", "hang:x", "hang:-1", "hang@R99"]) {
    assert.throws(() => parseFaults(bad), FaultSyntaxError, bad);
  }
});

test("the n-th chance fires as the hash of seed, name and n says", () => {
  const { faults } = switchboard("hang:0.5", "7");
  for (let n = 0; n < 64; n += 1) {
    const expected = createHash("sha256").update(`7:hang:${n}`).digest().readUInt32BE(0) / 2 ** 32 < 0.5;
    assert.equal(faults.fire("hang", R6) !== null, expected, String(n));
  }
});

test("a fault acts where it is scoped to, and every firing is counted", async () => {
  const { faults, metrics } = switchboard("http-5xx@R6,slow-reply@tutor");
  assert.ok(faults.fire("http-5xx", R6));
  assert.equal(faults.fire("http-5xx", { place: "rest", routeId: "R4" }), null);
  assert.equal(faults.fire("slow-reply", R6), null);
  const text = await metrics.registry.metrics();
  assert.match(text, /ai_tutor_faults_injected_total\{fault="http-5xx"\} 1/);
});

test("items of a request are added to those that are on, and a replacement leaves none", () => {
  const { faults } = switchboard("hang:0");
  assert.ok(faults.fire("reset", { ...R6, added: parseFaults("reset") }));
  faults.replace("crash:1:5,hang");
  assert.equal(faults.text, "crash:1:5,hang");
  assert.throws(() => faults.replace("nope"), FaultSyntaxError);
  assert.equal(faults.text, "crash:1:5,hang");
  faults.replace("");
  assert.equal(faults.text, "");
});

test("answers are spoilt as the table says, and one without the spot is left alone", () => {
  const body = { id: "abc", n: 1, list: [1, 2, 3], none: null, created_at: "2026-01-02T03:04:05.678Z" };
  const changed = (items: string) => JSON.parse(spoil(items, body));
  assert.deepEqual(changed("missing-field"), { n: 1, list: [1, 2, 3], none: null, created_at: body.created_at });
  assert.equal(changed("type-change:1:$.n").n, "1");
  assert.equal(changed("value-change:1:id").id, "cba");
  assert.deepEqual(changed("reorder-array").list, [3, 2, 1]);
  assert.deepEqual(changed("truncate-list:1:2").list, [1, 2]);
  assert.equal("none" in changed("absent-null"), false);
  assert.equal(changed("time-format").created_at, 1_767_323_045_678);
  assert.deepEqual(changed("null-field:1:$.list[*]").list, [null, null, null]);
  assert.equal(spoil("null-field:1:$.elsewhere", body), JSON.stringify(body));
  assert.throws(() => JSON.parse(spoil("garble-json", body)));
});
