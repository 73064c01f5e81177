import assert from "node:assert/strict";
import { test } from "node:test";
import { buildOf, campaignId, CampaignKeeper, hashOfRules } from "./campaign.ts";
import type { CampaignRow } from "./evidence/model.ts";
import type { ComparisonRule } from "./rules/rule.ts";

const rule = (id: string, more: Partial<ComparisonRule> = {}): ComparisonRule => ({
  id,
  owner: "t",
  reason: "t",
  on: ["*"],
  exclude: true,
  ...more,
});

test("the hash of rules is of what they say, not of how they are written down", () => {
  const [one, other] = [rule("a"), rule("b")];
  const turned = Object.fromEntries(Object.entries(one).reverse()) as unknown as ComparisonRule;
  assert.equal(hashOfRules([one, other]), hashOfRules([other, turned]));
  assert.notEqual(hashOfRules([one, other]), hashOfRules([one]));
  assert.notEqual(hashOfRules([one]), hashOfRules([rule("a", { on: ["GET /a"] })]));
});

test("another build of either arm or other rules begin another campaign; what cannot be read changes nothing", () => {
  let nowMs = 1_000;
  const keeper = new CampaignKeeper("tutoring", "r1", () => nowMs);
  const current = (): CampaignRow | null => keeper.current;
  assert.equal(keeper.setBuild("control", "1.0"), false);
  assert.equal(current(), null);
  assert.equal(keeper.setBuild("candidate", "2.0"), true);
  const first = current();
  assert.deepEqual([first?.controlBuild, first?.candidateBuild, first?.startedMs], ["1.0", "2.0", 1_000]);
  nowMs = 2_000;
  assert.equal(keeper.setBuild("candidate", null), false);
  assert.equal(keeper.setBuild("candidate", "2.0"), false);
  assert.equal(current(), first);
  assert.equal(keeper.setBuild("candidate", "2.1"), true);
  assert.equal(keeper.setRules("r2"), true);
  assert.equal(keeper.setRules("r2"), false);
  assert.equal(current()?.startedMs, 2_000);
});

test("the same facts are the same campaign everywhere, units apart", () => {
  const facts = { unit: "tutoring", builds: { control: "1", candidate: "2" }, rulesHash: "r" };
  assert.equal(campaignId(facts), campaignId({ ...facts }));
  assert.notEqual(campaignId(facts), campaignId({ ...facts, unit: "realtime" }));
  assert.notEqual(campaignId(facts), campaignId({ ...facts, builds: { control: "2", candidate: "1" } }));
});

test("a build is read where the application says it stands", () => {
  const metrics =
    '# HELP x y\nai_tutor_build_info_other{version="0"} 1\nai_tutor_build_info{arm="c",version="1.2+\\"x\\""} 1\n';
  assert.equal(buildOf(metrics, "ai_tutor_build_info", "version"), '1.2+"x"');
  assert.equal(buildOf(metrics, "ai_tutor_build_info", "commit"), null);
  assert.equal(buildOf(metrics, "nothing", "version"), null);
  assert.equal(buildOf(`b{version="${"x".repeat(200)}"} 1`, "b", "version"), null);
});
