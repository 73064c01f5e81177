import assert from "node:assert/strict";
import { test } from "node:test";
import { startProxy, testConfig } from "./testing/proxyFixture.ts";
import { askOnce, RawClient, request } from "./testing/rawClient.ts";
import { OK, type OriginConnection, startRawOrigin } from "./testing/rawOrigin.ts";
import { until } from "./testing/wait.ts";

const get = (path: string): string => request([`GET ${path} HTTP/1.1`, "Host: a"]);

test("a reload is seen by the next call; the running one ends under the configuration it began with", async (t) => {
  const held: OriginConnection[] = [];
  const first = await startRawOrigin((_one, connection) => (held.push(connection), null));
  const second = await startRawOrigin();
  const fixture = await startProxy({ control: first.url });
  t.after(async () => {
    fixture.stop();
    await first.stop();
    await second.stop();
  });
  const running = await RawClient.connect(fixture.port);
  running.send(get("/calls/before"));
  await until("the call is at the first backend", () => held.length === 1);
  fixture.proxy.reconfigure(testConfig({ control: second.url, sections: { refuse: ["/calls/gone"] } }));
  assert.equal((await askOnce(fixture.port, get("/calls/after"))).status, 200);
  assert.equal((await askOnce(fixture.port, get("/calls/gone"))).status, 404);
  assert.deepEqual(
    second.requests.map((one) => one.target),
    ["/calls/after"],
  );
  held[0]?.socket.write(OK);
  assert.equal((await running.reply()).body.toString(), "ok");
  await until("the first backend's connections are closed", () => first.connections.every((one) => one.isClosed));
  running.send(get("/calls/again"));
  assert.equal((await running.reply()).status, 200, "the client's connection outlives the reload");
  assert.equal(second.requests.length, 2);
  running.end();
});

test("a reload keeps how much of a limit is used up", async (t) => {
  const origin = await startRawOrigin();
  const limits = { callsPerAddress: { rate: "1/min", burst: 2 } };
  const fixture = await startProxy({ control: origin.url, limits });
  t.after(async () => {
    fixture.stop();
    await origin.stop();
  });
  for (const _ of [1, 2]) assert.equal((await askOnce(fixture.port, get("/calls/a"))).status, 200);
  fixture.proxy.reconfigure(testConfig({ control: origin.url, limits }));
  assert.equal((await askOnce(fixture.port, get("/calls/a"))).status, 429, "a reload is no way around a limit");
});
