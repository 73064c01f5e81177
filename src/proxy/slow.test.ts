import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { ask, askOnce, RawClient, request } from "./testing/rawClient.ts";
import { OK } from "./testing/rawOrigin.ts";
import { bearer } from "./testing/tokens.ts";
import { useProxy } from "./testing/useProxy.ts";
import { until, within } from "./testing/wait.ts";

const { origin, fixture } = await useProxy({
  limits: {
    headTime: "300ms",
    jsonBodyTime: "600ms",
    bodyRateGrace: "300ms",
    bodyRateMin: "100B",
    uploadBodyTime: "5s",
    keepAlive: "200ms",
    armConnect: "200ms",
    armFirstByte: "300ms",
    armIdle: "400ms",
  },
  routes: ["* /calls/**", { match: "POST /upload", kind: "upload" }, { match: "GET /patient", firstByte: "60s" }],
});

const GET = request(["GET /calls/a HTTP/1.1", "Host: a"]);
const outcomes = (): readonly string[] => fixture.lines.map((line) => line.outcome);
const gone = (): boolean => origin.connections.every((one) => one.isClosed || one.received.length === 0);

describe("slow clients", () => {
  test("a head that does not end is 408", async () => {
    const counted = await fixture.refused("SY_HEAD_TIMEOUT");
    const { client, reply } = await ask(fixture.port, "GET /calls/a HTTP/1.1\r\nHost: a\r\n");
    assert.deepEqual([reply.status, reply.code], [408, "SY_HEAD_TIMEOUT"]);
    await within("the connection ends", client.closed);
    assert.equal((await fixture.refused("SY_HEAD_TIMEOUT")) - counted, 1);
    assert.equal(origin.bytes, 0);
  });

  test("a head that trickles is 408 all the same", async () => {
    const client = await RawClient.connect(fixture.port);
    client.send("GET /calls/a HTTP/1.1\r\nX: ");
    const drip = setInterval(() => client.send("a"), 50);
    try {
      assert.equal((await client.reply()).status, 408);
    } finally {
      clearInterval(drip);
    }
    await client.closed;
  });

  test("a body that stops is 408, and the arm's connection ends", async () => {
    for (const lines of [["Content-Length: 10"], ["Transfer-Encoding: chunked"]]) {
      origin.forget();
      const { client, reply } = await ask(
        fixture.port,
        request(["POST /calls/a HTTP/1.1", "Host: a", ...lines], lines[0]?.startsWith("C") ? "abc" : "3\r\nabc\r\n"),
      );
      assert.deepEqual([reply.status, reply.code], [408, "SY_HEAD_TIMEOUT"]);
      await within("the connection ends", client.closed);
      await until("the arm's connection is gone", gone);
      assert.equal(origin.requests.length, 0, "no complete request");
    }
  });

  test("a body below the least rate is 408", async () => {
    const client = await RawClient.connect(fixture.port);
    client.send(request(["POST /upload HTTP/1.1", "Host: a", "Content-Length: 100000"]));
    const drip = setInterval(() => client.send("a"), 50); // 20 bytes a second, 100 are asked for
    try {
      const reply = await client.reply();
      assert.deepEqual([reply.status, reply.code], [408, "SY_HEAD_TIMEOUT"]);
    } finally {
      clearInterval(drip);
    }
    await until("the arm's connection is gone", gone);
  });

  test("a body at the least rate is served", async () => {
    const client = await RawClient.connect(fixture.port);
    client.send(request(["POST /upload HTTP/1.1", "Host: a", "Content-Length: 1000"]));
    let sent = 0;
    const drip = setInterval(() => {
      if (sent < 1_000) client.send("a".repeat(50));
      sent += 50;
    }, 50); // 1,000 bytes a second
    try {
      assert.equal((await client.reply()).status, 200);
    } finally {
      clearInterval(drip);
    }
    client.end();
  });

  test("a body within its rate that takes longer than its time is 408", async () => {
    const client = await RawClient.connect(fixture.port);
    client.send(request(["POST /calls/a HTTP/1.1", "Host: a", "Content-Length: 100000"]));
    const drip = setInterval(() => client.send("a".repeat(50)), 50);
    try {
      assert.equal((await client.reply()).status, 408);
    } finally {
      clearInterval(drip);
    }
    client.end();
  });

  test("an idle connection is closed without a word", async () => {
    const client = await RawClient.connect(fixture.port);
    client.send(GET);
    assert.equal((await client.reply()).status, 200);
    assert.equal(await client.rest(), "");
  });

  test("a reader that stops loses its connection, and the arm is let go", async () => {
    const size = 32 * 1024 * 1024;
    origin.answer = () =>
      Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`), Buffer.alloc(size)]);
    fixture.lines.length = 0;
    const client = await RawClient.connect(fixture.port);
    client.socket.pause();
    client.send(GET);
    await until("it is given up", () => fixture.lines.length === 1);
    assert.deepEqual(outcomes(), ["timeout"]);
    await until("the arm's connection is gone", gone);
    client.end();
  });

  test("200 slow heads at once do not keep others from being served", async () => {
    const slow = await Promise.all(Array.from({ length: 200 }, () => RawClient.connect(fixture.port)));
    for (const client of slow) client.send("GET /calls/slow HTTP/1.1\r\n");
    assert.equal((await askOnce(fixture.port, GET)).status, 200);
    const replies = await Promise.all(slow.map((client) => client.reply()));
    assert.deepEqual([...new Set(replies.map((reply) => reply.status))], [408]);
    await Promise.all(slow.map((client) => client.closed));
  });
});

describe("slow arms", () => {
  test("an arm that does not answer is 504 and its connection ends", async () => {
    origin.answer = () => null;
    fixture.lines.length = 0;
    const { client, reply } = await ask(fixture.port, GET);
    assert.deepEqual([reply.status, reply.code], [504, "SY_UPSTREAM_TIMEOUT"]);
    await until("the arm's connection is gone", gone);
    assert.deepEqual(outcomes(), ["timeout"]);
    assert.ok((await fixture.count("requests", { outcome: "timeout", arm: "control" })) >= 1);
    client.end();
  });

  test("a slow write is 504 and never sent again", async () => {
    origin.answer = () => null;
    const reply = await askOnce(
      fixture.port,
      request(["POST /calls/a HTTP/1.1", "Host: a", bearer("ada"), "Content-Length: 2"], "{}"),
    );
    assert.equal(reply.status, 504);
    await until("the arm's connection is gone", gone);
    assert.equal(origin.requests.length, 1);
  });

  test("half a reply head is 504 too", async () => {
    origin.answer = () => "HTTP/1.1 200 OK\r\nContent-Le";
    assert.equal((await askOnce(fixture.port, GET)).status, 504);
  });

  test("a route may wait longer for its first byte", async () => {
    const timers: NodeJS.Timeout[] = [];
    origin.answer = (_request, { socket }) => {
      timers.push(setTimeout(() => socket.write(OK), 1_400)); // past the limit and past a check of it
      return null;
    };
    assert.equal((await askOnce(fixture.port, request(["GET /patient HTTP/1.1", "Host: a"]))).status, 200);
    for (const timer of timers) clearTimeout(timer);
  });

  test("silence within an answer breaks the client's connection before the end", async () => {
    origin.answer = () => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    fixture.lines.length = 0;
    const client = await RawClient.connect(fixture.port);
    client.send(GET);
    await client.sees("abc");
    await within("the connection breaks", client.closed);
    assert.equal(client.text.includes("0\r\n\r\n"), false, "it never looks complete");
    await until("it is written down", () => fixture.lines.length === 1);
    assert.deepEqual(outcomes(), ["timeout"]);
    await until("the arm's connection is gone", gone);
  });

  test("an answer that goes on talking is not cut", async () => {
    let left = 6;
    const timers: NodeJS.Timeout[] = [];
    origin.answer = (_request, { socket }) => {
      timers.push(
        setInterval(() => {
          if (left-- > 0) socket.write("1\r\na\r\n");
          else if (left === -1) socket.write("0\r\n\r\n");
        }, 250),
      );
      return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    };
    const reply = await askOnce(fixture.port, GET);
    for (const timer of timers) clearInterval(timer);
    assert.equal(reply.body.toString(), "aaaaaa", "1.5 s in all, never 400 ms of silence");
  });
});
