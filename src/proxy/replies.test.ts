import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { startProxy } from "./testing/proxyFixture.ts";
import { ask, RawClient, request } from "./testing/rawClient.ts";
import { OK, startRawOrigin } from "./testing/rawOrigin.ts";
import { bearer } from "./testing/tokens.ts";
import { useProxy } from "./testing/useProxy.ts";
import { until, within } from "./testing/wait.ts";

const { origin, fixture } = await useProxy();

const GET = request(["GET /calls/a HTTP/1.1", "Host: api.example"]);

describe("replies of an arm", () => {
  test("a short reply never looks complete", async (t) => {
    const cut: Readonly<Record<string, string>> = {
      "a length that is not reached": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
      "a large length that is not reached": `HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n${"a".repeat(100_000)}`,
      "no last chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
      "half a chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc",
      "a chunk that is no chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n",
    };
    for (const [name, reply] of Object.entries(cut)) {
      for (const ending of ["end", "reset"] as const) {
        await t.test(`${name}, then ${ending}`, async () => {
          fixture.lines.length = 0;
          origin.answer = (_request, { socket }) => {
            socket.write(reply, () => (ending === "end" ? socket.end() : setImmediate(() => socket.resetAndDestroy())));
            return null;
          };
          const client = await RawClient.connect(fixture.port);
          client.send(GET);
          // Either our own 502, when nothing had been passed on yet, or a connection that breaks before the end.
          const outcome = await client.reply().then(
            (got) => got,
            () => null,
          );
          if (outcome) assert.equal(outcome.code, "SY_UPSTREAM_RESET");
          await until("the exchange is written down", () => fixture.lines.length === 1);
          assert.equal(fixture.lines[0]?.outcome, "server_error");
          client.end();
        });
      }
    }
  });

  test("a short reply never looks complete to HTTP/1.0, where the end of the connection is the end", async () => {
    let reset = (): void => {};
    origin.answer = (_request, { socket }) => {
      reset = () => void socket.resetAndDestroy();
      return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    };
    const client = await RawClient.connect(fixture.port);
    client.send(request(["GET /calls/a HTTP/1.0", "Host: api.example"]));
    await client.sees("abc");
    assert.equal(client.text.includes("chunked"), false, "HTTP/1.0 knows no chunks");
    reset();
    await within("the connection breaks", client.closed);
    assert.equal(client.isReset, true, "reset, not ended");
  });

  test("a whole reply ends the connection of HTTP/1.0 cleanly", async () => {
    origin.answer = () => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    const client = await RawClient.connect(fixture.port);
    client.send(request(["GET /calls/a HTTP/1.0", "Host: api.example"]));
    assert.equal((await client.reply()).body.toString(), "abc");
    assert.equal(client.isReset, false);
  });

  test("bytes that are no valid reply are 502, and their socket is not used again", async (t) => {
    const head = "HTTP/1.1 200 OK\r\n";
    const invalid: Readonly<Record<string, string>> = {
      "two different lengths": `${head}Content-Length: 2\r\nContent-Length: 3\r\n\r\nokk`,
      "a length beside chunked": `${head}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n`,
      "a length that is no number": `${head}Content-Length: 2a\r\n\r\nok`,
      "a negative length": `${head}Content-Length: -2\r\n\r\nok`,
      "an upgrade nobody asked for":
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      "a 100 Continue nobody expected": `HTTP/1.1 100 Continue\r\n\r\n${OK}`,
      "a status below 100": "HTTP/1.1 099 Odd\r\nContent-Length: 2\r\n\r\nok",
      "no HTTP at all": "SSH-2.0-OpenSSH_9.6\r\n",
      "a header with a NUL": `${head}X-A: a\0b\r\nContent-Length: 2\r\n\r\nok`,
      "a header with a bare CR": `${head}X-A: a\rSet-Cookie: evil=1\r\nContent-Length: 2\r\n\r\nok`,
      "a header with a control byte": `${head}X-A: a\x01b\r\nContent-Length: 2\r\n\r\nok`,
      "a header name with a blank": `${head}X A: a\r\nContent-Length: 2\r\n\r\nok`,
      "a head above 16 KiB": `${head}X-A: ${"a".repeat(20_000)}\r\nContent-Length: 2\r\n\r\nok`,
    };
    for (const [name, reply] of Object.entries(invalid)) {
      await t.test(name, async () => {
        origin.answer = () => reply;
        const { client, reply: got } = await ask(fixture.port, GET);
        assert.equal(got.status, 502, got.body.toString());
        assert.equal(got.code, "SY_UPSTREAM_RESET");
        assert.equal(client.text.includes("evil"), false);
        client.end();
        await until("its socket is gone", () =>
          origin.connections.every((one) => one.isClosed || one.requests.length === 0),
        );
        origin.forget();
      });
    }
  });

  test("refuses header injection in both directions", async () => {
    // From clients: the rows of frontDoor. From arms: a value never becomes a second header.
    origin.answer = () => "HTTP/1.1 200 OK\r\nX-A: a\r\n Set-Cookie: evil=1\r\nContent-Length: 2\r\n\r\nok";
    const { client, reply } = await ask(fixture.port, GET);
    client.end();
    assert.equal(reply.all("set-cookie").length, 0);
  });

  test("interim replies of an arm stay inside", async () => {
    origin.answer = () => `HTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${OK}`;
    const { client, reply } = await ask(fixture.port, GET);
    assert.equal(reply.status, 200);
    assert.equal(client.text.includes("Early"), false);
    client.end();
  });

  test("the arm never leaves the building", async () => {
    const address = origin.url.slice("http://".length);
    origin.answer = () =>
      `HTTP/1.1 201 Created\r\nX-Backend-Arm: legacy\r\nServer: uvicorn\r\nX-Powered-By: x\r\nAlt-Svc: h2="${address}"\r\n` +
      `Location: ${origin.url}/calls/new?x=1\r\nX-Contract-Version: 1.0.0\r\nContent-Length: 2\r\n\r\nok`;
    const { client, reply } = await ask(fixture.port, GET);
    client.end();
    assert.equal(client.text.includes(address), false, client.text);
    assert.equal(/legacy|uvicorn|x-powered-by|alt-svc|server:/i.test(client.text), false);
    assert.equal(reply.one("location"), "http://api.example/calls/new?x=1");
    assert.equal(reply.one("x-contract-version"), "1.0.0");
  });

  test("a Location at the other arm is rewritten too", async (t) => {
    const other = await startRawOrigin(
      () => `HTTP/1.1 302 Found\r\nLocation: ${origin.url}/calls/b\r\nContent-Length: 0\r\n\r\n`,
    );
    const both = await startProxy({ control: origin.url, candidate: other.url, pins: { bob: "candidate" } });
    t.after(async () => {
      both.stop();
      await other.stop();
    });
    const { client, reply } = await ask(
      both.port,
      request(["GET /calls/a HTTP/1.1", "Host: api.example", bearer("bob")]),
    );
    client.end();
    assert.equal(reply.one("location"), "http://api.example/calls/b");
  });

  test("a Location elsewhere, or relative, passes untouched", async () => {
    for (const location of [
      "/calls/new",
      "https://login.example/?next=1",
      `${origin.url}0/calls`,
      `${origin.url}@evil.example/`,
    ]) {
      origin.answer = () => `HTTP/1.1 302 Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;
      const { client, reply } = await ask(fixture.port, GET);
      client.end();
      assert.equal(reply.one("location"), location);
    }
  });

  test("an answer of the arm passes byte for byte, failures included", async () => {
    for (const status of [
      "200 OK",
      "404 Not Found",
      "409 Conflict",
      "500 Internal Server Error",
      "503 Service Unavailable",
    ]) {
      const body = `{"detail":"é ${status}"}`;
      const length = Buffer.byteLength(body, "latin1");
      origin.answer = () =>
        Buffer.from(
          `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-High: \xe9\r\nContent-Length: ${length}\r\n\r\n${body}`,
          "latin1",
        );
      const { client, reply } = await ask(fixture.port, GET);
      client.end();
      assert.equal(reply.status, Number(status.slice(0, 3)));
      assert.equal(reply.body.toString("latin1"), body);
      assert.equal(reply.one("content-type"), "application/json");
      assert.deepEqual(reply.all("set-cookie"), ["a=1", "b=2"]);
      assert.equal(reply.one("x-high"), "\xe9");
    }
  });

  test("replies without a body stay without one", async () => {
    for (const [method, head] of [
      ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 42\r\n\r\n"],
      ["GET", "HTTP/1.1 204 No Content\r\n\r\n"],
      ["GET", 'HTTP/1.1 304 Not Modified\r\nETag: "a"\r\n\r\n'],
    ] as const) {
      origin.answer = () => head;
      const client = await RawClient.connect(fixture.port);
      const bytes = request([`${method} /calls/a HTTP/1.1`, "Host: api.example"]);
      for (let i = 0; i < 2; i++) {
        client.send(bytes);
        const reply = await client.reply({ isHead: true });
        assert.equal(reply.status, Number(head.slice(9, 12)));
        if (method === "HEAD") assert.equal(reply.one("content-length"), "42");
        else
          assert.deepEqual(
            [...reply.all("transfer-encoding"), ...reply.all("content-length").filter((n) => n !== "0")],
            [],
          );
      }
      client.end();
    }
  });

  test("a reply that ends with its connection arrives whole", async () => {
    origin.answer = (_request, { socket }) => {
      socket.end("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\nuntil the end");
      return null;
    };
    const { client, reply } = await ask(fixture.port, GET);
    client.end();
    assert.equal(reply.body.toString(), "until the end");
  });

  test("the first event arrives before the second is produced", async () => {
    let produce = (_text: string): void => {};
    origin.answer = (_request, { socket }) => {
      produce = (text) => void socket.write(`${text.length.toString(16)}\r\n${text}\r\n`);
      return "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
    };
    const client = await RawClient.connect(fixture.port);
    client.send(GET);
    await client.sees("text/event-stream");
    produce("data: 1\n\n");
    await client.sees("data: 1");
    produce("data: 2\n\n");
    await client.sees("data: 2");
    produce("");
    assert.equal((await client.reply()).body.toString(), "data: 1\n\ndata: 2\n\n");
    client.end();
  });

  test("a client that goes away is told to the arm within 200 ms", async () => {
    origin.answer = () => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    for (const kind of ["destroy", "resetAndDestroy"] as const) {
      origin.forget();
      const client = await RawClient.connect(fixture.port);
      client.send(GET);
      await client.sees("abc");
      const serving = origin.connections.find((one) => !one.isClosed && one.requests.length > 0);
      client.socket[kind]();
      await until("the arm's connection is closed", () => serving?.isClosed === true, 200);
    }
  });

  test("an abort before the first byte of the answer reaches the arm too", async () => {
    origin.forget();
    origin.answer = () => null;
    fixture.lines.length = 0;
    const client = await RawClient.connect(fixture.port);
    client.send(GET);
    await until("the arm has the call", () => origin.requests.length === 1);
    client.end();
    await until(
      "the arm's connection is closed",
      () => origin.connections.every((one) => one.isClosed || one.requests.length === 0),
      200,
    );
    await until("it is written down", () => fixture.lines.length === 1);
    assert.equal(fixture.lines[0]?.outcome, "aborted");
    assert.equal((await fixture.count("requests", { outcome: "aborted", arm: "control" })) > 0, true);
  });

  test("an arm that resets in mid-reply breaks the client's connection within 200 ms", async () => {
    let reset = (): void => {};
    origin.answer = (_request, { socket }) => {
      reset = () => void socket.resetAndDestroy();
      return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    };
    const client = await RawClient.connect(fixture.port);
    client.send(GET);
    await client.sees("abc");
    reset();
    await within("the client's connection ends", client.closed, 200);
    assert.equal(client.text.endsWith("0\r\n\r\n"), false, "no last chunk");
  });
});
