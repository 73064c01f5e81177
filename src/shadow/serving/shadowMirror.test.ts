import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { test, type TestContext } from "node:test";
import type { ShadowConfig } from "../../config/index.ts";
import { systemClock } from "../../kernel/index.ts";
import { createMetrics } from "../../metrics/index.ts";
import { createShadowMirror } from "./shadowMirror.ts";
import { configOf, SHADOW } from "./testing/mirrorConfig.ts";
import { legOf, planOf } from "./testing/servingBench.ts";

const ENTRY = new URL("./testing/fakeThread.ts", import.meta.url);

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let look = 0; look < 500; look++) {
    if (holds()) return;
    await pause(10);
  }
  throw new Error(`it did not happen: ${what}`);
}

function open(t: TestContext, shadow: ShadowConfig | null = SHADOW, file = "") {
  const events: string[] = [];
  const mirror = createShadowMirror({
    config: configOf(shadow),
    clock: systemClock,
    metrics: createMetrics({ version: "test" }),
    log: {
      event: (type, fields) => void events.push(fields["thread"] === undefined ? type : `${type} ${fields["thread"]}`),
    },
    application: { mirroring: [], build: null },
    entry: ENTRY,
    file,
    printKey: new Uint8Array(32),
    installationKey: new Uint8Array(32),
    armOf: () => "control",
  });
  t.after(() => mirror.stop());
  const count = (event: string): number => events.filter((one) => one === event).length;
  return { mirror, events, count };
}

test("shadow I13: a compare thread that is new is told the builds: nobody else would, and nothing would be compared", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "shadow-mirror-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { count } = open(t, SHADOW, join(folder, "dies-once"));
  await until(() => count("shadow.thread.died compare") === 1, "it has died");
  await until(() => count("compare settings") === 2, "it is back");
  await until(
    () => count('compare builds {"control":"c1","candidate":"k1"}') === 2,
    "it knows the builds as the first did",
  );
  assert.equal(count("mirror settings"), 1, "the other one goes on");
});

test("shadow I13: a new compare thread is told what was lost while there was none: else reports would say it was compared", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "shadow-mirror-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const { mirror, count, events } = open(t, SHADOW, join(folder, "dies-once"));
  await until(() => count("shadow.thread.died compare") === 1, "it has died");
  const leg = legOf(planOf({ id: "a" }), { targetFor: () => "/a" });
  for (let nr = 0; nr < 3; nr++) assert.equal(mirror.call(leg, false), null, "there is nobody to compare it");
  await until(() => count("compare settings") === 2, "it is back");
  const told = (): readonly string[] => events.filter((event) => event.startsWith("compare missed"));
  await until(() => told().length === 2, "both are told");
  assert.equal(told()[0], 'compare missed {"losses":[],"diverged":[]}', "the first has missed nothing");
  assert.match(
    told()[1] ?? "",
    /^compare missed {"losses":\[{"route":"a","reason":"engine_lost","atMs":\d+,"count":3}\]/,
  );
});

test("shadow A2: behind the stop nothing is started or told again, whatever is configured", async (t) => {
  const { mirror, events, count } = open(t);
  await until(() => count("compare settings") === 1, "it runs");
  await mirror.stop();
  assert.equal(mirror.isOn, false);
  const before = events.length;
  mirror.configure(configOf(SHADOW));
  await pause(100);
  assert.deepEqual([mirror.isOn, events.length], [false, before]);
});

test("before the stop the evidence is told of the groups: nobody else knows who waits", async (t) => {
  const { mirror, count } = open(t);
  await until(() => count("compare settings") === 1, "it runs");
  await mirror.stop();
  assert.equal(count("compare groups {}"), 1, "this one seeds nothing");
});

test("shadow I14: without a shadow no thread is started until there is one", async (t) => {
  const { mirror, events, count } = open(t, null);
  assert.equal(mirror.isOn, false);
  await pause(100);
  assert.equal(events.length, 0);
  mirror.configure(configOf(SHADOW));
  assert.equal(mirror.isOn, true);
  await until(() => count("compare settings") === 1, "it runs");
});
