import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { MessageChannel, type MessagePort } from "node:worker_threads";
import { test, type TestContext } from "node:test";
import { planOf } from "../serving/testing/servingBench.ts";
import type { CopyItem, FromMirror, MirrorItem, ToMirror } from "./messages.ts";
import type { ShadowSettings } from "./shadowSettings.ts";
import { runMirrorThread } from "./mirrorThread.ts";
import { APPLICATION, factsOf } from "./testing/comparerBench.ts";
import { settingsFor } from "./testing/settings.ts";

const READ = planOf({ id: "read", isStateful: true });

async function until(holds: () => boolean, what: string): Promise<void> {
  for (let look = 0; look < 500; look++) {
    if (holds()) return;
    await pause(10);
  }
  throw new Error(`it did not happen: ${what}`);
}

async function open(t: TestContext) {
  const held: ServerResponse[] = [];
  const server = createServer((_, res) => held.push(res));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const origin = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const { port1: serving, port2: parent } = new MessageChannel();
  const line = new MessageChannel();
  const [told, posted]: [FromMirror[], CopyItem[]] = [[], []];
  serving.on("message", (message: FromMirror) => told.push(message));
  line.port1.on("message", (items: readonly CopyItem[]) => posted.push(...items));
  runMirrorThread(parent, APPLICATION);
  const say = (message: ToMirror, transfer: MessagePort[] = []): void => serving.postMessage(message, transfer);
  say({ type: "peer", port: line.port2 }, [line.port2]);
  const isStopped = (): boolean => told.some(({ type }) => type === "stopped");
  t.after(async () => {
    say({ type: "stop" });
    await until(isStopped, "it stops");
    serving.close();
    server.closeAllConnections();
    server.close();
  });
  const settings = (more: Partial<ShadowSettings> = {}): void =>
    say({ type: "settings", settings: settingsFor([READ], { candidate: { target: origin } }, more) });
  const call = (id: number): void => {
    const copy = { method: "GET", target: `/${id}`, headers: [], body: null, hasSubject: false, servedFirstByteMs: 1 };
    const items: MirrorItem[] = [
      { kind: "arrive", id, group: "g", isBarrier: false },
      { kind: "offer", facts: factsOf(id, READ, { leftAtMs: Date.now() }), copy, isRepeated: false },
    ];
    say({ type: "items", items });
  };
  const copies = (): readonly string[] =>
    posted.map((item) => {
      if (item.kind !== "copied") return `${"id" in item ? item.id : ""} ${"reason" in item ? item.reason : item.kind}`;
      const { result } = item.observation;
      return `${item.id} ${"reply" in result ? result.reply.status : result.error}`;
    });
  const guards = (): readonly string[] =>
    told.flatMap((one) => (one.type === "targets" ? [one.targets.candidate.guard] : []));
  return { say, settings, call, copies, held, told, isStopped, guards };
}

test("a configuration that is read again costs no copy that is under way, and asks no target anew", async (t) => {
  const { settings, call, copies, held, guards } = await open(t);
  settings();
  call(1);
  await until(() => held.length === 1, "it has left");
  settings({ repeatsShare: 0.01 });
  await pause(50);
  held[0]?.end("ok");
  await until(() => copies().length === 1, "its answer");
  assert.deepEqual(copies(), ["1 200"]);
  assert.ok(guards().every((guard) => guard === "safe"));
});

test("a copy that is under way when its target is replaced ends there, as no failure", async (t) => {
  const { say, settings, call, copies, held } = await open(t);
  settings();
  call(1);
  await until(() => held.length === 1, "it has left");
  say({ type: "settings", settings: settingsFor([READ], { candidate: { target: "http://127.0.0.1:1" } }) });
  call(2);
  await until(() => copies().length === 1, "the next one goes to the new target");
  held[0]?.end("ok");
  await until(() => copies().length === 2, "its answer");
  assert.deepEqual(copies(), ["2 refused", "1 200"]);
});

test("shadow A2: the stop waits for what has left, and says of what it cut that it was stopped", async (t) => {
  const { say, settings, call, copies, held, isStopped } = await open(t);
  settings();
  call(1);
  call(2);
  await until(() => held.length === 2, "both have left");
  say({ type: "stop" });
  call(3);
  await pause(100);
  assert.equal(isStopped(), false);
  held[0]?.end("ok");
  await until(isStopped, "it stops");
  await until(() => copies().length === 3, "all are told");
  assert.deepEqual([...copies()].sort(), ["1 200", "2 stopping", "3 stopping"]);
});

test("items that come before any settings, or that cannot be handled, are told, and the thread lives on", async (t) => {
  const { say, settings, call, copies, held, told } = await open(t);
  call(1);
  say({
    type: "items",
    items: [{ kind: "open", facts: { ...factsOf(9, READ), surface: "talk" }, copy: null as never }],
  });
  await until(() => copies().length === 2, "the first");
  settings();
  call(2);
  await until(() => held.length === 1, "the second");
  held[0]?.end("ok");
  await until(() => copies().length === 3, "its answer");
  assert.deepEqual([...copies()].sort(), ["1 no_target", "2 200", "9 engine_lost"]);
  assert.ok(told.some((one) => one.type === "event" && one.event === "shadow.mirror.failed"));
});
