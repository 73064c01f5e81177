import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { BARE_NODE } from "./bareNode.cases.ts";
import {
  ALL_ROWS,
  BODIES,
  CODINGS,
  EXPECTATIONS,
  FIELDS,
  HEAD_LIMITS,
  HOSTS,
  LENGTHS,
  LINES,
  METHODS,
  type Row,
  SINGLES,
} from "./frontDoor.cases.ts";
import { refuseLenientParser } from "./server.ts";
import { startBareNode } from "./testing/bareNode.ts";
import { type ProxyFixture, startProxy } from "./testing/proxyFixture.ts";
import { ask, RawClient, request } from "./testing/rawClient.ts";
import { OK, type RawOrigin, startRawOrigin } from "./testing/rawOrigin.ts";
import { until, within } from "./testing/wait.ts";

let origin: RawOrigin;
let fixture: ProxyFixture;

before(async () => {
  origin = await startRawOrigin((one) => (one.method === "HEAD" ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" : OK));
  fixture = await startProxy({ control: origin.url, sections: { publicHosts: ["api.example"] } });
});
after(async () => {
  fixture.stop();
  await origin.stop();
});

/** Sends the row; a refusal must be counted once, reach no arm and end the connection where framing is in doubt. */
async function check(row: Row): Promise<void> {
  origin.forget();
  const reason = row.code === "" ? "SY_BAD_REQUEST" : (row.code ?? "");
  const refusedBefore = await fixture.refused(reason);
  const { client, reply } = await ask(fixture.port, row.bytes, { isHead: row.isHead ?? false });
  assert.equal(reply.status, row.status, `${row.name}: ${reply.body.toString()}`);
  if (row.code === null) {
    assert.equal(origin.requests.length, 1, row.name);
    client.end();
    return;
  }
  if (row.code !== "") assert.equal(reply.code, row.code, row.name);
  assert.equal(origin.bytes, 0, `${row.name}: something reached the arm`);
  assert.equal((await fixture.refused(reason)) - refusedBefore, 1, `${row.name}: counted once`);
  if (row.status !== 405) {
    assert.equal(reply.one("connection"), "close", row.name);
    await within(`${row.name}: the connection ends`, client.closed);
  }
  client.end();
}

const checkAll = (name: string, rows: readonly Row[]): void => {
  test(name, async (t) => {
    for (const row of rows) await t.test(row.name, () => check(row));
  });
};

describe("front door", () => {
  test("refuses to start with the lenient parser", () => {
    assert.throws(() => refuseLenientParser(["--insecure-http-parser"], ""), /insecure-http-parser/);
    assert.throws(
      () => refuseLenientParser([], "--max-old-space-size=64 --insecure-http-parser"),
      /insecure-http-parser/,
    );
    assert.doesNotThrow(() => refuseLenientParser([], "--enable-source-maps"));
  });

  checkAll("refuses every transfer coding but chunked", CODINGS);
  checkAll("refuses lengths that two readers could take for two numbers", LENGTHS);
  checkAll("refuses a body where the route has none", BODIES);
  checkAll("never opens a tunnel", METHODS);
  checkAll("refuses two hosts, no host, foreign hosts", HOSTS);
  checkAll("refuses repeated single headers", SINGLES);
  checkAll("refuses every expectation but one", EXPECTATIONS);
  checkAll("refuses header injection from clients", FIELDS);
  checkAll("refuses request lines with more than one reading", LINES);
  checkAll("holds the limits of the head", HEAD_LIMITS);

  test("says which methods are served when it refuses one", async () => {
    const { client, reply } = await ask(fixture.port, request(["TRACE /calls/a HTTP/1.1", "Host: api.example"]));
    client.end();
    assert.equal(reply.one("allow"), "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  });

  test("at least 120 rows stand in the table", () => {
    assert.ok(ALL_ROWS.length >= 120, `${ALL_ROWS.length}`);
    assert.equal(new Set(ALL_ROWS.map((row) => row.bytes)).size, ALL_ROWS.length, "no row stands twice");
  });

  test("a bare Node server answers as the golden table says", async (t) => {
    const node = await startBareNode();
    t.after(() => node.stop());
    const byName = new Map(ALL_ROWS.map((row) => [row.name, row]));
    const golden = Object.entries(BARE_NODE).flatMap(([outcome, names]) => names.map((name) => ({ name, outcome })));
    assert.ok(golden.length >= 35);
    for (const { name, outcome } of golden) {
      const row = byName.get(name);
      assert.ok(row, `no row "${name}"`);
      assert.equal(await node.outcome(row.bytes, row.isHead ?? false), outcome, name);
    }
  });

  test("sends nothing upstream before framing is judged", async () => {
    origin.forget();
    // Node calls the handler for these before it answers 400 itself (security F3).
    const codings = ["identity, chunked", "gzip", "chunked, identity", "xchunked"];
    for (const coding of codings) {
      const { client, reply } = await ask(
        fixture.port,
        request(
          ["POST /calls/a HTTP/1.1", "Host: api.example", `Transfer-Encoding: ${coding}`],
          "3\r\nabc\r\n0\r\n\r\n",
        ),
      );
      assert.equal(reply.status, 400, coding);
      await client.closed;
      assert.equal((await client.rest()).includes("HTTP/1.1"), false, "one answer only");
    }
    assert.equal(origin.bytes, 0);
    assert.equal(origin.requests.length, 0);
  });

  test("a refused request takes its pipeline with it", async () => {
    const second = request(["GET /calls/second HTTP/1.1", "Host: api.example"]);
    const refusedFirst = ALL_ROWS.filter((row) => [400, 413, 414, 431].includes(row.status) && row.isHead !== true);
    for (const row of refusedFirst) {
      origin.forget();
      const client = await RawClient.connect(fixture.port);
      client.send(row.bytes + second);
      const reply = await client.reply();
      assert.equal(reply.status, row.status, row.name);
      assert.equal(await client.rest(), "", `${row.name}: no second answer`);
      assert.equal(origin.bytes, 0, `${row.name}: the pipelined request reached the arm`);
    }
  });

  test("a served request does not hide the refusal of the one behind it", async () => {
    origin.forget();
    const first = request(["GET /calls/first HTTP/1.1", "Host: api.example"]);
    const client = await RawClient.connect(fixture.port);
    client.send(`${first}${request(["GET /calls/second HTTP/1.1", "Host: api.example", "Content-Length: 3"], "abc")}`);
    assert.equal((await client.reply()).status, 200);
    assert.equal((await client.reply()).status, 400);
    await client.closed;
    assert.deepEqual(
      origin.requests.map((one) => one.target),
      ["/calls/first"],
    );
  });

  test("answers expectations itself", async () => {
    origin.forget();
    const client = await RawClient.connect(fixture.port);
    client.send(request(["POST /calls/a HTTP/1.1", "Host: api.example", "Expect: 100-Continue", "Content-Length: 3"]));
    assert.equal((await client.reply()).status, 100);
    client.send("abc");
    assert.equal((await client.reply()).status, 200);
    client.end();
    const [received] = origin.requests;
    assert.equal(received?.body.toString(), "abc");
    assert.equal(
      received.headers.some(([name]) => name.toLowerCase() === "expect"),
      false,
      "never forwarded",
    );
  });

  test("a refusal comes before any 100 Continue", async () => {
    const head = ["POST /calls/a HTTP/1.1", "Host: evil.example", "Expect: 100-continue", "Content-Length: 3"];
    const { client, reply } = await ask(fixture.port, request(head));
    assert.equal(reply.status, 421);
    await client.closed;
    assert.equal(client.text.includes("100 Continue"), false);
  });

  test("HTTP/1.0 gets no 100 Continue: it would be taken for the answer", async () => {
    const head = ["POST /calls/a HTTP/1.0", "Host: api.example", "Expect: 100-continue", "Content-Length: 3"];
    const { client, reply } = await ask(fixture.port, request(head, "abc"));
    client.end();
    assert.equal(reply.status, 200);
  });

  test("an expectation without a body gets no 100 Continue", async () => {
    const head = ["GET /calls/a HTTP/1.1", "Host: api.example", "Expect: 100-continue"];
    const { client, reply } = await ask(fixture.port, request(head));
    client.end();
    assert.equal(reply.status, 200);
  });

  test("connections above the limits are refused with 503 and counted", async (t) => {
    for (const limits of [
      { connections: 3, connectionsPerAddress: 3, socketsPerAddress: 3, socketsPerSubject: 3 },
      { connectionsPerAddress: 3 },
    ]) {
      const own = await startProxy({ control: origin.url, limits });
      t.after(() => own.stop());
      const get = request(["GET /calls/a HTTP/1.1", "Host: a"]);
      const held = await Promise.all([1, 2, 3].map(() => RawClient.connect(own.port)));
      for (const client of held) assert.equal((await client.send(get).reply()).status, 200, "at the limit");
      const { client, reply } = await ask(own.port, get);
      assert.deepEqual([reply.status, reply.one("retry-after"), reply.one("connection")], [503, "5", "close"]);
      await within("it ends", client.closed);
      assert.equal(await own.refused("connections"), 1);
      held[0]?.end();
      await until("a place is free", async () => {
        const again = await ask(own.port, get);
        again.client.end();
        return again.reply.status === 200;
      });
      for (const one of held) one.end();
    }
  });

  test("a stopped proxy frees its port", async () => {
    const own = await startProxy({ control: origin.url });
    await ask(own.port, request(["GET /calls/a HTTP/1.1", "Host: a"]));
    own.stop();
    await until("nobody listens", () =>
      RawClient.connect(own.port).then(
        (one) => (one.end(), false),
        () => true,
      ),
    );
  });
});
