import assert from "node:assert/strict";
import { createServer, type AddressInfo, type Server } from "node:net";
import { test } from "node:test";
import { nextFreePort } from "./freePort.ts";

const listen = (port: number): Promise<Server> =>
  new Promise((done, failed) => {
    const server = createServer().once("error", failed);
    server.listen({ host: "127.0.0.1", port }, () => done(server));
  });
const close = (server: Server): Promise<void> => new Promise((done) => server.close(() => done()));

test("a port that somebody listens on is skipped, and the wanted one is remembered", async () => {
  const server = await listen(0);
  const { port: taken } = server.address() as AddressInfo;
  const chosen = await nextFreePort("127.0.0.1", taken, new Set());
  assert.equal(chosen.wanted, taken);
  assert.ok(chosen.port > taken);
  // It is really free: another server can have it.
  await close(await listen(chosen.port));
  await close(server);
});

test("a free port is taken as wanted, but never given twice", async () => {
  const probe = await listen(0);
  const { port } = probe.address() as AddressInfo;
  await close(probe);
  const given = new Set<number>();
  assert.deepEqual(await nextFreePort("127.0.0.1", port, given), { port, wanted: port });
  assert.notEqual((await nextFreePort("127.0.0.1", port, given)).port, port);
});

test("without any free port in reach there is an error that names the range", async () => {
  const given = new Set(Array.from({ length: 300 }, (_, index) => 65_300 + index));
  await assert.rejects(nextFreePort("127.0.0.1", 65_400, given), /No free port between 65400 and 65600/);
});
