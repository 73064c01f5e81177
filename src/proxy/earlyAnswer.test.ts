import assert from "node:assert/strict";
import { test } from "node:test";
import { startProxy } from "./testing/proxyFixture.ts";
import { RawClient, request } from "./testing/rawClient.ts";
import { until } from "./testing/wait.ts";
import { startBareArm } from "./testing/earlyArm.ts";
import { bearer } from "./testing/tokens.ts";

const post = (path: string, bytes: number): string =>
  request([`POST ${path} HTTP/1.1`, "Host: a", bearer("u1"), `Content-Length: ${bytes}`]);
const GET = request(["GET /calls/after HTTP/1.1", "Host: a", bearer("u1")]);

test("an arm that answers before the body is over leaves the client a connection that works", async (t) => {
  const arm = await startBareArm();
  const fixture = await startProxy({ control: arm.url });
  t.after(async () => {
    fixture.stop();
    await arm.stop();
  });
  const client = await RawClient.connect(fixture.port);
  const half = "x".repeat(128 * 1024);
  client.send(post("/calls/early", half.length * 2));
  client.send(half);
  assert.equal((await client.reply()).status, 401);
  client.send(half);
  client.send(GET);
  assert.equal((await client.reply()).status, 200);
  client.end();
});

test("an upload larger than every buffer is read to its end behind an early answer", async (t) => {
  const arm = await startBareArm();
  const fixture = await startProxy({ control: arm.url });
  t.after(async () => {
    fixture.stop();
    await arm.stop();
  });
  const bytes = 30 * 1024 * 1024;
  const client = await RawClient.connect(fixture.port);
  client.send(post("/upload", bytes));
  client.send("y".repeat(bytes));
  assert.equal((await client.reply()).status, 401);
  client.send(GET);
  assert.equal((await client.reply()).status, 200);
  client.end();
});

test("behind an early answer a body is read within its limit and no further", async (t) => {
  const arm = await startBareArm();
  const fixture = await startProxy({ control: arm.url, limits: { jsonBodySize: "64KiB" } });
  t.after(async () => {
    fixture.stop();
    await arm.stop();
  });
  const client = await RawClient.connect(fixture.port);
  client.send(request(["POST /calls/early HTTP/1.1", "Host: a", bearer("u1"), "Transfer-Encoding: chunked"]));
  client.send("10\r\n0123456789abcdef\r\n");
  assert.equal((await client.reply()).status, 401);
  const chunk = `4000\r\n${"z".repeat(0x4000)}\r\n`;
  for (let i = 0; i < 8; i++) client.send(chunk);
  await until("the connection ends", () => client.isClosed);
});
