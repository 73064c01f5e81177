import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { isOwnHost, isOwnOrigin } from "./originRules.ts";

describe("a Host header", () => {
  const cases: readonly [string | undefined, boolean][] = [
    ["localhost", true],
    ["LocalHost:8004", true],
    ["app.localhost:80", true],
    ["127.0.0.1:8004", true],
    ["127.9.9.9", true],
    ["[::1]:8004", true],
    ["switchyard.internal", true],
    ["Switchyard.Internal:443", true],
    ["10.1.2.3:8004", true],
    [undefined, false],
    ["", false],
    ["evil.example", false],
    ["localhost.evil.example", false],
    ["evil.example:8004", false],
    ["127.0.0.1.evil.example", false],
    ["notlocalhost", false],
    ["10.1.2.4", false],
    ["localhost:8004:1", false],
    ["evil@localhost", false],
    ["localhost/evil", false],
    ["localhost evil", false],
    ["[::2]", false],
  ];
  for (const [host, isOwn] of cases) {
    test(`${JSON.stringify(host)} is ${isOwn ? "ours" : "refused"}`, () => {
      assert.equal(isOwnHost(host, ["switchyard.internal"], "10.1.2.3"), isOwn);
    });
  }

  test("may be the IPv6 address that the connection came to, or IPv4 inside IPv6", () => {
    assert.equal(isOwnHost("[fd00::7]:8004", [], "fd00::7"), true);
    assert.equal(isOwnHost("10.1.2.3", [], "::ffff:10.1.2.3"), true);
    assert.equal(isOwnHost("[fd00::8]", [], "fd00::7"), false);
  });
});

describe("an Origin", () => {
  const own = (origin: string | undefined, origins: readonly string[] = []) =>
    isOwnOrigin(origin, "127.0.0.1:8004", origins);

  test("is allowed when there is none, when it is our own, and when it is configured", () => {
    assert.equal(own(undefined), true);
    assert.equal(own("http://127.0.0.1:8004"), true);
    assert.equal(own("https://app.example", ["https://app.example"]), true);
    assert.equal(own("https://any.example", ["*"]), true);
  });

  test("is refused when it is another port, another site, opaque or only begins alike", () => {
    for (const origin of [
      "http://127.0.0.1:3000",
      "https://evil.example",
      "null",
      "",
      "https://app.example.evil.example",
    ]) {
      assert.equal(own(origin, ["https://app.example"]), false, origin);
    }
  });
});
