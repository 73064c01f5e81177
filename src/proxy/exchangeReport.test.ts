import assert from "node:assert/strict";
import { test } from "node:test";
import { exchangeLine } from "./pinoLog.ts";
import { startProxy } from "./testing/proxyFixture.ts";
import { askOnce, request } from "./testing/rawClient.ts";
import { OK, startRawOrigin } from "./testing/rawOrigin.ts";
import { tokenFor } from "./testing/tokens.ts";
import { until } from "./testing/wait.ts";

const ROUTES = [{ match: "POST /logout", logout: true }, { match: "GET /fast" }, { match: "GET /slow", slow: "1ms" }];
const call = (method: string, path: string, token: string): string =>
  request([`${method} ${path} HTTP/1.1`, "Host: a", `Authorization: Bearer ${token}`]);

test("a logout drops its token from the cache; a refused one keeps it", async (t) => {
  const answers = ["HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n", OK];
  const origin = await startRawOrigin((one) => (one.target === "/logout" ? (answers.shift() ?? OK) : OK));
  const fixture = await startProxy({ control: origin.url, routes: ROUTES });
  t.after(async () => {
    fixture.stop();
    await origin.stop();
  });
  const { cache } = fixture.proxy.core.identity;
  const token = tokenFor("u1");
  await askOnce(fixture.port, call("GET", "/fast", token));
  assert.equal(cache.size, 1);
  await askOnce(fixture.port, call("POST", "/logout", token));
  await until("the refused logout is over", () => fixture.lines.length === 2);
  assert.equal(cache.size, 1);
  await askOnce(fixture.port, call("POST", "/logout", token));
  await until("the token is forgotten", () => cache.size === 0);
});

test("a call that takes longer than its route's `slow` says so in its line", async (t) => {
  const origin = await startRawOrigin((_one, connection) => {
    setTimeout(() => connection.socket.write(OK), 5);
    return null;
  });
  const fixture = await startProxy({ control: origin.url, routes: ROUTES });
  t.after(async () => {
    fixture.stop();
    await origin.stop();
  });
  await askOnce(fixture.port, call("GET", "/slow", tokenFor("u1")));
  await askOnce(fixture.port, call("GET", "/fast", tokenFor("u1")));
  await until("both are logged", () => fixture.lines.length === 2);
  assert.deepEqual(
    fixture.lines.map((line) => line.isSlow),
    [true, false],
  );
});

test("the line of a call is JSON with the documented keys, whatever the client called itself", () => {
  const line = {
    requestId: 'a"b\\c',
    traceId: null,
    method: "GET",
    route: "GET /a/:id",
    unit: "shop",
    subject: "u1",
    arm: "control",
    reason: "flag-off",
    status: 200,
    outcome: "ok",
    durationMs: 1.23456,
    isSlow: true,
    code: null,
  } as const;
  assert.deepEqual(JSON.parse(exchangeLine(line, "0123456789abcdef", 1_700_000_000_000)), {
    level: "info",
    time: 1_700_000_000_000,
    event: "exchange",
    requestId: 'a"b\\c',
    method: "GET",
    route: "GET /a/:id",
    role: "served",
    unit: "shop",
    subject: "0123456789abcdef",
    arm: "control",
    reason: "flag-off",
    status: 200,
    outcome: "ok",
    durationMs: 1.235,
    slow: true,
    msg: "exchange",
  });
  const refused = { ...line, arm: null, reason: null, traceId: "4bf9", code: "SY_BAD_REQUEST", isSlow: false } as const;
  const parsed = JSON.parse(exchangeLine(refused, null, 1)) as Record<string, unknown>;
  assert.equal(parsed["traceId"], "4bf9");
  assert.equal(parsed["code"], "SY_BAD_REQUEST");
  assert.ok(!("arm" in parsed) && !("subject" in parsed) && !("slow" in parsed));
});
