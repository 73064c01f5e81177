import assert from "node:assert/strict";
import { getActiveResourcesInfo } from "node:process";
import { after, before, test } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { WebSocket } from "ws";
import { type SocketProxy, startSocketProxy } from "./session/testing/socketProxy.ts";
import { text, WireClient } from "./session/testing/wire.ts";
import { startWsArm, type WsArm } from "./session/testing/wsArm.ts";
import { tokenFor } from "./testing/tokens.ts";
import { until } from "./testing/wait.ts";

let arm: WsArm;
let proxy: SocketProxy;
before(async () => {
  arm = await startWsArm();
  proxy = await startSocketProxy({ control: arm.url, limits: { socketsPerSubject: 2_000 } });
});
after(async () => {
  proxy.stop();
  await arm.stop();
});

setFlagsFromString("--expose_gc");
const collect = runInNewContext("gc") as () => void;

/** TCP sockets and timers of this process: the proxy, its arm and the test's clients. */
function resources(): { sockets: number; timers: number } {
  const all = getActiveResourcesInfo();
  return {
    sockets: all.filter((one) => one.startsWith("TCPSocketWrap")).length,
    timers: all.filter((one) => one === "Timeout").length,
  };
}

async function heapUsed(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    collect();
    await turn();
  }
  return process.memoryUsage().heapUsed;
}

const listenersOf = (ws: WebSocket): number => ws.eventNames().reduce((sum, name) => sum + ws.listenerCount(name), 0);

test("the listeners of a session are constant, whatever happens on it", async () => {
  const { SocketSession } = await import("./session/socketSession.ts");
  const seen: InstanceType<typeof SocketSession>[] = [];
  const dispatch = SocketSession.prototype.dispatch;
  SocketSession.prototype.dispatch = function (event) {
    if (!seen.includes(this)) seen.push(this);
    dispatch.call(this, event);
  };
  const client = await WireClient.open(proxy.port, "/tiny/1");
  client.send(text("hello"));
  await client.sees("the first echo", () => client.messages.length === 1);
  SocketSession.prototype.dispatch = dispatch;
  const [session] = seen;
  assert.ok(session);
  const count = (): [number, number] => [listenersOf(session.parts.client), listenersOf(session.parts.leg)];
  const before = count();
  for (let i = 0; i < 100; i++) {
    proxy.flags.setPins({ ada: "candidate" });
    proxy.flags.setPins({});
    session.keepAlive();
    session.endIfSilent();
    client.send(text(`turn ${i}`));
    arm.sockets.at(-1)?.ws.send("final");
    await client.sees("echo and final", () => client.messages.length === 3 + 2 * i);
  }
  assert.deepEqual(count(), before);
  assert.ok(before[0] <= 6 && before[1] <= 8, `few of them: ${before.join(" and ")}`);
  client.end();
  await until("the session is over", () => arm.openLegs === 0);
});

test("1,000 connects leave 0 sockets, 0 timers and no memory behind", async () => {
  const connect = async (i: number): Promise<void> => {
    const client = await WireClient.open(proxy.port, "/tiny/1", { token: tokenFor(`student-${i % 50}`) });
    if (client.reply.status === 101) {
      client.send(text("turn"));
      await client.sees("the echo", () => client.messages.length === 1);
    }
    client.end();
  };
  const round = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i += 50) await Promise.all(Array.from({ length: 50 }, (_, j) => connect(i + j)));
    await until("every leg has ended", () => arm.openLegs === 0, 10_000);
    await until("no socket is counted", async () => (await proxy.count("sockets")) === 0);
    (arm.sockets as unknown[]).length = 0;
    (arm.handshakes as unknown[]).length = 0;
    proxy.lines.length = 0;
  };
  await round(200); // what is made once is made now
  const before = resources();
  const heap = await heapUsed();
  await round(1_000);
  await until("sockets and timers are back", () => {
    const now = resources();
    return now.sockets <= before.sockets && now.timers <= before.timers;
  });
  const grown = (await heapUsed()) - heap;
  assert.ok(grown < 1_000 * 1_024, `less than 1 KiB a connect, not ${Math.round(grown / 1_024)} KiB in all`);
  assert.deepEqual(proxy.proxy.socketsOf("student-1"), []);
});
