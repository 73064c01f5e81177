import assert from "node:assert/strict";
import { test } from "node:test";
import { EvidenceError } from "./evidenceError.ts";
import { Families } from "./families.ts";
import { MinuteCounters } from "./minuteCounters.ts";
import type { BodyRow, Checkpoint, EvidenceStore, Resumed } from "./model.ts";
import { Saver } from "./saver.ts";
import { Series } from "./series.ts";
import { CAMPAIGN, RESUMED, sample } from "./testing/rows.ts";

const seriesOf = (process: string, id = "c1", unit = id): Series<unknown> =>
  new Series({
    process,
    campaign: { ...CAMPAIGN, id, unit },
    counters: new MinuteCounters(process, () => {}),
    families: new Families<unknown>({ random: () => 0, onDrop: () => {} }),
  });

function world(series: readonly Series<unknown>[]) {
  const calls: string[] = [];
  const told: string[] = [];
  const store = {
    resume: ({ id }: { readonly id: string }): Promise<Resumed> => {
      calls.push(`resume ${id}`);
      return Promise.resolve(RESUMED);
    },
    save: ({ process }: Checkpoint): Promise<void> => {
      calls.push(`save ${process}`);
      return Promise.resolve();
    },
    expire: (): Promise<void> => Promise.resolve(),
    bytes: () => Promise.resolve(7),
    close: () => {
      calls.push("close");
      return Promise.resolve();
    },
  };
  const time = { ms: 0 };
  const saver = new Saver({
    clock: { now: () => time.ms, monotonic: () => time.ms },
    openStore: (onMovedAside) => {
      onMovedAside("old");
      return store as unknown as EvidenceStore;
    },
    siblings: {
      expire: () => {
        calls.push("expire siblings");
        return Promise.resolve();
      },
      stop: () => calls.push("stop siblings"),
    },
    series: () => series,
    onLost: () => told.push("lost"),
    onFull: () => told.push("full"),
    onOver: () => told.push("over"),
    tell: (event, fields) => told.push(`${event} ${Object.values(fields).join()}`),
  });
  return { saver, store, calls, told, time };
}

test("a run is resumed once, before its first checkpoint; a file that was moved aside is told", async () => {
  const { saver, calls, told } = world([seriesOf("a"), seriesOf("b", "c2")]);
  await saver.save();
  await saver.save();
  assert.deepEqual(calls, ["resume c1", "save a", "resume c2", "save b", "save a", "save b"]);
  assert.deepEqual(told, ["shadow.evidence.moved_aside old"]);
  assert.equal(saver.bytes, 7);
});

test("while a save is under way there is no second one, and stopping waits for it and saves the rest", async () => {
  const { saver, store, calls } = world([seriesOf("a")]);
  const held = Promise.withResolvers<void>();
  const { save } = store;
  store.save = async (checkpoint) => {
    await held.promise;
    await save(checkpoint);
  };
  const first = saver.save();
  for (let tick = 0; tick < 5; tick++) void saver.save();
  const stopped = saver.stop();
  held.resolve();
  await Promise.all([first, stopped]);
  assert.deepEqual(
    calls.filter((call) => call !== "stop siblings"),
    ["resume c1", "save a", "save a", "close"],
  );
});

test("a run whose earlier one could not be saved waits for it; other campaigns do not", async () => {
  const { saver, store, calls, told } = world([seriesOf("a"), seriesOf("b", "c2"), seriesOf("a again")]);
  const { save } = store;
  store.save = (checkpoint) =>
    checkpoint.process === "a" ? Promise.reject(new EvidenceError("busy")) : save(checkpoint);
  await saver.save();
  assert.deepEqual(calls, ["resume c1", "resume c2", "save b"]);
  assert.deepEqual(told, ["shadow.evidence.moved_aside old", "lost", "shadow.evidence.failed busy"]);
  store.save = save;
  await saver.save();
  assert.deepEqual(calls.slice(3), ["save a", "save b", "resume c1", "save a again"]);
});

test("a campaign begins with the families of the one before: it waits until these are stored", async () => {
  const { saver, store, calls } = world([seriesOf("a", "c1", "orders"), seriesOf("b", "c2", "orders")]);
  const { save } = store;
  store.save = (checkpoint) =>
    checkpoint.process === "a" ? Promise.reject(new EvidenceError("busy")) : save(checkpoint);
  await saver.save();
  assert.deepEqual(calls, ["resume c1"]);
  store.save = save;
  await saver.save();
  assert.deepEqual(calls.slice(1), ["save a", "resume c2", "save b"]);
});

test("a store that fails is told of once a minute, with its code, and everything is tried again", async () => {
  const { saver, store, told, time } = world([seriesOf("a")]);
  store.resume = () => Promise.reject(new EvidenceError("lost"));
  store.expire = () => Promise.reject(new Error("secret"));
  for (let tick = 0; tick < 3; tick++) await saver.save();
  assert.deepEqual(told.slice(1), ["lost", "shadow.evidence.failed lost", "lost", "lost"]);
  time.ms = 60_000;
  await saver.expire();
  assert.deepEqual(told.slice(5), ["lost", "shadow.evidence.failed failed"]);
});

test("shadow P2: bodies are stored behind their samples; what went for room and what failed is counted", async () => {
  const own = seriesOf("a");
  const { saver, store, calls, told } = world([own]);
  const stored: BodyRow[] = [];
  const save = (row: BodyRow): Promise<number> => {
    calls.push(`body ${row.place}`);
    if (row.place === 2) return Promise.reject(new EvidenceError("full"));
    stored.push(row);
    return Promise.resolve(row.place);
  };
  Object.assign(store, { bodies: { save } });
  for (let place = 0; place < 4; place++) assert.ok(own.keep(sample(place, "ann"), { place }, 0));
  assert.ok(own.keep(sample(4, "bob"), null, 0));
  await saver.save();
  assert.deepEqual(calls, ["resume c1", "save a", "body 0", "body 1", "body 2"]);
  assert.deepEqual(
    stored.map(({ campaign, process, group, body }) => [campaign, process, group, body]),
    [0, 1].map((place) => ["c1", "a", "ann", { place }]),
  );
  assert.deepEqual(told.slice(1), ["full", "lost", "shadow.evidence.failed full", "lost"]);
  await saver.save();
  assert.deepEqual(calls.slice(5), ["save a"], "none of them is tried again: another sample may have its place");
});

test("a sample whose bodies find no room is kept without them", () => {
  const own = seriesOf("a");
  assert.equal(own.keep(sample(0, "ann"), "x".repeat(17 * 1024 ** 2), 0), false);
  const { checkpoint, bodies } = own.unsaved(0);
  assert.deepEqual([checkpoint.samples.length, bodies.length], [1, 0]);
});

test("shadow P5: what is removed waits for a save under way, goes from memory first, and no checkpoint brings it back", async () => {
  const own = seriesOf("a");
  const { saver, store, calls } = world([own]);
  const saved: (readonly string[])[] = [];
  const held = Promise.withResolvers<void>();
  store.save = async ({ samples }: Checkpoint) => {
    calls.push("save");
    await held.promise;
    saved.push(samples.map(({ group }) => group));
  };
  const asked: string[] = [];
  const removeGroup = (printOf: (campaign: string) => string) => {
    asked.push(printOf("c1"));
    return Promise.resolve({ samples: 2, campaigns: ["c0", "c1"] });
  };
  Object.assign(store, { removeGroup });
  own.keep(sample(0, "bob"), null, 0);
  const first = saver.save();
  await new Promise(setImmediate);
  assert.deepEqual(calls, ["resume c1", "save"]);
  own.keep(sample(1, "ann"), null, 0);
  own.keep(sample(2, "eve"), null, 0);
  const fromMemory = () => ({ samples: own.removeGroup("ann"), campaigns: ["c1"] });
  const removing = saver.remove({ fromMemory, printOf: (campaign) => `ann of ${campaign}` });
  assert.deepEqual(asked, [], "what is being saved cannot be taken out");
  held.resolve();
  assert.deepEqual(await removing, { samples: 3, campaigns: ["c0", "c1"], failure: null });
  await first;
  await saver.save();
  assert.deepEqual(asked, ["ann of c1"]);
  assert.deepEqual(saved, [["bob"], ["eve"]]);
});

test("shadow P5: a store that is busy is told, what was in memory is gone all the same, and saves go on", async () => {
  const own = seriesOf("a");
  const { saver, store, calls } = world([own]);
  Object.assign(store, { removeGroup: () => Promise.reject(new EvidenceError("busy")) });
  own.keep(sample(0, "ann"), null, 0);
  const fromMemory = () => ({ samples: own.removeGroup("ann"), campaigns: ["c1"] });
  const both = [0, 1].map(() => saver.remove({ fromMemory, printOf: () => "ann" }));
  assert.deepEqual(await Promise.all(both), [
    { samples: 1, campaigns: ["c1"], failure: "busy" },
    { samples: 0, campaigns: ["c1"], failure: "busy" },
  ]);
  await saver.save();
  assert.deepEqual(calls, ["resume c1", "save a"]);
});

test("stopping saves what is left also behind removals that wait", async () => {
  const own = seriesOf("a");
  const { saver, store, calls } = world([own]);
  const held = Promise.withResolvers<void>();
  const removeGroup = async () => {
    calls.push("remove");
    await held.promise;
    return { samples: 0, campaigns: [] };
  };
  Object.assign(store, { removeGroup });
  const removal = { fromMemory: () => ({ samples: 0, campaigns: [] }), printOf: () => "ann" };
  const removing = [0, 1].map(() => saver.remove(removal));
  await new Promise(setImmediate);
  const stopped = saver.stop();
  held.resolve();
  await Promise.all([stopped, ...removing]);
  assert.deepEqual(calls, ["remove", "stop siblings", "remove", "resume c1", "save a", "close"]);
});
