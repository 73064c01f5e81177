import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { mkdtempSync, rmSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { findProgram } from "../lib/programs.ts";
import { createTokens } from "../lib/tokens.ts";
import { createAutocannonLoad, type RoundsOf } from "./autocannonLoad.ts";
import { createWrkLoad } from "./wrkLoad.ts";

const tokens = createTokens(20);
const dir = mkdtempSync(join(tmpdir(), "bench-load-"));
const wrk = findProgram("wrk");
const options = { seconds: 1, connections: 4 };

/** Tokens seen, and the status of every hundredth answer. */
const seen = new Set<string>();
let oddStatus = 200;
let count = 0;
let server: Server;
let url = "";

before(async () => {
  server = createServer((req, res) => {
    seen.add(req.headers.authorization ?? "");
    res.statusCode = ++count % 100 === 0 ? oddStatus : 200;
    res.end(req.url);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
after(() => {
  server.close();
  server.closeAllConnections();
  rmSync(dir, { recursive: true, force: true });
});

const loads = [
  { name: "autocannon", skip: false as const, create: () => createAutocannonLoad(dir, tokens, "/read") },
  {
    name: "wrk",
    skip: wrk === null ? "wrk is not installed" : false,
    create: () => createWrkLoad(wrk ?? "", dir, tokens, "/read"),
  },
];

for (const { name, skip, create } of loads) {
  test(`${name} sends the tokens of all subjects and counts what was answered`, { skip }, async () => {
    seen.clear();
    oddStatus = 200;
    const before = count;
    const { calls, failures, seconds } = await create().run(url, options);
    assert.deepEqual([...seen].sort(), tokens.map((token) => `Bearer ${token}`).sort());
    assert.equal(failures, 0);
    assert.ok(calls > 0 && calls <= count - before && seconds > 0.9, `${calls} calls in ${seconds} s`);
  });

  test(`${name} counts answers that are errors as failures`, { skip }, async () => {
    oddStatus = 503;
    const { calls, failures } = await create().run(url, options);
    assert.ok(failures > 0 && failures < calls, `${failures} of ${calls}`);
  });
}

test("paced load keeps its rate and tells fractions of milliseconds", async () => {
  oddStatus = 200;
  const { calls, p50Ms, p99Ms } = await createAutocannonLoad(dir, tokens, "/read").paced(url, {
    seconds: 2,
    callsPerSecond: 100,
  });
  assert.ok(calls >= 100 && calls <= 300, `${calls} calls`);
  assert.ok(p50Ms > 0 && p50Ms <= p99Ms && p50Ms % 1 !== 0, `${p50Ms} ms, ${p99Ms} ms`);
});

test("addresses in turn: the same rate at each, its results apart, whatever the other one does", async () => {
  oddStatus = 200;
  const slow = createServer((_req, res) => void setTimeout(() => res.end(), 30));
  await new Promise<void>((resolve) => slow.listen(0, "127.0.0.1", resolve));
  after(() => {
    slow.close();
    slow.closeAllConnections();
  });
  const slowUrl = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;
  const load = createAutocannonLoad(dir, tokens, "/read");
  const [quickOne, lateOne] = await load.inTurn([url, slowUrl], {
    rounds: 2,
    slices: 1,
    seconds: 1,
    callsPerSecond: 50,
  });
  const { rounds: fast } = quickOne as RoundsOf;
  const { rounds: late, p99Ms } = lateOne as RoundsOf;
  assert.deepEqual([fast.length, late.length], [2, 2]);
  // Turns in which the machine was taken away were made again: more calls, at the same rate.
  for (const { calls, failures, seconds } of [...fast, ...late]) {
    const perSecond = calls / seconds;
    assert.ok(failures === 0 && perSecond >= 35 && perSecond <= 105, `${failures} of ${calls} in ${seconds} s`);
  }
  for (const [round, { p50Ms }] of late.entries()) {
    const quick = fast[round]?.p50Ms ?? Number.NaN;
    assert.ok(p50Ms >= 29 && quick < p50Ms, `${quick} ms, ${p50Ms} ms`);
  }
  assert.ok(p99Ms >= Math.min(...late.map((one) => one.p99Ms)));
});
