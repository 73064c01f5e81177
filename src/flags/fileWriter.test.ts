import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "fast-check";
import type { FlagsError } from "./errors.ts";
import { checkedPercent, createFileWriter, createInitialFile, newFlag, rewrite, withExposure } from "./fileWriter.ts";
import type { ClientFeatures, FeatureDefinition } from "./ports.ts";
import { readUnitFlag } from "./validate.ts";

async function place(
  t: TestContext,
  document?: object,
): Promise<{ folder: string; file: string; read(): Promise<ClientFeatures> }> {
  const folder = await mkdtemp(join(tmpdir(), "writer-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "flags.json");
  if (document) await writeFile(file, JSON.stringify(document));
  return { folder, file, read: async () => JSON.parse(await readFile(file, "utf8")) as ClientFeatures };
}
const rolloutOf = (feature: FeatureDefinition | undefined) =>
  feature?.strategies?.map(({ parameters }) => parameters?.rollout);

test("sets the share and raises the revision, and keeps everything else of the file", async (t) => {
  const constraints = [{ contextName: "userId", operator: "IN", values: ["a"] }];
  const strategy = {
    name: "flexibleRollout",
    parameters: { rollout: "5", groupId: "old", own: "x" },
    constraints,
    title: "t",
  };
  const before = {
    version: 2,
    note: "mine",
    features: [
      { name: "other", enabled: false },
      { name: "f", enabled: true, type: "experiment", strategies: [strategy], variants: [] },
    ],
    segments: [{ id: 1, constraints: [] }],
    meta: { revisionId: 41, etag: "e" },
  };
  const { folder, file, read } = await place(t, before);
  await createFileWriter(file).setExposure("f", 12.5, "ann");
  const parameters = { rollout: "12.5", groupId: "switchyard", own: "x", stickiness: "userId" };
  const features = [before.features[0], { ...before.features[1], strategies: [{ ...strategy, parameters }] }];
  assert.deepEqual(await read(), { ...before, features, meta: { revisionId: 42, etag: "e" } });
  assert.deepEqual(await readdir(folder), ["flags.json"], "neither lock nor temporary file stays");
});

test("creates a flag that is missing, and a file that is missing, privately", async (t) => {
  const { file, read } = await place(t);
  await createFileWriter(file).setExposure("__proto__", 25, "ann");
  const { features, meta } = await read();
  assert.deepEqual(
    [features.length, features[0]?.name, rolloutOf(features[0]), meta?.revisionId],
    [1, "__proto__", ["25"], 1],
  );
  assert.equal((await stat(file)).mode & 0o777, 0o600);
});

test("keeps the file's own mode", async (t) => {
  const { file } = await place(t, { version: 2, features: [] });
  await chmod(file, 0o640);
  await createFileWriter(file).setExposure("f", 1, "ann");
  assert.equal((await stat(file)).mode & 0o777, 0o640);
});

test("an initial file is made once and never over an existing one", async (t) => {
  const { file, read } = await place(t);
  assert.equal(await createInitialFile(file, ["a", "b", "a"]), true);
  assert.deepEqual(
    (await read()).features.map(({ name }) => name),
    ["switchyard.armed", "a", "b"],
  );
  assert.equal(await createInitialFile(file, ["c"]), false);
  assert.equal((await read()).features.length, 3);
});

test("refuses what is no percentage from 0 to 100 with at most one decimal", async (t) => {
  const { file } = await place(t, { version: 2, features: [] });
  const writer = createFileWriter(file);
  for (const percent of [-1, 100.1, 12.55, Number.NaN, Number.POSITIVE_INFINITY, -0.1, 1e-9]) {
    await assert.rejects(
      writer.setExposure("f", percent, "ann"),
      { code: "FLAGS_PERCENT", message: /at most one decimal/ },
      String(percent),
    );
  }
  await assert.rejects(writer.setExposure("", 1, "ann"), { code: "FLAGS_NAME" });
  await assert.rejects(writer.setExposure("f", 1, " "), { code: "FLAGS_NAME" });
  assert.deepEqual(Object.is(checkedPercent(-0), 0), true);
});

test("whatever is written is a valid unit flag at exactly that share", () => {
  fc.assert(
    fc.property(fc.nat(1_000), fc.boolean(), (tenths, isKnown) => {
      const features = isKnown ? [newFlag("f", 3)] : [];
      const document = withExposure({ version: 2, features }, "f", tenths / 10);
      const read = readUnitFlag(document.features[0] as FeatureDefinition);
      assert.ok("value" in read);
      assert.deepEqual(rolloutOf(read.value), [String(tenths / 10)]);
    }),
  );
});

test("refuses to raise what a percentage would not bound, or what is switched off", async (t) => {
  const all = { name: "f", enabled: true, strategies: [{ name: "default" }] };
  const off = { name: "g", enabled: false, strategies: [] };
  const { file, read } = await place(t, { version: 2, features: [all, off] });
  const writer = createFileWriter(file);
  await assert.rejects(writer.setExposure("f", 5, "ann"), { code: "FLAGS_STRATEGY", message: /strategy "default"/ });
  await assert.rejects(writer.setExposure("g", 5, "ann"), { code: "FLAGS_OFF" });
  await writer.setExposure("g", 0, "ann");
  assert.equal((await read()).features[1]?.enabled, false);
});

test("a file that cannot be read is not written over", async (t) => {
  const { file } = await place(t);
  await writeFile(file, '{"version":2,"fea');
  await assert.rejects(createFileWriter(file).setExposure("f", 5, "ann"), {
    code: "FLAGS_DOCUMENT",
    message: /not written over/,
  });
  assert.equal(await readFile(file, "utf8"), '{"version":2,"fea');
});

test("two writers racing lose no update: each change is either whole in the file or refused", async (t) => {
  const { file, read, folder } = await place(t, { version: 2, features: [], meta: { revisionId: 0 } });
  const writers = [createFileWriter(file), createFileWriter(file)];
  const wanted = Array.from({ length: 40 }, (_, at) => ({
    flag: `f${at}`,
    writer: writers[at % 2] as (typeof writers)[number],
  }));
  const outcomes = await Promise.all(
    wanted.map(({ flag, writer }) =>
      writer.setExposure(flag, 1, "ann").then(
        () => flag,
        (error: FlagsError) => {
          assert.equal(error.code, "FLAGS_MOVED");
          return null;
        },
      ),
    ),
  );
  const written = outcomes.filter((flag) => flag !== null);
  const { features, meta } = await read();
  assert.deepEqual(new Set(features.map(({ name }) => name)), new Set(written));
  assert.equal(meta?.revisionId, written.length);
  assert.ok(written.length >= 1, "whoever holds the lock gets through");
  assert.deepEqual(await readdir(folder), ["flags.json"]);
});

test("an editor that saved between reading and writing is not overwritten", async (t) => {
  const { folder, file } = await place(t, { version: 2, features: [] });
  const editor = (document: ClientFeatures): ClientFeatures => {
    writeFileSync(file, '{"version":2,"features":[],"by":"hand"}');
    return withExposure(document, "f", 5);
  };
  await assert.rejects(rewrite(file, editor), { code: "FLAGS_MOVED", message: /changed by someone else/ });
  assert.match(await readFile(file, "utf8"), /"by":"hand"/);
  assert.deepEqual(await readdir(folder), ["flags.json"], "the temporary file is gone");
});

test("a fresh lock refuses, the lock of a dead process does not", async (t) => {
  const { file, read } = await place(t, { version: 2, features: [] });
  await writeFile(`${file}.lock`, "");
  await assert.rejects(createFileWriter(file).setExposure("f", 5, "ann"), {
    code: "FLAGS_MOVED",
    message: /changed by someone else/,
  });
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(`${file}.lock`, longAgo, longAgo);
  await createFileWriter(file).setExposure("f", 5, "ann");
  assert.equal((await read()).features.length, 1);
});

test("a folder that is no folder is a clear error", async (t) => {
  const { file } = await place(t, { version: 2, features: [] });
  await assert.rejects(createFileWriter(join(file, "flags.json")).setExposure("f", 5, "ann"), (error: FlagsError) => {
    assert.equal(error.kind, "unavailable");
    assert.match(error.message, /cannot be written/);
    return true;
  });
});
