import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import * as values from "./values.ts";

const WIDE = { min: 0, max: Number.MAX_SAFE_INTEGER };

const valueOf = <T>(read: values.Read<T>): T => {
  if ("fault" in read) assert.fail(read.fault.what);
  return read.value;
};
const faultOf = (read: values.Read<unknown>): string => ("fault" in read ? read.fault.what : "no fault");

test("every duration reads back from its shortest spelling", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (ms) => {
      assert.equal(valueOf(values.readDuration(values.formatDuration(ms), WIDE)), ms);
    }),
  );
});

test("every size reads back from its shortest spelling", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 45 }), (bytes) => {
      assert.equal(valueOf(values.readSize(values.formatSize(bytes), WIDE)), bytes);
    }),
  );
});

test("the accepted forms mean what they say", () => {
  const durations = { "250ms": 250, "2s": 2_000, "1.5s": 1_500, "2m": 120_000, "1h": 3_600_000, "1d": 86_400_000 };
  for (const [text, ms] of Object.entries(durations)) assert.equal(valueOf(values.readDuration(text, WIDE)), ms);
  assert.equal(valueOf(values.readSize("64KiB", WIDE)), 65_536);
  assert.equal(valueOf(values.readRate("120/min", 100)), 2);
  assert.equal(valueOf(values.readShare("0.5%")), 0.005);
});

test("a number without its unit is never taken, whatever it is", () => {
  fc.assert(
    fc.property(fc.oneof(fc.integer(), fc.double({ noNaN: true })), (n) => {
      for (const read of [
        values.readDuration(n, WIDE),
        values.readSize(n, WIDE),
        values.readRate(n, 1e9),
        values.readShare(n),
      ]) {
        assert.match(faultOf(read), /has no unit$/);
      }
    }),
  );
});

test("no text makes a reader throw", () => {
  const readers = [
    (text: string) => values.readDuration(text, WIDE),
    (text: string) => values.readSize(text, WIDE),
    (text: string) => values.readRate(text, 10),
    values.readShare,
    values.readAddress,
    (text: string) => values.readOrigin(text),
    values.readHostName,
    values.readCidr,
  ];
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.ipV6()), (text) => {
      for (const read of readers) assert.equal(typeof read(text), "object");
    }),
  );
});

test("addresses need a host and a port that exists", () => {
  assert.deepEqual(valueOf(values.readAddress("[::1]:8000")), { host: "::1", port: 8_000 });
  assert.deepEqual(valueOf(values.readAddress("LOCALHOST:0")), { host: "localhost", port: 0 });
  assert.equal(faultOf(values.readAddress(8_000)), "8000 has no host");
  assert.equal(faultOf(values.readAddress("127.0.0.1:70000")), "70000 is more than 65535");
  assert.equal(faultOf(values.readAddress(":8000")), '":8000" is no address');
});

test("an origin is scheme, host and port and nothing else", () => {
  assert.equal(valueOf(values.readOrigin("HTTP://Example.org:80/")), "http://example.org");
  for (const text of [
    "ftp://a",
    "a.b:80",
    "http://a/b",
    "http://a?b",
    "http://a#b",
    "http://u:p@a",
    "javascript:alert(1)",
  ]) {
    assert.notEqual(faultOf(values.readOrigin(text)), "no fault", text);
  }
});

test("only loopback is loopback", () => {
  for (const host of ["127.0.0.1", "127.9.9.9", "::1", "localhost"]) assert.equal(values.isLoopback(host), true, host);
  for (const host of ["0.0.0.0", "::", "127.0.0.1.evil.org", "10.0.0.1", "1270.0.0.1"]) {
    assert.equal(values.isLoopback(host), false, host);
  }
});
