import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { type FixtureOptions, NOBODY, startProxy } from "./testing/proxyFixture.ts";
import { ask, askOnce, RawClient, request } from "./testing/rawClient.ts";
import { type Answer, OK, startRawOrigin } from "./testing/rawOrigin.ts";
import { SELF_SIGNED } from "./testing/selfSigned.ts";
import { bearer } from "./testing/tokens.ts";
import { until } from "./testing/wait.ts";

const get = (path: string, ...lines: string[]) => request([`GET ${path} HTTP/1.1`, "Host: a", ...lines]);

async function startBoth(t: TestContext, options: Partial<FixtureOptions> = {}, answer?: Answer) {
  const control = await startRawOrigin(answer);
  const candidate = await startRawOrigin();
  const fixture = await startProxy({ control: control.url, candidate: candidate.url, ...options });
  t.after(async () => {
    fixture.stop();
    await control.stop();
    await candidate.stop();
  });
  return { control, candidate, fixture };
}

describe("connections to arms", () => {
  test("an unfinished reply is never followed by another request", async (t) => {
    const { control, fixture } = await startBoth(t, {}, (one) =>
      one.target === "/calls/hang" ? "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc" : OK,
    );
    const hanging = await RawClient.connect(fixture.port);
    hanging.send(get("/calls/hang"));
    await hanging.sees("abc");
    for (let i = 0; i < 5; i++) assert.equal((await askOnce(fixture.port, get("/calls/b"))).status, 200);
    hanging.end();
    await until("the unfinished one is closed", () => control.connections[0]?.isClosed === true);
    assert.equal((await askOnce(fixture.port, get("/calls/c"))).status, 200);
    assert.deepEqual(
      control.connections[0]?.requests.map((one) => one.target),
      ["/calls/hang"],
    );
  });

  test("a reply with bytes behind it costs its socket", async (t) => {
    const { control, fixture } = await startBoth(t, {}, (one) =>
      one.target === "/calls/poison" ? `${OK}${OK.replace("ok", "no")}` : OK,
    );
    await ask(fixture.port, get("/calls/poison"));
    for (let i = 0; i < 3; i++) {
      assert.equal(
        (await askOnce(fixture.port, get("/calls/next"))).body.toString(),
        "ok",
        "the bytes behind are nobody's answer",
      );
    }
    const poisoned = control.connections.find((one) => one.requests.some(({ target }) => target === "/calls/poison"));
    assert.equal(poisoned?.requests.length, 1, "nothing more is sent on it");
  });

  test("one socket carries one call at a time, and arms never share one", async (t) => {
    const { control, candidate, fixture } = await startBoth(t, { pins: { bob: "candidate" } });
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        askOnce(fixture.port, get(`/calls/${i}`, ...(i % 2 ? [bearer("bob")] : []))),
      ),
    );
    assert.equal(control.requests.length, 10);
    assert.equal(candidate.requests.length, 10);
    for (const one of [...control.connections, ...candidate.connections]) assert.equal(one.fault, null);
  });

  test("never retries a write, never crosses arms", async (t) => {
    // The first call on a connection is served; the connection dies without a byte when it is used again.
    const dying: Answer = (_request, { socket }, index) => {
      if (index === 0) return OK;
      socket.destroy();
      return null;
    };
    for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
      await t.test(`${method} on a dead reused connection`, async (t) => {
        const { control, candidate, fixture } = await startBoth(t, {}, dying);
        await askOnce(fixture.port, get("/calls/first"));
        const body = method === "DELETE" ? [] : ["Content-Length: 2"];
        const reply = await askOnce(
          fixture.port,
          request([`${method} /calls/w HTTP/1.1`, "Host: a", ...body], body.length ? "{}" : ""),
        );
        assert.equal(reply.status, 502);
        assert.equal(reply.code, "SY_UPSTREAM_RESET");
        assert.equal(control.requests.filter((one) => one.method === method).length, 1);
        assert.equal(candidate.bytes, 0);
      });
    }
    for (const method of ["GET", "HEAD"]) {
      await t.test(`${method} on a dead reused connection goes once more to the same arm`, async (t) => {
        const { control, candidate, fixture } = await startBoth(t, {}, (one, connection, index) =>
          one.method === "HEAD" && index === 0
            ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
            : dying(one, connection, index),
        );
        await askOnce(fixture.port, get("/calls/first"));
        const reply = await askOnce(fixture.port, request([`${method} /calls/again HTTP/1.1`, "Host: a"]), {
          isHead: method === "HEAD",
        });
        assert.equal(reply.status, 200);
        assert.equal(control.requests.filter((one) => one.target === "/calls/again").length, 2);
        assert.equal(candidate.bytes, 0);
        assert.equal(await fixture.count("upstreamRetries", { arm: "control", reason: "connection_lost" }), 1);
      });
    }
    await t.test("GET on a fresh connection that dies is not repeated", async (t) => {
      const { control, fixture } = await startBoth(t, {}, (_one, { socket }) => (socket.destroy(), null));
      assert.equal((await askOnce(fixture.port, get("/calls/a"))).status, 502);
      assert.equal(control.requests.length, 1);
    });
    await t.test("GET is repeated once, not twice", async (t) => {
      const { control, fixture } = await startBoth(t, {}, (one, { socket }, index) => {
        if (one.target === "/calls/first" && index === 0) return OK;
        socket.destroy();
        return null;
      });
      // Three connections wait for reuse, and all of them are dead.
      await Promise.all([1, 2, 3].map(() => askOnce(fixture.port, get("/calls/first"))));
      assert.equal(control.connections.length, 3);
      assert.equal((await askOnce(fixture.port, get("/calls/again"))).status, 502);
      assert.equal(control.requests.filter((one) => one.target === "/calls/again").length, 2);
    });
    await t.test("an arm that is down is 502, whichever it is", async (t) => {
      const { control, candidate, fixture } = await startBoth(t, { pins: { bob: "candidate" } });
      await candidate.stop();
      const reply = await askOnce(fixture.port, get("/calls/a", bearer("bob")));
      assert.deepEqual([reply.status, reply.code], [502, "SY_UPSTREAM_REFUSED"]);
      assert.equal(control.bytes, 0, "the other arm is not asked");
      assert.equal(
        (await askOnce(fixture.port, get("/calls/b", bearer("ada")))).status,
        200,
        "its users are not affected",
      );
    });
  });

  test("connects only to configured origins", async (t) => {
    const { control, candidate, fixture } = await startBoth(t, { pins: { bob: "candidate" } });
    const foreign = await startRawOrigin();
    t.after(() => foreign.stop());
    const [, , foreignPort] = foreign.url.split(":");
    const ports = new Set<number>();
    const note = (message: unknown): void => {
      const { socket } = message as { socket: Socket };
      socket.once("connect", () => void ports.add(socket.remotePort ?? 0));
    };
    subscribe("net.client.socket", note);
    t.after(() => unsubscribe("net.client.socket", note));
    control.answer = () =>
      `HTTP/1.1 307 Temporary Redirect\r\nLocation: ${foreign.url}/\r\nAlt-Svc: h2="127.0.0.1:${foreignPort}"\r\nContent-Length: 0\r\n\r\n`;
    const address = `127.0.0.1:${foreignPort}`;
    const hostile = [
      get("/calls/a"),
      request(["GET /calls/a HTTP/1.1", `Host: ${address}`]),
      request([`GET http://${address}/calls/a HTTP/1.1`, `Host: ${address}`]),
      request([`GET http://${address}/calls/a HTTP/1.1`, "Host: a"]),
      get("/calls/a", `X-Forwarded-Host: ${address}`, `Forwarded: host=${address}`, `X-Original-URL: ${foreign.url}/`),
      get("/calls/a", `X-Backend-Arm: ${foreign.url}`, `Switchyard-Arm: ${foreign.url}`),
      get(`/calls/a?url=${encodeURIComponent(foreign.url)}`, bearer("bob")),
      get("/calls/a", `Origin: ${foreign.url}`, `Referer: ${foreign.url}`),
      request([`CONNECT ${address} HTTP/1.1`, `Host: ${address}`]),
    ];
    for (const bytes of hostile) await askOnce(fixture.port, bytes);
    assert.equal(foreign.bytes, 0);
    const allowed = new Set(
      [control.url, candidate.url, `http://127.0.0.1:${fixture.port}`].map((url) => Number(new URL(url).port)),
    );
    assert.deepEqual(
      [...ports].filter((port) => !allowed.has(port)),
      [],
    );
    assert.ok(ports.size >= 2);
  });

  test("verifies upstream certificates by default", async (t) => {
    const server = createHttpsServer(SELF_SIGNED, (_req, res) => res.end("ok"));
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const folder = mkdtempSync(join(tmpdir(), "switchyard-ca-"));
    t.after(() => {
      server.closeAllConnections();
      server.close();
      rmSync(folder, { recursive: true });
    });
    const caFile = join(folder, "ca.pem");
    writeFileSync(caFile, SELF_SIGNED.cert);
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
    for (const [tls, status] of [
      [{}, 502],
      [{ verify: true }, 502],
      [{ caFile }, 200],
      [{ verify: false }, 200],
    ] as const) {
      const fixture = await startProxy({ control: url, controlArm: { tls } });
      t.after(() => fixture.stop());
      const reply = await askOnce(fixture.port, get("/calls/a"));
      assert.equal(reply.status, status, JSON.stringify(tls));
      if (status === 502) assert.equal(reply.code, "SY_UPSTREAM_REFUSED");
    }
  });

  test("the next call does not reuse a connection older than the arm allows", async (t) => {
    const { control, fixture } = await startBoth(t, { limits: { armKeepAlive: "50ms" } });
    await askOnce(fixture.port, get("/calls/a"));
    await until("the idle connection is closed by us", () => control.connections[0]?.isClosed === true);
    assert.equal((await askOnce(fixture.port, get("/calls/b"))).status, 200);
    assert.equal(control.connections.length, 2);
  });
});

describe("instances of an arm", () => {
  test("one subject stays on one instance; subjects spread", async (t) => {
    const origins = [await startRawOrigin(), await startRawOrigin(), await startRawOrigin()];
    const fixture = await startProxy({ control: origins.map((one) => one.url), candidate: NOBODY });
    t.after(async () => {
      fixture.stop();
      for (const one of origins) await one.stop();
    });
    const names = Array.from({ length: 30 }, (_, i) => `subject-${i}`);
    for (const name of names)
      for (let i = 0; i < 2; i++) await askOnce(fixture.port, get(`/calls/${name}`, bearer(name)));
    const homes = names.map(
      (name) => origins.filter((one) => one.requests.some(({ target }) => target === `/calls/${name}`)).length,
    );
    assert.deepEqual([...new Set(homes)], [1], "one home each");
    for (const one of origins) assert.ok(one.requests.length >= 6, `each has a share: ${one.requests.length}`);
  });

  test("an instance that refuses connections hands its subjects to the next, and only its own", async (t) => {
    const [first, second] = [await startRawOrigin(), await startRawOrigin()];
    const fixture = await startProxy({ control: [first.url, second.url] });
    t.after(async () => {
      fixture.stop();
      await second.stop();
    });
    const names = Array.from({ length: 12 }, (_, i) => `subject-${i}`);
    for (const name of names) await askOnce(fixture.port, get(`/calls/${name}`, bearer(name)));
    const moved = first.requests.length;
    await first.stop();
    for (const name of names) {
      const reply = await askOnce(
        fixture.port,
        request([`POST /calls/${name} HTTP/1.1`, "Host: a", bearer(name), "Content-Length: 2"], "{}"),
      );
      assert.equal(reply.status, 200, "nothing was sent, so a write may try the next instance");
    }
    assert.equal(await fixture.count("upstreamRetries", { arm: "control", reason: "instance_refused" }), moved);
    assert.equal(second.requests.filter((one) => one.method === "POST").length, names.length);
  });

  test("a call that waited too long for a connection is not handed to another instance", async (t) => {
    const hold: Answer = () => null;
    const [first, second] = [await startRawOrigin(hold), await startRawOrigin(hold)];
    const fixture = await startProxy({
      control: [first.url, second.url],
      limits: { armConnections: 1, armFirstByte: "200ms", armConnect: "100ms" },
      routes: [{ match: "GET /hold", firstByte: "60s" }, "* /calls/**"],
    });
    t.after(async () => {
      fixture.stop();
      await first.stop();
      await second.stop();
    });
    const holding = await RawClient.connect(fixture.port);
    holding.send(get("/hold", bearer("ada")));
    await until("the only connection is taken", () => first.requests.length + second.requests.length === 1);
    const write = request(["POST /calls/w HTTP/1.1", "Host: a", bearer("ada"), "Content-Length: 2"], "{}");
    const reply = await askOnce(fixture.port, write);
    assert.deepEqual([reply.status, reply.code], [504, "SY_UPSTREAM_TIMEOUT"]);
    holding.end();
    await until("the connection is given back", () => fixture.lines.length === 2);
    assert.equal(
      (await askOnce(fixture.port, get("/calls/after", bearer("ada")))).status,
      504,
      "the hold answers nobody",
    );
    const writes = [...first.requests, ...second.requests].filter((one) => one.method === "POST");
    assert.equal(writes.length, 0, "given up before it was sent, to either");
  });

  test("spread takes the least loaded instance", async (t) => {
    const hold: Answer = () => null;
    const [first, second] = [await startRawOrigin(hold), await startRawOrigin(hold)];
    const fixture = await startProxy({ control: [first.url, second.url], controlArm: { balance: "spread" } });
    t.after(async () => {
      fixture.stop();
      await first.stop();
      await second.stop();
    });
    const clients = await Promise.all(Array.from({ length: 6 }, () => RawClient.connect(fixture.port)));
    for (const [i, client] of clients.entries()) {
      client.send(get(`/calls/${i}`, bearer("ada")));
      await until("it arrived", () => first.requests.length + second.requests.length === i + 1);
    }
    assert.deepEqual([first.requests.length, second.requests.length], [3, 3]);
    for (const client of clients) client.end();
  });

  test("an instance that is not ready is tried last, and its return is seen", async (t) => {
    let isReady = false;
    const probing: Answer = (one) =>
      one.target !== "/readyz" || isReady ? OK : "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";
    const [first, second] = [await startRawOrigin(probing), await startRawOrigin()];
    const fixture = await startProxy({ control: [first.url, second.url], controlArm: { readyPath: "/readyz" } });
    t.after(async () => {
      fixture.stop();
      await first.stop();
      await second.stop();
    });
    const ready = () => fixture.proxy.arms()[0]?.instances.map((one) => one.isReady);
    await until("the first is seen as not ready", () => ready()?.[0] === false);
    for (let i = 0; i < 10; i++) await askOnce(fixture.port, get("/calls/a", bearer(`subject-${i}`)));
    assert.equal(first.requests.filter((one) => one.target !== "/readyz").length, 0);
    isReady = true;
    await until("it is seen as ready again", () => ready()?.[0] === true);
    assert.deepEqual(
      fixture.events.map((one) => one.type),
      ["arm.not-ready", "arm.ready"],
    );
  });
});
