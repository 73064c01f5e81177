import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { describe, test } from "node:test";
import fc from "fast-check";
import { HOP_BY_HOP, SwitchyardError } from "../kernel/index.ts";
import { createClientAddress } from "./clientAddress.ts";
import { headerRule, isProtectedFromConnection } from "./headerTable.ts";
import { type RawHead, readHead } from "./requestHead.ts";
import { filterReplyHead } from "./responseHead.ts";
import { startProxy } from "./testing/proxyFixture.ts";
import { askOnce, request } from "./testing/rawClient.ts";
import { type ParsedRequest, valuesOf } from "./testing/requestBytes.ts";
import { useProxy } from "./testing/useProxy.ts";

const { origin, fixture } = await useProxy();

/** Sends a call with these lines and gives what the arm got. */
async function seenWith(...lines: string[]): Promise<ParsedRequest> {
  origin.forget();
  const reply = await askOnce(fixture.port, request(["GET /calls/a HTTP/1.1", "Host: a", ...lines]));
  assert.equal(reply.status, 200, reply.body.toString());
  return origin.requests[0] as ParsedRequest;
}

const FIXED_SET = [
  "Keep-Alive",
  "Proxy-Connection",
  "Proxy-Authenticate",
  "Proxy-Authorization",
  "TE",
  "Trailer",
  "Upgrade",
];

/** A reply head as the library gives it. */
const bytes = (...parts: string[]): Buffer[] => parts.map((part) => Buffer.from(part, "latin1"));

describe("headers on the way to the arm", () => {
  test("drops the fixed set and what Connection names", async () => {
    const seen = await seenWith(
      "Connection: keep-alive, X-Custom , x-OTHER,,close",
      "Connection: third",
      ...FIXED_SET.map((name) => `${name}: planted`),
      "X-Custom: planted",
      "X-Other: planted",
      "Third: planted",
      "X-Stays: kept",
    );
    assert.equal(
      seen.headers.some(([, value]) => value === "planted"),
      false,
      JSON.stringify(seen.headers),
    );
    assert.deepEqual(valuesOf(seen, "x-stays"), ["kept"]);
    assert.deepEqual(valuesOf(seen, "connection"), ["keep-alive"], "our own connection to the arm");
  });

  test("drops the fixed set of an arm's reply and what its Connection names", async () => {
    const planted = [...FIXED_SET, "X-Hop"].map((name) => `${name}: planted\r\n`).join("");
    origin.answer = () =>
      `HTTP/1.1 200 OK\r\nConnection: keep-alive, x-hop\r\n${planted}X-Stays: kept\r\nContent-Length: 2\r\n\r\nok`;
    const reply = await askOnce(fixture.port, request(["GET /calls/a HTTP/1.1", "Host: a"]));
    assert.equal(
      reply.headers.some(([, value]) => value === "planted"),
      false,
    );
    assert.equal(reply.one("x-stays"), "kept");
  });

  test("Connection cannot remove what we rely on", async () => {
    const relied = [
      "authorization",
      "cookie",
      "host",
      "content-length",
      "content-type",
      "content-encoding",
      "x-forwarded-for",
      "x-forwarded-proto",
      "x-request-id",
      "idempotency-key",
      "x-shadow",
    ];
    for (const name of relied) {
      for (const line of [
        `Connection: ${name}`,
        `Connection: close, ${name.toUpperCase()}`,
        `Connection: x\r\nConnection: \t${name}\t`,
      ]) {
        const reply = await askOnce(fixture.port, request(["GET /calls/a HTTP/1.1", "Host: a", line]));
        assert.deepEqual([reply.status, reply.code], [400, "SY_BAD_REQUEST"], line);
      }
    }
    assert.equal(origin.bytes, 0);
  });

  test("what we add stands behind what Connection named", async () => {
    const seen = await seenWith("Connection: via, x-forwarded, traceparent", "Via: 1.0 edge", "Traceparent: 00-a-b-01");
    assert.equal(valuesOf(seen, "via").length, 1, "our own Via cannot be named away");
    assert.deepEqual(valuesOf(seen, "traceparent"), []);
  });

  test("clients cannot speak for the proxy", async () => {
    const names = [
      "X-Shadow",
      "Switchyard-Arm",
      "switchyard-subject",
      "X-Service-Token",
      "X-Model-Call",
      "X-Backend-Arm",
      "X-Fault",
      "X-Original-URL",
      "X-Rewrite-URL",
      "X-HTTP-Method-Override",
      "X-Forwarded-Host",
      "X-Forwarded-Proto",
      "X-Forwarded-For",
      "X-Forwarded-Port",
      "X-Forwarded-Prefix",
      "X-FORWARDED-anything",
      "Forwarded",
      "X-Real-IP",
    ];
    const seen = await seenWith(
      ...names.map((name) => `${name}: planted`),
      ...names.map((name) => `${name.toLowerCase()}: planted`),
    );
    assert.equal(
      seen.headers.some(([, value]) => value.includes("planted")),
      false,
      JSON.stringify(seen.headers),
    );
    assert.deepEqual(valuesOf(seen, "x-forwarded-for"), ["127.0.0.1"]);
    assert.deepEqual(valuesOf(seen, "x-forwarded-proto"), ["http"]);
    assert.deepEqual(valuesOf(seen, "x-forwarded-host"), ["a"]);
  });

  test("fault headers pass where the configuration allows them", async (t) => {
    const open = await startProxy({ control: origin.url, sections: { headers: { allowFault: true } } });
    t.after(() => open.stop());
    await askOnce(open.port, request(["GET /calls/a HTTP/1.1", "Host: a", "X-Fault: slow"]));
    assert.deepEqual(valuesOf(origin.requests[0] as ParsedRequest, "x-fault"), ["slow"]);
  });

  test("the arm is named in answers only where the configuration says so", async (t) => {
    origin.answer = () => "HTTP/1.1 200 OK\r\nX-Backend-Arm: legacy\r\nContent-Length: 2\r\n\r\nok";
    const open = await startProxy({ control: origin.url, sections: { headers: { exposeArm: true } } });
    t.after(() => open.stop());
    const bytes = request(["GET /calls/a HTTP/1.1", "Host: a"]);
    assert.equal((await askOnce(open.port, bytes)).one("x-backend-arm"), "legacy");
    assert.equal((await askOnce(fixture.port, bytes)).one("x-backend-arm"), null);
  });

  test("everything else passes as it was spelled, in its order", async () => {
    const lines = [
      "aCCept: a/b",
      "X-Twice: 1",
      "Cookie: a=1",
      "X-Twice: 2",
      "Traceparent: 00-x-y-01",
      "User-Agent: test/1",
      "X-High: \xe9",
    ];
    const seen = await seenWith(...lines);
    const passed = seen.headers.map(([name, value]) => `${name}: ${value}`).filter((line) => lines.includes(line));
    assert.deepEqual(passed, lines);
  });

  test("content codings pass untouched", async () => {
    const packed = gzipSync("text".repeat(100));
    origin.answer = () =>
      Buffer.concat([
        Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${packed.length}\r\n\r\n`),
        packed,
      ]);
    const reply = await askOnce(fixture.port, request(["GET /calls/a HTTP/1.1", "Host: a", "Accept-Encoding: gzip"]));
    assert.equal(reply.one("content-encoding"), "gzip");
    assert.deepEqual(reply.body, packed);
  });
});

describe("the client's address", () => {
  test("a client cannot choose its address", async (t) => {
    for (const lie of ["1.2.3.4", "1.2.3.4, 5.6.7.8", "::1", "unknown"]) {
      assert.deepEqual(valuesOf(await seenWith(`X-Forwarded-For: ${lie}`), "x-forwarded-for"), ["127.0.0.1"], lie);
    }
    const behind = await startProxy({
      control: origin.url,
      sections: { trustedProxies: ["127.0.0.1/32", "10.0.0.0/8"] },
    });
    t.after(() => behind.stop());
    const cases: readonly (readonly [lines: readonly string[], address: string])[] = [
      [[], "127.0.0.1"],
      [["1.2.3.4"], "1.2.3.4"],
      [["6.6.6.6, 1.2.3.4"], "1.2.3.4"],
      [["6.6.6.6, 1.2.3.4, 10.0.0.5"], "1.2.3.4"],
      [["6.6.6.6", "1.2.3.4"], "1.2.3.4"],
      [["6.6.6.6, nonsense"], "127.0.0.1"],
      [["6.6.6.6, nonsense, 10.0.0.5"], "10.0.0.5"],
      [["2001:db8::1"], "2001:db8::1"],
      [["::ffff:1.2.3.4"], "1.2.3.4"],
      [["10.0.0.1, 10.0.0.2"], "10.0.0.1"],
      [[","], "127.0.0.1"],
    ];
    for (const [lines, address] of cases) {
      origin.forget();
      await askOnce(
        behind.port,
        request(["GET /calls/a HTTP/1.1", "Host: a", ...lines.map((line) => `X-Forwarded-For: ${line}`)]),
      );
      assert.deepEqual(valuesOf(origin.requests[0] as ParsedRequest, "x-forwarded-for"), [address], lines.join(" | "));
    }
  });

  test("only the chain's trusted end is believed, whatever stands before it", () => {
    const address = createClientAddress(["10.0.0.0/8"]);
    fc.assert(
      fc.property(
        fc.array(fc.ipV4()),
        fc.ipV4().filter((ip) => !ip.startsWith("10.")),
        (lies, real) => {
          assert.equal(address("10.1.1.1", [...lies, real, "10.2.2.2"].join(", ")), real);
          assert.equal(address(real, lies.join(", ")), real, "an untrusted peer is the client");
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

const LIMITS = { headCountMax: 100, targetBytesMax: 8_192, isFaultAllowed: false };
const head = (rawHeaders: string[]): RawHead => ({
  method: "GET",
  httpVersion: "1.1",
  url: "/",
  rawHeaders: ["Host", "a", ...rawHeaders],
});

describe("any head", () => {
  const name = fc.constantFrom(
    "accept",
    "x-a",
    "X-B",
    "te",
    "upgrade",
    "keep-alive",
    "Authorization",
    "COOKIE",
    "content-type",
    "x-shadow",
    "x-forwarded-for",
    "via",
    "switchyard-x",
    "x-request-id",
  );
  const connection = fc.array(fc.oneof(name, fc.constantFrom("", " ", "\t", "close", "keep-alive")), { maxLength: 6 });

  test("nothing that Connection names goes on, and nothing protected can be named", () => {
    fc.assert(
      fc.property(connection, fc.uniqueArray(name, { selector: (one) => one.toLowerCase() }), (named, present) => {
        const raw = ["Connection", named.join(","), ...present.flatMap((one) => [one, "v"])];
        const clean = named.map((one) => one.trim().toLowerCase());
        let forward: readonly string[];
        try {
          ({ forward } = readHead(head(raw), LIMITS));
        } catch (error) {
          assert.ok(error instanceof SwitchyardError);
          assert.ok(clean.some(isProtectedFromConnection), "refused for no reason");
          return;
        }
        assert.equal(clean.some(isProtectedFromConnection), false);
        const passed = forward.filter((_, i) => i % 2 === 0).map((one) => one.toLowerCase());
        for (const one of passed) {
          assert.equal(clean.includes(one), false, one);
          assert.equal(
            HOP_BY_HOP.has(one) || one.startsWith("x-forwarded-") || one.startsWith("switchyard-"),
            false,
            one,
          );
        }
        const expected = present
          .map((one) => one.toLowerCase())
          .filter((one) => !headerRule(one).isDropped && !clean.includes(one));
        assert.deepEqual(passed, expected, "and nothing else is lost");
      }),
      { numRuns: 10_000 },
    );
  });

  test("a reply loses what its Connection names and the fixed set, and nothing else", () => {
    const options = { isArmExposed: false, armOrigins: [], publicOrigin: "http://a" };
    const replyName = fc.constantFrom(
      "x-a",
      "X-B",
      "etag",
      "te",
      "Upgrade",
      "set-cookie",
      "Server",
      "Access-Control-Allow-Origin",
    );
    fc.assert(
      fc.property(fc.array(replyName), fc.array(replyName), (named, present) => {
        const { headers } = filterReplyHead(
          bytes("connection", named.join(" , "), ...present.flatMap((one) => [one, "v"])),
          options,
        );
        const gone = new Set([
          ...HOP_BY_HOP,
          "server",
          "access-control-allow-origin",
          ...named.map((one) => one.toLowerCase()),
        ]);
        assert.deepEqual(
          headers.filter((_, i) => i % 2 === 0),
          present.filter((one) => !gone.has(one.toLowerCase())),
        );
      }),
      { numRuns: 10_000 },
    );
  });

  test("many connections, each named once, are one list", () => {
    const { headers } = filterReplyHead(
      bytes("Connection", "x-a", "Connection", "x-b", "X-A", "1", "X-B", "2", "X-C", "3"),
      { isArmExposed: false, armOrigins: [], publicOrigin: "http://a" },
    );
    assert.deepEqual(headers, ["X-C", "3"]);
  });
});
