// A target that is, by mistake, behind the same proxy: its copies are known when they come back, and end there.
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { call, createIssuer, eventually, TEST_SECRET } from "../support/index.ts";
import { startNotesWorld } from "./notesWorld.ts";

test("shadow I11: a copy that comes back to its own proxy is answered 508, and copied no more", async (t) => {
  let proxyUrl = "";
  const statuses: number[] = [];
  // Whatever comes here goes back to the proxy, as it came.
  const mirrorBack = createServer((incoming, outgoing) => {
    const { method, url, headers } = incoming;
    const again = request(new URL(url ?? "/", proxyUrl), { method, headers }, (reply) => {
      statuses.push(reply.statusCode ?? 0);
      outgoing.writeHead(reply.statusCode ?? 502);
      reply.pipe(outgoing);
    });
    again.on("error", () => outgoing.destroy()); // the proxy has ended before
    incoming.pipe(again);
  });
  mirrorBack.listen(0, "127.0.0.1");
  await once(mirrorBack, "listening");
  const origin = `http://127.0.0.1:${(mirrorBack.address() as AddressInfo).port}`;
  const world = await startNotesWorld({ env: { SWITCHYARD__SHADOW__TARGETS__CANDIDATE__URL: origin } });
  t.after(async () => {
    try {
      await world.stop();
    } finally {
      mirrorBack.close();
      mirrorBack.closeAllConnections();
    }
  });
  proxyUrl = world.proxy.baseUrl;
  const user = createIssuer(TEST_SECRET).user();
  const headers = { authorization: `Bearer ${user.token}`, "content-type": "application/json" };
  const body = JSON.stringify({ title: "a", text: "b" });
  const made = await call(proxyUrl, { method: "POST", path: "/notes", headers, body });
  assert.equal(made.status, 201);
  await eventually(() => assert.deepEqual(statuses, [508]));
  const listed = await call(proxyUrl, { method: "GET", path: "/notes", headers });
  assert.equal(listed.json().notes.length, 1, "the copy has made no second one");
});
