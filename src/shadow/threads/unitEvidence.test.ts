import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { NORMALISERS } from "../compare/normalisers.ts";
import type { ObservedPair } from "../judgement.ts";
import { EvidenceError } from "../evidence/evidenceError.ts";
import { sumGroups } from "../evidence/groupCounts.ts";
import type { Checkpoint, EvidenceStore } from "../evidence/model.ts";
import { Saver } from "../evidence/saver.ts";
import { openSqliteEvidence } from "../evidence/sqliteEvidence.ts";
import type { RoutePlan } from "../plans.ts";
import type { ShadowApplication } from "../ports.ts";
import { RuleBook } from "../rules/ruleBook.ts";
import { seeded } from "../testing/seeded.ts";
import { countFamilies, UnitEvidence } from "./unitEvidence.ts";

const PLAN: RoutePlan = {
  id: "GET /a",
  unit: "orders",
  methods: ["GET"],
  paths: ["/a"],
  isPlain: false,
  mode: "read",
  isStateful: false,
  samplePercent: 100,
  tapBytes: 1_000,
  copiesPerMinute: 1_000,
  mayCarryCookies: false,
  bodies: "shape",
  surface: null,
};

const APPLICATION: ShadowApplication = {
  rules: [],
  liveModels: null,
  checks: [],
  normalisers: {},
  conditions: {},
  statusClass: String,
  documents: new Map(),
  codecs: new Map(),
  mirroring: [],
  redaction: { hidden: [], visible: [] },
  build: null,
  identity: { mode: "declared", templates: [] },
};

const pair = (candidate: unknown): ObservedPair => {
  const side = (arm: "control" | "candidate", body: unknown) => ({
    arm,
    role: arm === "control" ? ("served" as const) : ("shadow" as const),
    result: {
      reply: {
        status: 200,
        headers: ["content-type", "application/json"],
        body: Buffer.from(JSON.stringify(body)),
      },
    },
    isCut: false,
    firstByteMs: 1,
    totalMs: 2,
  });
  return { control: side("control", { total: 1 }), candidate: side("candidate", candidate) };
};

function world() {
  const time = { ms: 1_000_000 };
  const clock = {
    now: () => time.ms,
    monotonic: () => time.ms,
    after: () => () => {},
  };
  const dropped: string[] = [];
  const rules = new RuleBook([], { normalisers: NORMALISERS, statusClass: String }, () => 0);
  const begin = (process: string): UnitEvidence => {
    const unit = new UnitEvidence(
      {
        unit: "orders",
        application: APPLICATION,
        clock,
        process,
        printKey: new Uint8Array(32),
        isLearningIds: false,
        random: seeded(3),
        onDropped: (reason) => dropped.push(reason),
      },
      rules,
      "rules",
    );
    unit.setBuild("control", "1.0");
    return unit;
  };
  let groups = 0;
  const differ = (unit: UnitEvidence, total: unknown = "x"): void => {
    time.ms += 10;
    groups += 1;
    const facts = {
      group: `g${groups}`,
      shadow: "candidate" as const,
      changesState: false,
      delayMs: 0,
      atMs: time.ms,
      mayRecheck: false,
    };
    unit.judge(PLAN, facts, pair({ total }));
  };
  const agree = (unit: UnitEvidence): void => differ(unit, 1);
  const told: string[] = [];
  const saverOf = (unit: UnitEvidence, openStore: () => EvidenceStore) =>
    new Saver({
      clock,
      openStore,
      siblings: { expire: () => Promise.resolve(), stop: () => {} },
      series: () => unit.series,
      onLost: () => dropped.push("lost"),
      onFull: () => dropped.push("full"),
      onOver: () => told.push("over"),
      tell: (event, { code = "" }) => told.push(`${event} ${code}`),
    });
  return { time, begin, differ, agree, dropped, told, saverOf };
}

/** A file that each saver opens anew and that none closes, as when its process is killed. */
function sharedStore(t: TestContext, saved: Checkpoint[] = []) {
  const dir = mkdtempSync(join(tmpdir(), "switchyard-unit-evidence-"));
  const store = openSqliteEvidence(join(dir, "shadow-0.sqlite3"));
  t.after(async () => {
    await store.close();
    rmSync(dir, { recursive: true });
  });
  const save = store.save.bind(store);
  store.save = async (checkpoint) => {
    saved.push(checkpoint);
    await save(checkpoint);
  };
  return store;
}

test("a campaign that comes back, and a thread that is started again, add to what was stored under names of their own", async (t) => {
  const { begin, differ, saverOf } = world();
  const saved: Checkpoint[] = [];
  const store = sharedStore(t, saved);
  let unit = begin("p");
  let saver = saverOf(unit, () => store);
  unit.setBuild("candidate", "2.0");
  const { id } = unit.campaign ?? { id: "" };
  differ(unit);
  await saver.save();
  unit.setBuild("candidate", "3.0");
  differ(unit);
  await saver.save();
  unit.setBuild("candidate", "2.0");
  differ(unit);
  await saver.save();
  unit = begin("p");
  saver = saverOf(unit, () => store);
  unit.setBuild("candidate", "2.0");
  differ(unit);
  await saver.save();
  const [family] = await store.families(id);
  assert.deepEqual([family?.differing, family?.groups], [3, 3]);
  const names = [...new Set(saved.map(({ process }) => process))];
  assert.equal(names.length, 4);
  assert.ok(names.every((name) => name.startsWith("p.")));
  const gaps = await store.gaps(id);
  assert.deepEqual(
    gaps.map(({ process }) => process),
    [names[2]],
    "all but the thread that died have said their end",
  );
});

test("shadow §4: open with one build, fixed with the next and regressed with the third, though all is started again in between", async (t) => {
  const { begin, differ, agree, saverOf } = world();
  const store = sharedStore(t);
  const familyOf = async (unit: UnitEvidence) => (await store.families(unit.campaign?.id ?? ""))[0];
  const first = begin("p");
  first.setBuild("candidate", "2.0");
  differ(first);
  await saverOf(first, () => store).save();
  const second = begin("q");
  second.setBuild("candidate", "3.0");
  const saver = saverOf(second, () => store);
  for (let at = 0; at < 700; at++) agree(second);
  await saver.save();
  const told = async (unit: UnitEvidence) => {
    const { state, isCarried, differing, firstBuild, fixed } = (await familyOf(unit)) ?? {};
    return [state, isCarried, differing, firstBuild, fixed?.build ?? null];
  };
  // What was compared before the store had said what to look for is not counted by the process, but by whoever reads.
  assert.deepEqual(await told(second), ["open", true, 0, "2.0", null]);
  const third = begin("r");
  third.setBuild("candidate", "3.0");
  const other = saverOf(third, () => store);
  await other.save();
  for (let at = 0; at < 299; at++) agree(third);
  await other.save();
  assert.equal((await told(third))[0], "open");
  agree(third);
  await other.save();
  assert.deepEqual(await told(third), ["fixed", true, 0, "2.0", "3.0"]);
  third.setBuild("candidate", "4.0");
  await other.save();
  assert.deepEqual(await told(third), ["fixed", true, 0, "2.0", "3.0"]);
  differ(third);
  await other.save();
  assert.deepEqual(await told(third), ["regressed", false, 1, "2.0", "3.0"]);
  assert.deepEqual(
    countFamilies(third.families).map(({ state, count }) => [state, count]),
    [["regressed", 1]],
  );
});

test("an open family of the build before is in no gauge until it is seen", async (t) => {
  const { begin, differ, saverOf } = world();
  const store = sharedStore(t);
  const unit = begin("p");
  unit.setBuild("candidate", "2.0");
  differ(unit);
  const saver = saverOf(unit, () => store);
  await saver.save();
  assert.equal(countFamilies(unit.families).length, 1);
  unit.setBuild("candidate", "3.0");
  await saver.save();
  assert.deepEqual([[...unit.families].length, countFamilies(unit.families)], [1, []]);
});

test("shadow J1: who waits for a seed is stored with each checkpoint, of the campaign that runs", async (t) => {
  const { begin, saverOf } = world();
  const store = sharedStore(t);
  const unit = begin("p");
  unit.setGroups({ waiting: 3, seeded: 0, diverged: 0 });
  unit.setBuild("candidate", "2.0");
  const saver = saverOf(unit, () => store);
  await saver.save();
  unit.setGroups({ waiting: 1, seeded: 2, diverged: 0 });
  await saver.save();
  const told = async () => sumGroups(await store.groups(unit.campaign?.id ?? ""));
  assert.deepEqual(await told(), { waiting: 1, seeded: 2, diverged: 0 });
  unit.setBuild("candidate", "3.0");
  await saver.save();
  assert.deepEqual(await told(), { waiting: 1, seeded: 2, diverged: 0 });
});

test("what ends while it is saved is saved once more, and said to have ended", async (t) => {
  const { begin, differ, saverOf } = world();
  const saved: Checkpoint[] = [];
  const store = sharedStore(t, saved);
  const unit = begin("p");
  unit.setBuild("candidate", "2.0");
  const { id } = unit.campaign ?? { id: "" };
  const save = store.save.bind(store);
  let isFirst = true;
  store.save = async (checkpoint) => {
    if (isFirst) {
      isFirst = false;
      differ(unit);
      unit.setBuild("candidate", "3.0");
    }
    await save(checkpoint);
  };
  const saver = saverOf(unit, () => store);
  differ(unit);
  await saver.save();
  await saver.save();
  assert.equal((await store.families(id))[0]?.differing, 2);
  assert.deepEqual(
    saved.filter(({ campaign }) => campaign.id === id).map(({ isEnded }) => isEnded),
    [false, true],
  );
  assert.equal(unit.series.length, 1);
});

test("without a store four ended campaigns are kept; of more the oldest are lost, and counted", () => {
  const { begin, differ, dropped } = world();
  const unit = begin("p");
  for (let build = 0; build < 10; build++) {
    unit.setBuild("candidate", String(build));
    differ(unit);
  }
  assert.equal(unit.series.length, 5);
  assert.deepEqual(
    dropped,
    Array.from({ length: 5 }, () => "lost"),
  );
});

test("samples that wait for a store take no more than 16 MiB, over all campaigns of a unit", () => {
  const { begin, dropped } = world();
  const unit = begin("p");
  let kept = 0;
  for (let build = 0; build < 4; build++) {
    unit.setBuild("candidate", String(build));
    const running = unit.series.at(-1);
    const elsewhere = unit.series.slice(0, -1).reduce((sum, { bytes }) => sum + bytes, 0);
    for (let at = 0; at < 10; at++) {
      const sample = { family: "f", place: at, group: "g", atMs: 0, body: "x".repeat(1024 ** 2 - 100) };
      if (running?.keep(sample, null, elsewhere) === true) kept += 1;
    }
  }
  assert.equal(kept, 16);
  assert.deepEqual(dropped, []);
});

test("shadow P2: of a route that wants it both bodies are kept too, redacted and sealed; of others no value", async (t) => {
  const key = new Uint8Array(32).fill(7);
  for (const isWanted of [true, false]) {
    const { begin, differ, dropped, saverOf } = world();
    const dir = mkdtempSync(join(tmpdir(), "switchyard-bodies-"));
    const store = openSqliteEvidence(join(dir, "shadow-0.sqlite3"), { bodies: { key } });
    t.after(async () => {
      await store.close();
      rmSync(dir, { recursive: true });
    });
    const unit = begin("p");
    unit.setBuild("candidate", "2.0");
    unit.setRedacted(new Set(isWanted ? ["GET /a"] : ["GET /b"]));
    differ(unit, "open");
    await saverOf(unit, () => store).save();
    const id = unit.campaign?.id ?? "";
    const [family] = await store.families(id);
    const [kept] = await store.samples(id, family?.name ?? "");
    assert.ok(kept);
    assert.doesNotMatch(JSON.stringify(kept.body), /open/, "the sample itself holds no value");
    assert.equal((kept.body as { bodies?: unknown }).bodies, isWanted ? "redacted" : undefined);
    const found = await store.bodies?.body({ ...kept, campaign: id });
    const side = (body: unknown) => ({ status: 200, headers: ["content-type"], body });
    const body = { control: side({ total: 1 }), candidate: side({ total: "open" }) };
    assert.deepEqual(found, isWanted ? { atMs: kept.atMs, body } : null);
    assert.deepEqual(dropped, []);
  }
});

test("a store that cannot be opened is tried again after a minute, and then has what was counted meanwhile", async (t) => {
  const { time, begin, differ, dropped, told, saverOf } = world();
  const store = sharedStore(t);
  const unit = begin("p");
  unit.setBuild("candidate", "2.0");
  let isThere = false;
  const saver = saverOf(unit, () => {
    if (!isThere) throw new EvidenceError("read_only");
    return store;
  });
  differ(unit);
  await saver.save();
  isThere = true;
  await saver.save();
  assert.deepEqual([told, dropped], [["shadow.evidence.failed read_only"], ["lost"]]);
  time.ms += 60_000;
  await saver.save();
  assert.equal((await store.families(unit.campaign?.id ?? ""))[0]?.differing, 1);
});

test("a run that was added up is over: whoever has it is told, and nothing of it is taken for saved", async (t) => {
  const { begin, differ, told, saverOf } = world();
  const store = sharedStore(t);
  const unit = begin("p");
  unit.setBuild("candidate", "2.0");
  differ(unit);
  store.save = () => Promise.reject(new EvidenceError("over"));
  const saver = saverOf(unit, () => store);
  await saver.save();
  assert.deepEqual(told, ["shadow.evidence.failed over", "over"]);
  assert.equal(unit.series[0]?.unsaved(0).checkpoint.families.length, 1);
});

test("shadow J4, J5: other rules leave apart what has gone apart at the target; another build begins anew", () => {
  const { begin } = world();
  const unit = begin("p");
  unit.setBuild("candidate", "1.0");
  unit.diverge("ann");
  unit.setRules(new RuleBook([], { normalisers: NORMALISERS, statusClass: String }, () => 0), "other rules");
  assert.deepEqual([unit.isDiverged("ann"), unit.isDiverged("bob")], [true, false]);
  unit.setBuild("candidate", "1.1");
  assert.equal(unit.isDiverged("ann"), false);
});
