import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test, type TestContext } from "node:test";
import { bodyOf, family, type ShadowFolder, shadowFolder, START_MS, store } from "../testing/shadowFolder.ts";

const TOTAL = family({});
const KEY = Buffer.alloc(32, 7);
const side = (body: unknown) => ({ status: 200, headers: ["content-type"], body });
const SHAPES = [{ total: "integer#c21d90c21d90" }, { total: "digits(1)#c21d90c21d90" }] as const;
/** As the redactor leaves them: what is nobody's business is a shape here too. */
const VALUES = {
  control: side({
    state: "open",
    title: "text(9)#aaaaaaaaaaaa",
    items: [{ n: 1 }, { n: 2 }],
    total: 5,
    "odd key": true,
  }),
  candidate: side({ state: "open", title: "text(4)#bbbbbbbbbbbb", items: [{ n: 1 }, { n: 3 }], total: "5" }),
};

const shadow = (keyFile: string | null): string =>
  `shadow: { sample: 5%${keyFile === null ? "" : `, bodyKeyFile: ${keyFile}`} }\n`;

/** Two samples with bodies, and one without. */
async function folderOf(t: TestContext): Promise<ShadowFolder & { readonly keyFile: string }> {
  const folder = shadowFolder(t);
  const keyFile = folder.write("body.key", `${KEY.toString("base64")}\n`);
  folder.configure(shadow(keyFile));
  const sampleOf = (place: number, more: object) => ({
    family: TOTAL.name,
    place,
    group: `g${place}`,
    atMs: START_MS + place,
    body: { ...bodyOf(TOTAL, SHAPES), ...more },
  });
  await store(t, folder, 0, {
    identical: { "GET /orders/:id": 10 },
    families: [TOTAL],
    samples: [sampleOf(0, { bodies: "redacted" }), sampleOf(1, { bodies: "redacted" }), sampleOf(2, {})],
    bodies: { key: KEY, of: [VALUES, { control: { error: "timeout" }, candidate: VALUES.candidate }] },
  });
  return { ...folder, keyFile };
}

const valuesOf = async (folder: ShadowFolder): Promise<readonly unknown[]> => {
  const { stdout, stderr, code } = await folder.ask("shadow", "show", "1", "--json");
  assert.equal(code, 0, stderr);
  const { family: shown } = JSON.parse(stdout) as { family: { samples: { values: unknown }[] } };
  return shown.samples.map(({ values }) => values);
};

test("shadow P2: with the key both sides are shown, and of them only what differs", async (t) => {
  const folder = await folderOf(t);
  const { stdout, stderr } = await folder.ask("shadow", "show", "1");
  assert.match(
    stdout,
    new RegExp(
      [
        "  values   redacted, where they differ",
        String.raw`    \$\.title +text\(9\)#aaaaaaaaaaaa → text\(4\)#bbbbbbbbbbbb`,
        String.raw`    \$\.items\[1\]\.n +2 → 3`,
        String.raw`    \$\.total +5 → "5"`,
        String.raw`    \$\["odd key"\] +true → nothing`,
        "",
        "sample 2 of 3",
      ].join("\n"),
    ),
    stdout + stderr,
  );
  assert.doesNotMatch(stdout.split("sample 2")[0] ?? "", /"open"/, "what is equal is not shown");
  assert.match(stdout, /sample 3 of 3[^]*values {3}not kept: shapes only/);
  const [first, second, third] = await valuesOf(folder);
  assert.deepEqual((first as { changed: unknown[] }).changed.at(-2), {
    path: "$.total",
    control: "5",
    candidate: '"5"',
  });
  assert.deepEqual(
    (second as { changed: { control: unknown }[] }).changed.map(({ control }) => control),
    [null],
  );
  assert.deepEqual(third, { state: "unwanted" });
});

test("shadow P2: without the key, with another one, and when they had to go, that is what is said", async (t) => {
  const folder = await folderOf(t);
  folder.configure(shadow(null));
  assert.deepEqual(
    await valuesOf(folder),
    ["locked", "locked", "unwanted"].map((state) => ({ state })),
  );
  assert.match((await folder.ask("shadow", "show", "1")).stdout, /values {3}kept, and sealed: shadow\.bodyKeyEnv/);
  folder.configure(shadow(folder.write("other.key", Buffer.alloc(32, 8).toString("hex"))));
  assert.deepEqual(
    await valuesOf(folder),
    ["unreadable", "unreadable", "unwanted"].map((state) => ({ state })),
  );
  assert.match((await folder.ask("shadow", "show", "1")).stdout, /values {3}sealed with another key/);
  folder.configure(shadow(folder.keyFile));
  const db = new DatabaseSync(join(folder.stateDir, "shadow-0.sqlite3"));
  db.exec("DELETE FROM bodies WHERE place = 0");
  db.close();
  const [first, second] = (await valuesOf(folder)) as readonly { state: string }[];
  assert.deepEqual([first?.state, second?.state], ["gone", "kept"]);
  assert.match((await folder.ask("shadow", "show", "1")).stdout, /values {3}no longer there: they made room/);
  rmSync(folder.keyFile);
  const none = await folder.ask("shadow", "show", "1");
  assert.equal(none.code, 3);
  assert.match(none.stderr, /shadow\.bodyKeyFile .*cannot be read \(ENOENT\)/);
});

test("a report never opens bodies, and a sample whose place another one has got is not shown with that one's", async (t) => {
  const folder = await folderOf(t);
  for (const format of ["md", "html", "json", "junit"]) {
    assert.doesNotMatch((await folder.ask("shadow", "report", "--format", format)).stdout, /aaaaaaaaaaaa/, format);
  }
  const db = new DatabaseSync(join(folder.stateDir, "shadow-0.sqlite3"));
  db.exec("UPDATE samples SET at_ms = at_ms + 1000 WHERE place = 0");
  db.close();
  assert.deepEqual((await valuesOf(folder))[0], { state: "gone" });
});
