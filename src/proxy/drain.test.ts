import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { type FixtureOptions, type ProxyFixture, startProxy } from "./testing/proxyFixture.ts";
import { RawClient, request } from "./testing/rawClient.ts";
import { OK, type OriginConnection, startRawOrigin } from "./testing/rawOrigin.ts";
import { until, within } from "./testing/wait.ts";

const GET = request(["GET /calls/a HTTP/1.1", "Host: a"]);

/** An arm that answers only when told to. */
async function startHeld(t: TestContext, options: Partial<FixtureOptions> = {}) {
  const held: OriginConnection[] = [];
  const origin = await startRawOrigin((one, connection) => {
    if (one.target !== "/calls/held") return OK;
    held.push(connection);
    return null;
  });
  const fixture = await startProxy({ control: origin.url, ...options });
  t.after(async () => {
    fixture.stop();
    await origin.stop();
  });
  return { origin, fixture, held };
}

const HELD = request(["GET /calls/held HTTP/1.1", "Host: a"]);
const refuses = (port: number): Promise<boolean> =>
  RawClient.connect(port).then(
    (client) => (client.end(), false),
    () => true,
  );

describe("drain", () => {
  test("running calls end whole, idle connections close, new ones are refused", async (t) => {
    const { fixture, held } = await startHeld(t);
    const idle = await RawClient.connect(fixture.port);
    idle.send(GET);
    await idle.reply();
    const running = await Promise.all(Array.from({ length: 8 }, () => RawClient.connect(fixture.port)));
    for (const client of running) client.send(HELD);
    await until("all calls are at the arm", () => held.length === running.length);
    const drained = fixture.proxy.drain();
    await within("the idle connection ends", idle.closed);
    assert.equal(idle.isReset, false, "ended, not reset");
    await until("the port is closed", () => refuses(fixture.port));
    for (const one of held) one.socket.write(OK);
    for (const client of running) {
      const reply = await client.reply();
      assert.deepEqual([reply.status, reply.body.toString(), reply.one("connection")], [200, "ok", "close"]);
      await within("the connection ends", client.closed);
    }
    await within("the drain ends with its last call", drained);
    assert.deepEqual(
      fixture.lines.map((line) => line.outcome),
      Array.from({ length: 9 }, () => "ok"),
    );
  });

  test("pipelined calls keep their connection until the last answer has left", async (t) => {
    const { origin, fixture, held } = await startHeld(t);
    const client = await RawClient.connect(fixture.port);
    client.send(HELD + GET);
    await until("both are at the arm", () => origin.requests.length === 2);
    const drained = fixture.proxy.drain();
    await until("the port is closed", () => refuses(fixture.port));
    held[0]?.socket.write(OK);
    assert.equal((await client.reply()).status, 200);
    await within("the connection ends", client.closed);
    await within("the drain ends", drained);
  });

  test("a call that fails while draining is told so, and its connection ends too", async (t) => {
    const { fixture, held } = await startHeld(t);
    const client = await RawClient.connect(fixture.port);
    client.send(HELD);
    await until("the call is at the arm", () => held.length === 1);
    const drained = fixture.proxy.drain();
    held[0]?.socket.destroy();
    assert.equal((await client.reply()).status, 502);
    await within("the connection ends", client.closed);
    await within("the drain does not wait for the keep-alive time", drained, 1_000);
  });

  test("an answer larger than every buffer is not cut for a slow reader", async (t) => {
    const size = 8 * 1024 * 1024;
    const { origin, fixture } = await startHeld(t);
    origin.answer = () =>
      Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`), Buffer.alloc(size, 97)]);
    const client = await RawClient.connect(fixture.port);
    client.socket.pause();
    client.send(GET);
    await until("the answer has begun", () => origin.requests.length === 1);
    const drained = fixture.proxy.drain();
    await until("the port is closed", () => refuses(fixture.port));
    client.socket.resume();
    assert.equal((await client.reply()).body.length, size);
    await within("the drain ends", drained);
  });

  test("answers that have ended and wait for a slow reader are not cut", async (t) => {
    const { origin, fixture } = await startHeld(t);
    const body = "a".repeat(30_000);
    origin.answer = () => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    const client = await RawClient.connect(fixture.port);
    client.socket.pause();
    client.send(GET.repeat(400));
    let seen = { count: -1, sinceMs: 0 };
    await until("no further call is taken while nobody reads", () => {
      const count = origin.requests.length;
      if (seen.count !== count) seen = { count, sinceMs: performance.now() };
      return count > 0 && performance.now() - seen.sinceMs > 200;
    });
    const drained = fixture.proxy.drain();
    client.socket.resume();
    await within("the connection ends", client.closed, 8_000);
    const text = client.text;
    const begun = text.split("HTTP/1.1 200 OK").length - 1;
    const whole = text.split(body).length - 1;
    assert.ok(begun > 0);
    assert.equal(whole, begun, "every answer that began is whole");
    assert.equal(client.isReset, false);
    await within("the drain ends", drained);
  });

  test("streams get their time, then they are cut and never look complete", async (t) => {
    const { origin, fixture } = await startHeld(t, {
      sections: { drain: { delay: "0ms", exchanges: "300ms", sockets: "0ms" } },
    });
    origin.answer = () => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    const client = await RawClient.connect(fixture.port);
    client.send(GET);
    await client.sees("abc");
    await within("the drain ends in its time", fixture.proxy.drain(), 1_500);
    await within("the connection ends", client.closed);
    assert.equal(client.text.includes("0\r\n\r\n"), false);
  });

  test("calls are served while balancers learn of it, and every answer says close", async (t) => {
    const { fixture } = await startHeld(t, {
      sections: { drain: { delay: "300ms", exchanges: "5s", sockets: "0ms" } },
    });
    const client = await RawClient.connect(fixture.port);
    client.send(GET);
    assert.equal((await client.reply()).one("connection"), "keep-alive");
    const drained = fixture.proxy.drain();
    client.send(GET);
    const last = await client.reply();
    assert.deepEqual([last.status, last.one("connection")], [200, "close"]);
    await client.closed;
    const late = await RawClient.connect(fixture.port);
    late.send(GET);
    assert.equal((await late.reply()).status, 200);
    await drained;
  });

  test("draining twice is draining once", async (t) => {
    const { fixture } = await startHeld(t);
    const first = fixture.proxy.drain();
    assert.equal(fixture.proxy.drain(), first);
    await first;
    assert.doesNotThrow(() => fixture.proxy.stop());
  });

  test("under traffic no answer is cut, and a second instance takes over", async (t) => {
    const { origin, fixture } = await startHeld(t);
    const second = await startProxy({ control: origin.url });
    t.after(() => second.stop());
    const chunk = "a".repeat(5_000);
    origin.answer = (_request, { socket }) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n${chunk}`);
      setImmediate(() => socket.write(chunk));
      return null;
    };
    const counts = { whole: 0, cut: 0, byPort: new Map<number, number>() };
    let isOver = false;
    const workers = Array.from({ length: 12 }, () => work([fixture, second], counts, () => isOver));
    await until("traffic flows", () => counts.whole > 100);
    await within("the drain ends", fixture.proxy.drain(), 5_000);
    const before = counts.whole;
    await until("the second instance serves", () => counts.whole > before + 100);
    isOver = true;
    await Promise.all(workers);
    assert.equal(counts.cut, 0, "an answer that began was not finished");
    assert.ok((counts.byPort.get(second.port) ?? 0) > 100);
  });
});

/** A client that goes to the first instance that takes its connection, call after call, as keep-alive clients do. */
async function work(
  instances: readonly ProxyFixture[],
  counts: { whole: number; cut: number; byPort: Map<number, number> },
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    for (const { port } of instances) {
      const client = await RawClient.connect(port).catch(() => null);
      if (!client) continue;
      while (!isOver() && !client.isClosed) {
        const begun = client.received.length;
        client.send(GET);
        const reply = await client.reply().catch(() => null);
        if (reply) {
          counts.whole++;
          counts.byPort.set(port, (counts.byPort.get(port) ?? 0) + 1);
        } else if (client.received.length > begun) counts.cut++;
        if (!reply || reply.one("connection") === "close") break;
      }
      client.end();
      break;
    }
  }
}
