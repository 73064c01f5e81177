import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { NOBODY, startProxy } from "./testing/proxyFixture.ts";
import { ask, askOnce, RawClient, type RawReply, request } from "./testing/rawClient.ts";
import { bearer } from "./testing/tokens.ts";
import { useProxy } from "./testing/useProxy.ts";

const APP = "https://app.example";
const HEADERS = ["Authorization", "Content-Type", "Idempotency-Key", "X-Refresh-Token", "X-Request-Id"];
const cors = { origins: [APP, "http://localhost:3000"], headers: HEADERS };

const { origin, fixture } = await useProxy({ sections: { cors, publicHosts: ["a"] } });

const corsOf = (reply: RawReply): string[] =>
  reply.headers
    .map(([name]) => name.toLowerCase())
    .filter((name) => name.startsWith("access-control-"))
    .sort();

/** A page of this origin may read the answer. */
function assertReadable(reply: RawReply, page: string, name: string): void {
  assert.deepEqual(reply.all("access-control-allow-origin"), [page], name);
  assert.deepEqual(reply.all("access-control-allow-credentials"), ["true"], name);
  assert.ok(
    reply.all("vary").some((value) => /\borigin\b/i.test(value)),
    `${name}: caches must not mix origins`,
  );
}

const preflight = (page: string, path = "/calls/a"): string =>
  request([
    `OPTIONS ${path} HTTP/1.1`,
    "Host: a",
    `Origin: ${page}`,
    "Access-Control-Request-Method: POST",
    "Access-Control-Request-Headers: authorization",
  ]);
const get = (...lines: string[]): string => request(["GET /calls/a HTTP/1.1", "Host: a", ...lines]);

const HOSTILE = [
  "null",
  "https://app.example.evil",
  "https://evil-app.example",
  "https://evilapp.example",
  "https://app.example:444",
  "https://app.example:443",
  "http://app.example",
  "https://APP.example",
  "https://app.example.",
  "https://app.example/",
  "https://app.example/path",
  "https://user@app.example",
  "https://app.example@evil.example",
  "https://sub.app.example",
  "https://app.exampl",
  "https://app.example%00.evil",
  "*",
  "https://*.example",
  "http://localhost",
  "http://localhost:30000",
  "http://127.0.0.1:3000",
  "https://app.example, https://evil.example",
  "file://",
  "",
];

describe("pages of other origins", () => {
  test("arms do not speak CORS", async () => {
    origin.answer = () =>
      "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\nAccess-Control-Expose-Headers: *\r\n" +
      "access-control-allow-private-network: true\r\nVary: Origin\r\nVary: Accept-Encoding\r\nContent-Length: 2\r\n\r\nok";
    const own = await askOnce(fixture.port, get(`Origin: ${APP}`));
    assertReadable(own, APP, "a listed page");
    assert.deepEqual(corsOf(own), [
      "access-control-allow-credentials",
      "access-control-allow-origin",
      "access-control-expose-headers",
    ]);
    assert.equal(own.one("access-control-expose-headers")?.includes("*"), false);
    assert.deepEqual(
      own.all("vary").filter((value) => value === "Accept-Encoding"),
      ["Accept-Encoding"],
    );
    for (const lines of [[], ["Origin: https://evil.example"]]) {
      assert.deepEqual(corsOf(await askOnce(fixture.port, get(...lines))), [], "nobody else may read");
    }
  });

  test("a pre-flight is answered by the proxy alone", async () => {
    for (const page of cors.origins) {
      for (const path of ["/calls/a", "/nowhere", "/keyed"]) {
        const reply = await askOnce(fixture.port, preflight(page, path));
        assert.equal(reply.status, 200);
        assert.equal(reply.body.toString(), "OK");
        assert.match(reply.one("content-type") ?? "", /^text\/plain/);
        assertReadable(reply, page, path);
        assert.equal(reply.one("access-control-allow-headers"), HEADERS.join(", "));
        for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE"])
          assert.ok(reply.one("access-control-allow-methods")?.includes(method));
        assert.equal(reply.one("access-control-max-age"), "600");
      }
    }
    assert.equal(origin.bytes, 0);
  });

  test("hostile origins read nothing and pass no pre-flight", async () => {
    assert.ok(HOSTILE.length >= 20);
    for (const page of HOSTILE) {
      const refused = await askOnce(fixture.port, preflight(page));
      assert.equal(refused.status, 400, page);
      assert.deepEqual(corsOf(refused), [], page);
      assert.deepEqual(corsOf(await askOnce(fixture.port, get(`Origin: ${page}`))), [], page);
    }
  });

  test("an OPTIONS that is no pre-flight is the arm's", async () => {
    const reply = await askOnce(fixture.port, request(["OPTIONS /calls/a HTTP/1.1", "Host: a", `Origin: ${APP}`]));
    assert.equal(reply.status, 200);
    assert.equal(origin.requests.length, 1);
  });

  test("a pre-flight names no arm and asks for no token", async () => {
    const reply = await askOnce(fixture.port, preflight(APP, "/login"));
    assert.equal(reply.status, 200);
    assert.equal(fixture.lines.at(-1)?.arm, null);
  });

  test("a browser can read a 503", async (t) => {
    const limits = { jsonBodySize: "1KiB", callsPerSubject: { rate: "1/min", burst: 1 }, armConnections: 1 };
    const own = await startProxy({ control: origin.url, limits, sections: { cors, unmatched: "refuse" } });
    const down = await startProxy({ control: NOBODY, sections: { cors } });
    t.after(() => {
      own.stop();
      down.stop();
    });
    const page = `Origin: ${APP}`;
    const refusals: readonly (readonly [number, number, string])[] = [
      [400, own.port, request(["GET /calls//a HTTP/1.1", "Host: a", page])],
      [400, own.port, request(["GET /calls/a HTTP/1.1", "Host: a", "Content-Length: 3", page], "abc")],
      [400, own.port, request(["GET /calls/a HTTP/1.1", page])],
      [404, own.port, request(["GET /nowhere HTTP/1.1", "Host: a", page])],
      [404, own.port, request(["GET /metrics HTTP/1.1", "Host: a", page])],
      [405, own.port, request(["TRACE /calls/a HTTP/1.1", "Host: a", page])],
      [413, own.port, request(["POST /calls/a HTTP/1.1", "Host: a", "Content-Length: 1025", page])],
      [414, own.port, request([`GET /calls/${"a".repeat(9_000)} HTTP/1.1`, "Host: a", page])],
      [417, own.port, request(["POST /calls/a HTTP/1.1", "Host: a", "Expect: x", "Content-Length: 0", page])],
      [421, fixture.port, request(["GET /calls/a HTTP/1.1", "Host: evil.example", page])],
      [502, down.port, request(["GET /calls/a HTTP/1.1", "Host: a", page])],
    ];
    for (const [status, port, bytes] of refusals) {
      const reply = await askOnce(port, bytes);
      assert.equal(reply.status, status, bytes.slice(0, 60));
      assertReadable(reply, APP, `${status}`);
    }
    const ada = bearer("ada");
    await askOnce(own.port, get(page, ada));
    const limited = await askOnce(own.port, get(page, ada));
    assert.equal(limited.status, 429);
    assertReadable(limited, APP, "429");
    assert.ok(limited.one("access-control-expose-headers")?.includes("Retry-After"));
    // One connection to the arm, twice as many calls may wait for it: the third is refused at once.
    origin.answer = () => null;
    const waiting = await Promise.all([RawClient.connect(own.port), RawClient.connect(own.port)]);
    for (const [i, client] of waiting.entries()) client.send(get(bearer(`w${i}`)));
    await new Promise((resolve) => setImmediate(resolve));
    const { client, reply } = await ask(own.port, get(page, bearer("bob")));
    assert.deepEqual([reply.status, reply.code, reply.one("retry-after")], [503, "SY_OVERLOADED", "1"]);
    assertReadable(reply, APP, "503");
    for (const one of [...waiting, client]) one.end();
  });
});
