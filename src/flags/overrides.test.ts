import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import {
  livePin,
  newPin,
  NO_OVERRIDES,
  PINS_MAX,
  withKill,
  withoutExpired,
  withoutKill,
  withPin,
} from "./overrides.ts";
import { loadOverrides, saveOverrides } from "./overridesFile.ts";
import { KILL_LAYERS, type KillLayer, type Overrides, type Pin } from "./ports.ts";

const NOW = 1_700_000_000_000;
const UNITS = new Set(["tutoring", "__proto__"]);
const pin = (part: Partial<Pin> = {}): Pin =>
  newPin(
    { subject: "u", unit: null, arm: "candidate", reason: "r", actor: "a", untilMs: NOW + 1_000, ...part },
    UNITS,
    NOW,
  );
const kill = (layer: KillLayer, sinceMs = NOW, reason = "r") => ({ layer, reason, actor: "a", sinceMs });

test("layers are kept apart, in order, and each is cleared by itself", () => {
  const both = withKill(withKill(NO_OVERRIDES, kill("L1")), kill("L0"));
  assert.deepEqual(
    both.kills.map(({ layer }) => layer),
    ["L0", "L1"],
  );
  assert.deepEqual(
    withoutKill(both, "L0").kills.map(({ layer }) => layer),
    ["L1"],
  );
  assert.deepEqual(NO_OVERRIDES.kills, [], "nothing is changed in place");
});

test("a layer that is switched on again keeps since when it is on", () => {
  const again = withKill(withKill(NO_OVERRIDES, kill("L0", NOW, "first")), kill("L0", NOW + 5, "second"));
  assert.deepEqual(again.kills, [kill("L0", NOW, "second")]);
});

test("a later pin for the same subject and unit takes the earlier one's place", () => {
  const first = withPin(withPin(NO_OVERRIDES, pin()), pin({ unit: "tutoring" }));
  const second = withPin(first, pin({ arm: "control" }));
  assert.deepEqual(
    second.pins.map(({ unit, arm }) => [unit, arm]),
    [
      ["tutoring", "candidate"],
      [null, "control"],
    ],
  );
});

test(`there are at most ${PINS_MAX} pins, and replacing one is still possible then`, () => {
  let full: Overrides = NO_OVERRIDES;
  for (let at = 0; at < PINS_MAX; at++) full = withPin(full, pin({ subject: `s${at}` }));
  assert.throws(() => withPin(full, pin({ subject: "one more" })), { code: "PINS_FULL" });
  assert.equal(withPin(full, pin({ subject: "s7", arm: "control" })).pins.length, PINS_MAX);
});

test("expired pins are swept, and a sweep without any changes nothing at all", () => {
  const overrides = withPin(withPin(NO_OVERRIDES, pin({ untilMs: NOW + 10 })), pin({ subject: "v" }));
  assert.equal(withoutExpired(overrides, NOW + 9), overrides);
  assert.deepEqual(
    withoutExpired(overrides, NOW + 10).pins.map(({ subject }) => subject),
    ["v"],
  );
});

test("the pin that speaks is always live, the subject's, and the unit's own before one for all", () => {
  const some = fc.record({
    unit: fc.constantFrom(null, "tutoring", "other"),
    arm: fc.constantFrom("control" as const, "candidate" as const),
    untilMs: fc.integer({ min: NOW - 3, max: NOW + 3 }),
  });
  fc.assert(
    fc.property(fc.array(some, { maxLength: 5 }), (parts) => {
      const pins = parts.map((part, at) => ({ ...pin(), ...part, id: `p${at}` }));
      const live = pins.filter(({ untilMs, unit }) => untilMs > NOW && unit !== "other");
      const chosen = livePin(pins, "tutoring", null, NOW);
      assert.equal(chosen === null, live.length === 0);
      if (chosen) assert.ok(live.some(({ id }) => id === chosen.id));
      if (live.some(({ unit }) => unit === "tutoring")) assert.equal(chosen?.unit, "tutoring");
    }),
  );
});

test("what was saved is what is loaded, but for L4, which is the environment's", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "overrides-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "overrides.json");
  assert.deepEqual(await loadOverrides(file), NO_OVERRIDES, "no file: nothing was ever changed");
  let overrides = withPin(withPin(NO_OVERRIDES, pin({ subject: "__proto__", unit: "__proto__" })), pin());
  for (const layer of KILL_LAYERS) overrides = withKill(overrides, kill(layer));
  await saveOverrides(file, overrides);
  assert.deepEqual(await loadOverrides(file), withoutKill(overrides, "L4"));
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.deepEqual(await readdir(folder), ["overrides.json"]);
});

test("an overrides file that is torn, foreign or wrong in one field is never half believed", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "overrides-"));
  t.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "overrides.json");
  const good = { version: 1, kills: [kill("L0")], pins: [pin()] };
  const wrong: unknown[] = [
    [],
    null,
    { ...good, version: 2 },
    { ...good, extra: 1 },
    { ...good, kills: [{ ...kill("L0"), layer: "L9" }] },
    { ...good, pins: [{ ...pin(), arm: "both" }] },
    { version: 1, kills: [] },
  ];
  const texts = ["", JSON.stringify(good).slice(0, -2), ...wrong.map((value) => JSON.stringify(value))];
  for (const text of texts) {
    await writeFile(file, text);
    await assert.rejects(loadOverrides(file), { code: "STATE_CORRUPT", message: /Repair it; or move it away/ }, text);
  }
  await writeFile(file, JSON.stringify(good));
  assert.equal((await loadOverrides(file)).kills.length, 1);
  await assert.rejects(loadOverrides(folder), { code: "STATE_CORRUPT", message: /EISDIR/ });
});
