import assert from "node:assert/strict";
import { mkdtemp, rename, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createManualClock } from "../kernel/index.ts";
import { createFileSource } from "./fileSource.ts";
import type { ClientFeatures, FlagReading } from "./ports.ts";

const document = (revisionId: number): ClientFeatures => ({ version: 2, features: [], meta: { revisionId } });
const textOf = (revisionId: number): string => JSON.stringify(document(revisionId));

async function until(what: string, isTrue: () => boolean): Promise<void> {
  const end = Date.now() + 5_000;
  while (!isTrue()) {
    if (Date.now() > end) assert.fail(`not in time: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

async function running(t: TestContext, firstText: string | null = textOf(1)) {
  const folder = await mkdtemp(join(tmpdir(), "source-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "flags.json");
  if (firstText !== null) await writeFile(file, firstText);
  const clock = createManualClock();
  const readings: FlagReading[] = [];
  const problems: (string | null)[] = [];
  const source = createFileSource({ file, clock, onProblem: (problem) => problems.push(problem) });
  await source.start((reading) => readings.push(reading));
  t.after(() => source.stop());
  const revision = () => source.reading.data?.meta?.revisionId;
  return { folder, file, clock, source, readings, problems, revision };
}

test("a file written in place is followed by its event, without the clock", async (t) => {
  const { file, revision } = await running(t);
  assert.equal(revision(), 1);
  await writeFile(file, textOf(2));
  await until("revision 2", () => revision() === 2);
});

test("a file that takes the old one's place by a rename is followed, again and again", async (t) => {
  const { folder, file, revision } = await running(t);
  for (let next = 2; next < 6; next++) {
    await writeFile(join(folder, "new"), textOf(next));
    await rename(join(folder, "new"), file);
    await until(`revision ${next}`, () => revision() === next);
  }
});

test("the same size and the same mtime do not hide a change", async (t) => {
  const { file } = await running(t);
  // Never started: no event may read the file before its mtime is set back.
  const source = createFileSource({
    file,
    clock: createManualClock(),
    onProblem: (problem) => assert.fail(`${problem}`),
  });
  const at = new Date(Date.now() - 60_000);
  for (const revision of [3, 4]) {
    await writeFile(file, textOf(revision));
    await utimes(file, at, at);
    await source.check();
    assert.equal(source.reading.data?.meta?.revisionId, revision);
  }
});

test("a truncated file keeps the last valid reading, is named once, ages, and heals", async (t) => {
  const { file, clock, source, problems, revision } = await running(t);
  const confirmedAtMs = source.reading.confirmedAtMs;
  // In one step: a look between truncating and writing would find another fault.
  await writeFile(`${file}.half`, textOf(2).slice(0, 12));
  await rename(`${file}.half`, file);
  await until("noticed", () => source.problem !== null);
  const failures = source.failures;
  clock.advance(5_000);
  await until("checked again", () => source.failures > failures);
  assert.equal(revision(), 1);
  assert.equal(source.reading.confirmedAtMs, confirmedAtMs, "nothing confirmed it since");
  assert.equal(problems.length, 1);
  assert.match(problems[0] ?? "", /flags\.json is not JSON/);
  await writeFile(file, textOf(3));
  await until("healed", () => revision() === 3);
  assert.deepEqual([problems.at(-1), source.problem], [null, null]);
});

test("a file that vanishes keeps the last valid reading", async (t) => {
  const { file, source, revision } = await running(t);
  await rm(file);
  await until("noticed", () => source.problem !== null);
  assert.match(source.problem ?? "", /cannot be read: ENOENT/);
  assert.equal(revision(), 1);
});

test("a file that never was gives a reading without data", async (t) => {
  const { source, readings } = await running(t, null);
  assert.deepEqual([source.reading.data, readings.length], [null, 0]);
});

test("an unchanged file is confirmed each second with the very same data", async (t) => {
  const { clock, source, readings } = await running(t);
  const { data, confirmedAtMs } = source.reading;
  clock.advance(1_000);
  await until("confirmed", () => source.reading.confirmedAtMs === confirmedAtMs + 1_000);
  assert.equal(source.reading.data, data);
  assert.ok(readings.every((reading) => reading.data === data));
});

test("nothing runs after the stop", async (t) => {
  const { file, clock, source, readings } = await running(t);
  await source.stop();
  const before = readings.length;
  await writeFile(file, textOf(2));
  clock.advance(10_000);
  assert.deepEqual([readings.length, clock.pending], [before, 0]);
});
