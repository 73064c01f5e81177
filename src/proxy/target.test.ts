import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { SwitchyardError } from "../kernel/index.ts";
import { isInternalPath, readTarget, takeQueryToken } from "./target.ts";
import { askOnce, request } from "./testing/rawClient.ts";
import { useProxy } from "./testing/useProxy.ts";

const { origin, fixture } = await useProxy({ routes: ["GET /calls/:id", "* /calls/**", "GET /calls/known"] });

/** What the arm got as its target, or the status of the refusal. */
async function sent(target: string, host = "api.example"): Promise<string | number> {
  origin.forget();
  const reply = await askOnce(fixture.port, request([`GET ${target} HTTP/1.1`, `Host: ${host}`]));
  if (reply.status === 200) {
    assert.equal(origin.requests.length, 1);
    return origin.requests[0]?.target ?? "";
  }
  assert.equal(origin.bytes, 0, `${target}: refused, and something was sent`);
  return reply.status;
}

const latin1 = (code: number): string => String.fromCharCode(code);
const hex = (code: number): string => code.toString(16).padStart(2, "0");
const UNRESERVED = /^[A-Za-z0-9._~-]$/;
// RFC 3986 §3.3, written again from its grammar: unreserved, sub-delims, ":", "@", and "/".
const PATH_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@/";

describe("targets", () => {
  test("refuses ambiguous targets", async (t) => {
    for (let code = 0; code < 256; code++) {
      const char = latin1(code);
      if (char === "\n" || char === "\r" || char === " " || char === "?" || char === "%") continue;
      const isLegal = PATH_CHARACTERS.includes(char);
      const got = await sent(`/calls/a${char}b`);
      assert.equal(got, isLegal ? `/calls/a${char}b` : 400, `raw byte ${hex(code)}`);
    }
    const refused = [
      "//calls/a",
      "/calls//a",
      "/calls/a//",
      "///",
      "//evil.example/calls",
      "/calls/%",
      "/calls/%4",
      "/calls/%zz",
      "/calls/%4g",
      "/calls/%%41",
      "/calls/a%",
      "/calls/%00",
      "/calls/a%00b",
      "/calls/%2f",
      "/calls/%2F",
      "/calls/%5c",
      "/calls/%5C",
      "/calls/.",
      "/calls/..",
      "/calls/./a",
      "/calls/../a",
      "/calls/a/..",
      "/./calls/a",
      "/../calls/a",
      "/calls/%2e",
      "/calls/%2E%2e/a",
      "/calls/.%2e/a",
      "/calls/%2e./a",
      "/calls/..?x",
      "/calls/a#b",
      "/calls/a?b#c",
      "/calls/a?b\\c",
      "/calls/a?b\xe9",
      "/calls/a?\x01",
      "/calls\\a",
      "\\calls",
      "calls/a",
      "?a",
      "",
      ".",
      "/calls/\u0000",
    ];
    for (const target of refused)
      await t.test(JSON.stringify(target), async () => assert.equal(await sent(target), 400));
  });

  test("the routed path is the path the arm sees", async (t) => {
    for (let code = 1; code < 256; code++) {
      if (code === 0x2f || code === 0x5c) continue;
      const char = latin1(code);
      for (const escaped of new Set([`%${hex(code)}`, `%${hex(code).toUpperCase()}`])) {
        const path = `/calls/a${UNRESERVED.test(char) ? char : escaped.toUpperCase()}b`;
        assert.equal(await sent(`/calls/a${escaped}b`), path, escaped);
      }
    }
    const canonical: Readonly<Record<string, string>> = {
      "/calls/%61%62": "/calls/ab",
      "/calls/%7euser": "/calls/~user",
      "/calls/%6bnown": "/calls/known",
      "/calls/%2525": "/calls/%2525",
      "/calls/%252e%252e/a": "/calls/%252e%252e/a",
      "/calls/%c3%a9": "/calls/%C3%A9",
      "/calls/...": "/calls/...",
      "/calls/.a": "/calls/.a",
      "/calls/a.": "/calls/a.",
      "/calls/a;v=1/b": "/calls/a;v=1/b",
      "/calls/a?": "/calls/a?",
      "/calls/a?x=%2f%00%zz&y=//..//": "/calls/a?x=%2f%00%zz&y=//..//",
      '/calls/a?x={}|^`"<>': '/calls/a?x={}|^`"<>',
      "/calls/a?b?c": "/calls/a?b?c",
    };
    for (const [target, expected] of Object.entries(canonical)) {
      await t.test(target, async () => assert.equal(await sent(target), expected));
    }
    await sent("/calls/%6bnown");
    assert.equal(fixture.lines.at(-1)?.route, "GET /calls/known", "routed on the text that is sent");
  });

  test("never proxies to a named authority", async () => {
    assert.equal(await sent("http://api.example/calls/a?x=1"), "/calls/a?x=1");
    assert.equal(await sent("HTTP://API.example/calls/a"), "/calls/a");
    assert.equal(await sent("http://api.example:81/calls/a", "api.example:81"), "/calls/a");
    for (const [target, host] of [
      ["http://evil.example/calls/a", "api.example"],
      ["http://api.example:81/calls/a", "api.example"],
      ["http://api.example/calls/a", "api.example:81"],
      ["https://api.example/calls/a", "api.example"],
      ["ftp://api.example/calls/a", "api.example"],
      ["http://user@api.example/calls/a", "api.example"],
      ["http://user:p@evil.example/calls/a", "api.example"],
      ["http://api.example.evil.example/calls/a", "api.example"],
    ] as const) {
      const got = await sent(target, host);
      assert.ok(got === 421 || got === 400, `${target} for ${host}: ${got}`);
    }
    assert.equal(await sent("http://evil.example/calls/a"), 421);
    for (const target of ["*", "api.example", "api.example:80", "http:/calls/a", "http:calls"])
      assert.equal(await sent(target), 400, target);
    for (const target of [
      "http://api.example//calls/a",
      "http://api.example/calls/../a",
      "http://api.example/calls/%00",
    ]) {
      assert.equal(await sent(target), 400, `${target} is judged like any other`);
    }
  });

  test("an asterisk is no target, for OPTIONS neither", async () => {
    const reply = await askOnce(fixture.port, request(["OPTIONS * HTTP/1.1", "Host: api.example"]));
    assert.equal(reply.status, 400);
  });
});

describe("any target", () => {
  const piece = fc.oneof(
    fc.constantFrom(
      "a",
      "known",
      ".",
      "..",
      "",
      "%",
      "%41",
      "%2e",
      "%2f",
      "%00",
      "%5C",
      "%zz",
      "~",
      ";",
      "\\",
      "#",
      "?",
      "é",
      "\t",
      "{",
      "%c3%a9",
    ),
    fc.string({ maxLength: 4 }),
  );
  const targets = fc.array(piece, { maxLength: 6 }).map((pieces) => `/${pieces.join("/")}`);

  test("canonicalising twice changes nothing, and what passes has one reading", () => {
    let passed = 0;
    fc.assert(
      fc.property(targets, (target) => {
        let read: ReturnType<typeof readTarget>;
        try {
          read = readTarget(target, "http", "a");
        } catch (error) {
          assert.ok(
            error instanceof SwitchyardError && (error.code === "SY_BAD_REQUEST" || error.code === "SY_MISDIRECTED"),
          );
          return;
        }
        passed++;
        assert.deepEqual(readTarget(read.path + read.query, "http", "a"), read);
        assert.match(read.path, /^\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@/]|%[0-9A-F]{2})*$/);
        assert.equal(/\/\/|%00|%2F|%5C|\/\.{1,2}(?:\/|$)/.test(read.path), false, read.path);
        // A URL parser of another maker must not see another path.
        assert.equal(new URL(`http://a${read.path}`).pathname, read.path);
        assert.ok(target.endsWith(read.query), "the query is the client's, byte for byte");
      }),
      { numRuns: 10_000 },
    );
    assert.ok(passed > 500, `${passed} targets passed`);
  });

  test("equal ids give equal keys", () => {
    const id = fc.stringMatching(/^[A-Za-z0-9._~-]{1,12}$/).filter((text) => text !== "." && text !== "..");
    fc.assert(
      fc.property(id, fc.array(fc.nat(2), { minLength: 12, maxLength: 12 }), (text, how) => {
        const spelled = Array.from(text)
          .map((char, i) => {
            const code = hex(char.charCodeAt(0));
            return how[i] === 0 ? char : `%${how[i] === 1 ? code : code.toUpperCase()}`;
          })
          .join("");
        assert.equal(readTarget(`/calls/${spelled}`, "http", "a").path, `/calls/${text}`);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("parts of a target", () => {
  test("internal paths are known in every spelling that is left after canonicalising", () => {
    for (const path of ["/internal", "/internal/faults", "/metrics", "/livez", "/readyz", "/METRICS", "/Internal/x"])
      assert.equal(isInternalPath(path), true, path);
    for (const path of ["/internals", "/metricsx", "/api/metrics", "/calls/internal", "/"])
      assert.equal(isInternalPath(path), false, path);
  });

  test("the last token of a query is taken and every one is removed", () => {
    const cases: readonly (readonly [string, string | null, string])[] = [
      ["", null, ""],
      ["?a=1", null, "?a=1"],
      ["?token=x", "x", ""],
      ["?a=1&token=x&b=2", "x", "?a=1&b=2"],
      ["?token=x&token=y", "y", ""],
      ["?token=x%2Ey", "x.y", ""],
      ["?token=%zz", "%zz", ""],
      ["?token=", "", ""],
      ["?xtoken=1", null, "?xtoken=1"],
      ["?token", null, "?token"],
    ];
    for (const [query, token, rest] of cases) assert.deepEqual(takeQueryToken(query), { token, query: rest }, query);
  });
});
