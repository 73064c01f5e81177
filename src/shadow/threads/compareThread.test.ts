import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { test, type TestContext } from "node:test";
import { say } from "../cassette/testing/provider.ts";
import { startCassette } from "../cassette/testing/start.ts";
import type { ComparisonRule } from "../rules/rule.ts";
import { planOf } from "../serving/testing/servingBench.ts";
import { runCompareThread } from "./compareThread.ts";
import type { CompareItem, CopyItem, FromCompare, ToCompare } from "./messages.ts";
import { APPLICATION, copiedItem, factsOf, observed, servedItem } from "./testing/comparerBench.ts";
import { settingsFor } from "./testing/settings.ts";

const READ = planOf({ id: "read" });
const RULE: ComparisonRule = {
  id: "own",
  owner: "o",
  reason: "r",
  until: "contract",
  on: ["read"],
  header: "x-a",
  ignore: "all",
};

function open(t: TestContext, onStop: () => void = () => {}) {
  const { port1: serving, port2: parent } = new MessageChannel();
  const line = new MessageChannel();
  const told: FromCompare[] = [];
  serving.on("message", (message: FromCompare) => told.push(message));
  const application = { ...APPLICATION, rules: [RULE] };
  const options = { createCarrier: null, application, process: "p", printKey: new Uint8Array(32) };
  const openStore = (): never => {
    throw new Error("no store here");
  };
  const siblings = { expire: async () => undefined, stop: async () => onStop() };
  runCompareThread(parent, { ...options, openStore, siblings });
  const say = (message: ToCompare, transfer: MessagePort[] = []): void => serving.postMessage(message, transfer);
  say({ type: "peer", port: line.port2 }, [line.port2]);
  t.after(async () => {
    say({ type: "stop" });
    line.port1.close();
    await until(() => told.some(({ type }) => type === "stopped"), "it stops");
    serving.close();
  });
  const items = (...all: CompareItem[]): void => say({ type: "items", items: all });
  const copies = (...all: CopyItem[]): void => line.port1.postMessage(all);
  const ended = (): readonly string[] =>
    told.flatMap((message) =>
      message.type === "ended" ? message.items.map(({ id, verdict, reason }) => `${id} ${reason ?? verdict}`) : [],
    );
  const events = (): readonly string[] => told.flatMap((one) => (one.type === "event" ? [one.event] : []));
  return { say, items, copies, ended, events, told, line: line.port1 };
}

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let look = 0; look < 300; look++) {
    if (holds()) return;
    await pause(10);
  }
  throw new Error(`it did not happen: ${what}`);
}

const builds = { type: "builds", builds: { control: "c", candidate: "k" } } as const;

test("a rule that cannot be used is told, ends nothing, and leaves what was in force", async (t) => {
  const { say, items, copies, ended, events } = open(t);
  say({ type: "settings", settings: settingsFor([READ], {}, { rules: [RULE] }) }); // its name is taken by the application's
  items(servedItem(factsOf(1, READ), "a"));
  await until(() => ended().length === 1, "nothing is in force: it is lost, and not for ever open");
  say({ type: "settings", settings: settingsFor([READ]) });
  say(builds);
  say({ type: "settings", settings: settingsFor([READ], {}, { rules: [RULE] }) });
  items(servedItem(factsOf(2, READ), "a"));
  copies(copiedItem(2, "a"));
  await until(() => ended().length === 2, "the second");
  assert.deepEqual(ended(), ["1 engine_lost", "2 identical"]);
  assert.deepEqual(
    events().filter((event) => event.includes("settings")),
    Array(2).fill("shadow.settings.refused"),
  );
});

test("a message that cannot be handled is counted, told of once a minute, and does not end the thread", async (t) => {
  const { say, items, copies, ended, events } = open(t);
  say({ type: "settings", settings: settingsFor([READ]) });
  say(builds);
  for (let id = 1; id <= 3; id++) {
    items(servedItem(factsOf(id, READ), "", { result: null as never }));
    copies(copiedItem(id, "a"));
  }
  items(servedItem(factsOf(4, READ), "a"));
  copies(copiedItem(4, "a"));
  await until(() => ended().length === 4, "all are told");
  assert.deepEqual([...ended()].sort(), ["1 engine_lost", "2 engine_lost", "3 engine_lost", "4 identical"]);
  assert.equal(events().filter((event) => event === "shadow.compare.failed").length, 1);
});

test("shadow A2: at the stop what the mirror thread has said last is judged, the rest is told, and all is stored", async (t) => {
  let isStored = false;
  const { say, items, copies, ended, told, line } = open(t, () => void (isStored = true));
  say({ type: "settings", settings: settingsFor([READ]) });
  say(builds);
  items(servedItem(factsOf(1, READ), "a"), servedItem(factsOf(2, READ), "a"));
  say({ type: "stop" });
  await pause(50);
  copies(copiedItem(1, "a"));
  line.close();
  await until(() => told.some(({ type }) => type === "stopped"), "it stops");
  assert.deepEqual(ended(), ["1 identical", "2 stopping"]);
  assert.ok(isStored);
  assert.equal(told.at(-1)?.type, "stopped", "and says nothing behind it");
});

test("a call whose arm has asked its model for something else is told by that, with the cassette's own word", async (t) => {
  const { recordUrl, replayUrl, replay } = await startCassette(({ response }) => void response.end("{}"), {
    missesToken: "token-of-misses",
    limits: { waitMs: 5, ownWaitMs: 5 },
  });
  const thread = open(t);
  const cassette = { replay, missesToken: "token-of-misses", isLive: false };
  thread.say({ type: "settings", settings: settingsFor([READ], {}, { cassette }) });
  thread.say({ type: "builds", builds: { control: "c1", candidate: "k1" } });
  const leftAtMs = Date.now();
  await say(recordUrl, { body: { ask: { mood: 1 } }, requestId: "r1" });
  await say(replayUrl, { body: { ask: { mood: "sad" } }, requestId: "r1" });
  thread.items(servedItem(factsOf(1, READ, { leftAtMs }), "a"));
  const observation = { ...observed("candidate", "shadow", "b"), totalMs: Date.now() - leftAtMs };
  thread.copies({ kind: "copied", id: 1, observation, repeat: null, delayMs: 0, renamed: [] });
  await until(() => thread.ended().length > 0, "it is judged");
  assert.deepEqual(thread.ended(), ["1 different"]);
  const [item] = thread.told.flatMap((one) => (one.type === "ended" ? one.items : []));
  // Its answer alone would be kind `value`, severity `value`.
  assert.deepEqual(item?.differences, [["type", "breaking"]]);
  assert.ok(!thread.events().some((event) => event.startsWith("shadow.cassette.")));
});
