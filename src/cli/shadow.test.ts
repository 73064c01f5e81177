// The shadow's commands over evidence in real files, written as the compare threads of several processes write them.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { createCliHarness } from "./testing/cliHarness.ts";
import { assertGolden, shapeOf } from "./testing/golden.ts";
import { bodyOf, family, type ShadowFolder, shadowFolder, START_MS, store } from "./testing/shadowFolder.ts";

const TOTAL = family({});
const TITLE = family({
  template: "$.items[*].title",
  kind: "value",
  severity: "value",
  control: "text",
  candidate: "text",
  differing: 3,
  groups: 2,
  confirmedBy: null,
});
const KNOWN = family({
  template: "header:etag",
  kind: "value",
  severity: "value",
  state: "accepted",
  confirmedBy: null,
});

const shapes: string[] = [];
const jsonOf = (stdout: string, command: string): Record<string, unknown> => {
  const value = JSON.parse(stdout) as Record<string, unknown>;
  assert.equal(value["schemaVersion"], 1);
  shapes.push(`$ switchyard ${command} --json\n${shapeOf(value)}\n`);
  return value;
};

const samplesOf = (found: typeof TOTAL, bodies: readonly (readonly [unknown, unknown])[]) =>
  bodies.map((both, place) => ({
    family: found.name,
    place,
    group: `g${place}`,
    atMs: START_MS + place,
    body: bodyOf(found, both),
  }));

/** Two processes that have both seen the first family. */
async function twoProcesses(t: TestContext, shadow?: string): Promise<ShadowFolder> {
  const folder = shadowFolder(t, shadow);
  await store(t, folder, 1, {
    identical: { "GET /orders/:id": 500 },
    families: [TOTAL, TITLE],
    samples: [
      ...samplesOf(TOTAL, [
        [
          { id: "uuid(36)#aa11bb22cc33", total: "integer#c21d90" },
          { id: "uuid(36)#aa11bb22cc33", total: "text(1)#c21d90" },
        ],
      ]),
      ...samplesOf(TITLE, [[{ items: [{ title: "text(4)#aaaaaa" }] }, { items: [{ title: "text(4)#bbbbbb" }] }]]),
    ],
  });
  await store(t, folder, 2, {
    identical: { "GET /orders/:id": 300 },
    notCompared: { pressure: 2 },
    families: [family({ differing: 1, groups: 1 }), KNOWN],
    samples: samplesOf(TOTAL, [[{ total: "integer#d1d1d1" }, { total: "text(2)#d1d1d1" }]]),
  });
  return folder;
}

test("a report tells all processes' evidence as one, and its exit code is the gate", async (t) => {
  const folder = await twoProcesses(t);
  const { code, stdout, stderr } = await folder.ask("shadow", "report");
  assert.equal(code, 1, stderr);
  assert.match(
    stdout,
    /^### Shadow report · orders · 20 Nov 06:00 → 20 Nov 06:01 UTC · legacy 1\.0, rewrite 2\.0 · rules abc\n/,
  );
  assert.match(stdout, /\*\*NOT READY\*\*/);
  assert.match(stdout, /GET \/orders\/:id +\|\s+812 \(99\.7 %\)/);
  assert.match(stdout, /Top: GET \/orders\/:id · `\$\.total` · type integer → text · 5 of 812 · 3 groups · breaking/);
  assert.match(stdout, /POST \/orders .*not mirrored \(unsafe_write\)/);
  assert.match(stdout, /Not compared: 2 = pressure 2/);
  assert.match(stdout, /control has no shadow target/);
  assert.deepEqual((await folder.ask("shadow", "report", "orders")).stdout, stdout);
  assert.deepEqual((await folder.ask("shadow", "report", "--unit", "orders", "--campaign", "c0ff")).stdout, stdout);
});

test("a unit of which everything was equal is ready, and the same evidence gives the same bytes", async (t) => {
  const folder = shadowFolder(t);
  await store(t, folder, 0, { unit: "notes", identical: { "GET /notes": 20_000 } });
  for (const format of ["md", "html", "json", "junit"]) {
    const one = await folder.ask("shadow", "report", "--format", format);
    assert.equal(one.code, 0, one.stdout + one.stderr);
    assert.equal((await folder.ask("shadow", "report", "--format", format)).stdout, one.stdout);
    const out = join(folder.folder, `report.${format}`);
    const written = await folder.ask("shadow", "report", "--format", format, "--out", out);
    assert.deepEqual([written.code, written.stdout], [0, ""]);
    assert.match(written.stderr, /ready: written to /);
    assert.equal(readFileSync(out, "utf8"), one.stdout);
  }
  const { stdout } = await folder.ask("shadow", "report", "--json");
  assert.equal(stdout, (await folder.ask("shadow", "report", "--format", "json")).stdout);
  const nowhere = await folder.ask("shadow", "report", "--out", join(folder.folder, "no", "such", "folder"));
  assert.equal(nowhere.code, 4);
  assert.match(nowhere.stderr, /cannot be written \(ENOENT\)/);
});

test("a route's own limit decides readiness, and one that lets more pass is told", async (t) => {
  const folder = shadowFolder(t);
  const found = { route: "GET /notes", kind: "value", severity: "value", control: "text", candidate: "text" } as const;
  const noise = family({ ...found, template: "$.note", differing: 120, groups: 9, confirmedBy: null });
  await store(t, folder, 0, { unit: "notes", identical: { "GET /notes": 20_000 }, families: [noise] });
  const usual = await folder.ask("shadow", "report");
  assert.equal(usual.code, 1, usual.stderr);
  assert.match(usual.stdout, /NOT READY\*\*.*1 of 1 route above its limit/);
  assert.doesNotMatch(usual.stdout, /may differ above noise/);
  folder.configure("shadow: { sample: 5%, routes: [{ route: GET /notes, limit: 2% }] }\n");
  const wide = await folder.ask("shadow", "report");
  assert.equal(wide.code, 0, wide.stdout);
  assert.match(wide.stdout, /2\.0 % of GET \/notes may differ above noise, instead of 0\.5 %/);
  folder.configure("shadow: { sample: 5%, routes: [{ route: GET /notes, limit: 0.1% }] }\n");
  const narrow = await folder.ask("shadow", "report", "--json");
  assert.equal(narrow.code, 1);
  const { routes } = JSON.parse(narrow.stdout) as { routes: { limit: number; state: string }[] };
  assert.deepEqual(
    routes.map(({ limit, state }) => [limit, state]),
    [[0.001, "not ready"]],
  );
});

test("how many groups wait for their seed is told of all processes together, also of those that have stopped", async (t) => {
  const folder = shadowFolder(t);
  const counted = { identical: { "GET /orders/:id": 500 } };
  await store(t, folder, 1, { ...counted, groups: { waiting: 3, seeded: 40, diverged: 1 } });
  await store(t, folder, 2, { ...counted, groups: { waiting: 4, seeded: 50, diverged: 0 } });
  const { stdout } = await folder.ask("shadow", "report");
  assert.match(stdout, /^Groups: 90 seeded, 1 diverged, 7 waiting$/m);
  assert.match(stdout, /^- what 7 groups did that were never seeded is not in the sample$/m);
});

test("--since counts back from the end of the evidence", async (t) => {
  const folder = shadowFolder(t);
  const day = 86_400_000;
  const campaign = { unit: "notes", id: "c1" };
  await store(t, folder, 1, { ...campaign, identical: { "GET /notes": 300 } });
  await store(t, folder, 2, { ...campaign, startedMs: START_MS + 2 * day, identical: { "GET /notes": 200 } });
  const compared = async (...args: string[]): Promise<unknown> =>
    (JSON.parse((await folder.ask("shadow", "report", "--json", ...args)).stdout) as { head: { compared: number } })
      .head.compared;
  assert.equal(await compared(), 500);
  assert.equal(await compared("--since", "7d"), 500);
  assert.equal(await compared("--since", "1d"), 200);
});

test("no evidence is exit 2 with what to do, evidence of several units needs a name", async (t) => {
  const off = await shadowFolder(t, "").ask("shadow", "report");
  assert.deepEqual([off.code, off.stdout], [2, ""]);
  assert.match(off.stderr, /no evidence of the shadow in .*Expected: shadow-0\.sqlite3/);
  assert.match(off.stderr, /Nothing is mirrored: set "shadow: \{ sample: 5% \}" in .*docs\/shadow\.md/);
  const folder = shadowFolder(t);
  assert.match((await folder.ask("shadow", "show")).stderr, /It begins with the first call that is mirrored/);
  await store(t, folder, 0, { unit: "notes", id: "c1", identical: { "GET /notes": 1 } });
  await store(t, folder, 1, { unit: "orders", id: "c2", identical: { "GET /orders/:id": 1 } });
  const which = await folder.ask("shadow", "report");
  assert.equal(which.code, 2);
  assert.match(which.stderr, /several units\.\nName one with --unit: notes, orders\./);
  const unknown = await folder.ask("shadow", "report", "--unit", "nope");
  assert.match(unknown.stderr, /no evidence of unit "nope"\.\nUnits with evidence: notes, orders\./);
  const campaign = await folder.ask("shadow", "report", "--unit", "notes", "--campaign", "c2");
  assert.equal(campaign.code, 2);
  assert.match(campaign.stderr, /no campaign "c2"\.\nThe newest ones:\n {2}c1 {3}notes/);
});

test("evidence that cannot be read is exit 4", async (t) => {
  const folder = shadowFolder(t);
  mkdirSync(folder.stateDir);
  folder.write("state/shadow-0.sqlite3", "no database, but long enough to be asked about its header".repeat(4));
  const { code, stderr } = await folder.ask("shadow", "report");
  assert.equal(code, 4);
  assert.match(stderr, /shadow-0\.sqlite3 cannot be read: the file of evidence is damaged/);
});

test("evidence whose damage shows only when it is read is exit 4 too", async (t) => {
  const folder = await twoProcesses(t);
  const db = new DatabaseSync(join(folder.stateDir, "shadow-1.sqlite3"));
  db.exec("UPDATE families SET facts = '{'");
  db.close();
  const rule = folder.write("tested.rules.yaml", "rules: []\n");
  for (const words of [["report"], ["show"], ["rules", "test", rule]]) {
    const { code, stderr } = await folder.ask("shadow", ...words);
    assert.equal(code, 4, stderr);
    assert.match(stderr, /shadow-1\.sqlite3 cannot be read: /);
  }
});

test("show lists what differs, the worst first, and one family with only what differs of both sides", async (t) => {
  const folder = await twoProcesses(t, "shadow: { sample: 5%, rules: [] }\n");
  const { code, stdout, stderr } = await folder.ask("shadow", "show");
  assert.equal(code, 0, stderr);
  assert.match(
    stderr,
    /^campaign c0ffee12 {3}orders {3}control 1\.0, candidate 2\.0, since 2026-11-20 06:00:00 UTC\n/m,
  );
  const rows = stdout.trimEnd().split("\n");
  assert.match(rows[1] ?? "", /^1 +breaking +open +GET \/orders\/:id +\$\.total +type integer → text +5 +3$/);
  assert.match(rows[2] ?? "", /^2 +value +open +GET \/orders\/:id +\$\.items\[\*\]\.title /);
  assert.match(rows[3] ?? "", /^3 +value +accepted /);
  for (const wanted of ["1", "$.total", "total type"]) {
    const one = await folder.ask("shadow", "show", wanted);
    assert.equal(one.code, 0, wanted);
    assert.match(one.stdout, /seen {4}0\.62 % \(5 of 812\), 3 groups/);
    assert.match(
      one.stdout,
      /sample 1 of 2 .*\n {2}● control 200 {3}▲ candidate 200\n {2}» \$\.total {3}type breaking\n/,
    );
    assert.match(one.stdout, / control +integer#c21d90\n +candidate +text\(1\)#c21d90\n/);
    assert.doesNotMatch(one.stdout, /uuid/, "what is equal is not shown");
    assert.match(one.stdout, /it would hide 1 family, 5 exchanges, 2 samples:\n\n- id: accept-type-/);
  }
  const several = await folder.ask("shadow", "show", "GET /orders");
  assert.equal(several.code, 2);
  assert.match(
    several.stderr,
    /"GET \/orders" is in 3 families\.\nFamilies:\n {2}1 {2}GET \/orders\/:id \$\.total type\n/,
  );
  assert.match((await folder.ask("shadow", "show", "7")).stderr, /There is no family "7"\./);
});

test("what the arms have called their keys is not obeyed by a terminal", async (t) => {
  const folder = shadowFolder(t);
  const evil = family({ template: '$["\u001b[2Jgone"]' });
  await store(t, folder, 0, {
    identical: { "GET /orders/:id": 1 },
    families: [evil],
    samples: samplesOf(evil, [[{}, {}]]),
  });
  for (const args of [["show"], ["show", "1"]]) {
    const { code, stdout } = await folder.ask("shadow", ...args);
    assert.equal(code, 0);
    assert.ok(!stdout.includes("\u001b"), JSON.stringify(stdout));
    assert.match(stdout, /gone/);
  }
});

const RULE = (id: string, more: string): string =>
  `  - { id: ${id}, owner: orders, reason: known, until: 2099-01-01, on: ["GET /orders/:id"], ${more} }\n`;

test("the report names the rule that accepts a family, and rules whose day had passed", async (t) => {
  const folder = await twoProcesses(t);
  const file = folder.write(
    "own.rules.yaml",
    [
      "rules:\n",
      RULE("other", "path: $.total, accept: true"),
      RULE("etag", "header: etag, accept: true"),
      RULE("old", "path: $.total, ignore: value").replace("2099", "2020"),
    ]
      .join("")
      .replaceAll(/until: ([\d-]+)/g, 'until: "$1"'),
  );
  folder.configure(`shadow: { sample: 5%, rules: [${file}] }\n`);
  const { stdout, stderr } = await folder.ask("shadow", "report", "--json");
  const made = JSON.parse(stdout) as {
    families: { state: string; acceptedBy: { id: string } | null }[];
    expiredRules: { id: string }[];
  };
  assert.match(stderr, /Other rules hold now than those of this campaign/);
  assert.deepEqual(
    made.families.map(({ state, acceptedBy }) => [state, acceptedBy?.id ?? null]),
    [
      ["open", null],
      ["open", null],
      ["accepted", "etag"],
    ],
  );
  assert.deepEqual(
    made.expiredRules.map(({ id }) => id),
    ["old"],
  );
  assert.match(
    (await folder.ask("shadow", "show", "etag")).stdout,
    /not: rule etag accepts it until 2099-01-01 \(orders: known\)/,
  );
});

test("rules test tells what each rule would hide, and what nobody can say without values", async (t) => {
  const folder = await twoProcesses(t);
  const file = folder.write(
    "new.rules.yaml",
    [
      "rules:\n",
      RULE("total", "path: $.total, accept: true"),
      RULE("titles", "path: $.items, compare: [by(title)]"),
      RULE("no-such", "path: $.nothing, ignore: all"),
    ]
      .join("")
      .replaceAll(/until: ([\d-]+)/g, 'until: "$1"'),
  );
  const { code, stdout, stderr } = await folder.ask("shadow", "rules", "test", file);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /3 rules, against evidence of orders c0ffee12: 3 families, 3 samples\n/);
  assert.match(
    stdout,
    /total {3}accept .*\n {2}hides 1 family \(5 exchanges\), 2 samples\n {4}breaking {2}open {2}GET \/orders\/:id {2}\$\.total {2}type integer → text {2}5 seen/,
  );
  assert.match(
    stdout,
    /titles {3}compare by\(title\) .*\n {2}may hide 1 family \(3 exchanges\), 1 sample: it depends on values/,
  );
  assert.match(stdout, /no-such .*\n {2}hides nothing that is stored\n/);
  assert.match(stdout, /Together: 1 family hidden, and 2 samples without a rest\./);
});

const FIXTURE = {
  route: "GET /orders/:id",
  control: { body: { a: 1, total: 1 } },
  candidate: { body: { a: 1, total: "1" } },
};

test("a fixture that is different no more must be named in the file", async (t) => {
  const folder = shadowFolder(t);
  const fixtures = join(folder.folder, "fixtures");
  mkdirSync(fixtures);
  const fixture = (name: string, more: object): string =>
    folder.write(`fixtures/${name}.fixture.json`, JSON.stringify({ ...FIXTURE, ...more }));
  fixture("total-type", { expect: "different" });
  fixture("status", { candidate: { status: 500 }, expect: "different" });
  fixture("same", { candidate: FIXTURE.control });
  const rules = `rules:\n${RULE("total", "path: $.total, accept: true").replaceAll(/until: ([\d-]+)/g, 'until: "$1"')}`;
  const file = folder.write("new.rules.yaml", rules);
  const hidden = await folder.ask("shadow", "rules", "test", file, "--fixtures", fixtures);
  assert.equal(hidden.code, 1, hidden.stderr);
  assert.match(hidden.stderr, /Only fixtures are tried\./);
  assert.match(
    hidden.stdout,
    /Fixtures: 2 of 3 as expected\n {2}total-type {2}different → accepted {2}by total {2}not listed in the file/,
  );
  folder.write("new.rules.yaml", `${rules}hides: [total-type, gone]\n`);
  const listed = await folder.ask("shadow", "rules", "test", file, "--fixtures", fixtures);
  assert.equal(listed.code, 0, listed.stdout);
  assert.match(listed.stdout, /total-type .* listed\nhides names what is no fixture: gone/);
  folder.configure(`shadow: { sample: 5%, rules: [${file}] }\n`);
  assert.equal(
    (await folder.ask("shadow", "rules", "test", file, "--fixtures", fixtures)).code,
    0,
    "its own rules do not stand twice",
  );
  fixture("same", { candidate: FIXTURE.control, expect: "different" });
  const wrong = await folder.ask("shadow", "rules", "test", file, "--fixtures", fixtures);
  assert.equal(wrong.code, 1);
  assert.match(wrong.stdout, /same {8}identical/);
});

test("a rule file or fixture that cannot be used is exit 3, with every place; without anything to try it is exit 2", async (t) => {
  const folder = shadowFolder(t);
  const bad = folder.write(
    "bad.rules.yaml",
    "rules:\n  - { id: a, owner: o, reason: r, on: [GET /x], path: $.a, compare: [nonsense] }\nhidez: []\n",
  );
  const text = await folder.ask("shadow", "rules", "test", bad);
  assert.equal(text.code, 3);
  assert.match(
    text.stdout,
    /bad\.rules\.yaml: 2 problems .*exit 3\n {2}2:70 +rules\[0\]\.compare\[0\] +no normaliser nonsense/,
  );
  const machine = await folder.ask("shadow", "rules", "test", bad, "--json");
  const { isValid, problems } = JSON.parse(machine.stdout) as { isValid: boolean; problems: { line: number }[] };
  assert.deepEqual([machine.code, isValid, problems.length], [3, false, 2]);
  const good = folder.write("good.rules.yaml", "rules: []\n");
  assert.equal((await folder.ask("shadow", "rules", "test", good)).code, 2);
  assert.equal((await folder.ask("shadow", "rules", "test", good, "--fixtures", folder.folder)).code, 2);
  folder.write("x.fixture.json", JSON.stringify({ ...FIXTURE, expects: "different" }));
  const strange = await folder.ask("shadow", "rules", "test", good, "--fixtures", folder.folder);
  assert.equal(strange.code, 3);
  assert.match(strange.stderr, /x\.fixture\.json: .*expects/);
  folder.write("x.fixture.json", JSON.stringify({ ...FIXTURE, route: "GET /nowhere" }));
  const nowhere = await folder.ask("shadow", "rules", "test", good, "--fixtures", folder.folder);
  assert.equal(nowhere.code, 3);
  assert.match(nowhere.stderr, /"GET \/nowhere" is no route of the configuration/);
});

test("validate looks into the rule files that the configuration names", async (t) => {
  const folder = shadowFolder(t);
  const good = folder.write(
    "good.yaml",
    "rules:\n  - { id: a, owner: o, reason: r, on: [GET /x], path: $.a, compare: [num] }\n",
  );
  const bad = folder.write(
    "bad.yaml",
    "rules:\n  - { id: a, owner: o, reason: r, on: [GET /x], path: $.a, compare: [nonsense] }\n",
  );
  folder.configure(`shadow: { rules: [${good}, ${bad}] }\n`);
  const text = await folder.ask("validate");
  assert.deepEqual([text.code, text.stderr], [3, ""]);
  assert.match(text.stdout, /^\S+bad\.yaml: 2 problems/);
  assert.match(text.stdout, / 2:\d+ +rules\[0\]\.id +a stands in \S+good\.yaml already/);
  const machine = await folder.ask("validate", "--json");
  const { isValid, problems } = JSON.parse(machine.stdout) as { isValid: boolean; problems: { file: string }[] };
  assert.deepEqual([machine.code, isValid, problems.map(({ file }) => file)], [3, false, [bad, bad]]);
  const report = await folder.ask("shadow", "rules", "test", good);
  assert.equal(report.code, 3, "the other files must be good");
  folder.configure(`shadow: { rules: [${good}] }\n`);
  assert.deepEqual((await folder.ask("validate")).code, 0);
});

test("the program itself knows what its application lists, and reads while a writer has the files open", async (t) => {
  const harness = await createCliHarness();
  t.after(() => harness.close());
  const stateDir = join(harness.folder, "state");
  await store(t, { stateDir }, 0, { identical: { "GET /orders/:id": 20_000 } });
  const { code, stdout, stderr } = await harness.run(["shadow", "report"]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /\*\*READY\*\*: the one mirrored route is within its limit/);
  assert.deepEqual((await harness.run(["shadow", "show", "--quiet"])).stdout, "nothing differs\n");
});

test("the JSON of every command has the agreed shape", async (t) => {
  const folder = await twoProcesses(t);
  jsonOf((await folder.ask("shadow", "show", "--json")).stdout, "shadow show");
  jsonOf((await folder.ask("shadow", "show", "1", "--json")).stdout, "shadow show 1");
  const file = folder.write(
    "new.rules.yaml",
    `rules:\n${RULE("total", "path: $.total, accept: true").replace("2099-01-01", '"2099-01-01"')}`,
  );
  const fixtures = join(folder.folder, "fixtures");
  mkdirSync(fixtures);
  folder.write("fixtures/total.fixture.json", JSON.stringify(FIXTURE));
  const { stdout } = await folder.ask("shadow", "rules", "test", file, "--fixtures", fixtures, "--json");
  jsonOf(stdout, "shadow rules test new.rules.yaml --fixtures fixtures");
  assertGolden("shadowJson.golden.txt", shapes.join("\n"));
});
