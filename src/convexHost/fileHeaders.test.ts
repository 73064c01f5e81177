import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { answerFile, parseRange } from "./fileHeaders.ts";

const SHA = "ab".repeat(32);
const file = { path: "/x", size: 100, sha256Hex: SHA, contentType: "text/plain" as string | null };
const plain = { range: undefined, ifRange: undefined, ifNoneMatch: undefined };

describe("a range", () => {
  const cases: readonly [string | undefined, ReturnType<typeof parseRange>][] = [
    [undefined, null],
    ["bytes=0-9", { start: 0, end: 9 }],
    ["bytes=90-", { start: 90, end: 99 }],
    ["bytes=-10", { start: 90, end: 99 }],
    ["bytes=-1000", { start: 0, end: 99 }],
    ["bytes=99-1000", { start: 99, end: 99 }],
    ["BYTES = 5 - 6", { start: 5, end: 6 }],
    ["bytes=100-", "unsatisfiable"],
    ["bytes=-0", "unsatisfiable"],
    ["bytes=0-1,5-6", null],
    ["bytes=9-5", null],
    ["bytes=-", null],
    ["bytes=a-b", null],
    ["lines=0-1", null],
    ["bytes=0x1-2", null],
    ["bytes=99999999999999999999-", null],
  ];
  for (const [header, expected] of cases) {
    test(`${header} of 100 bytes is ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(parseRange(header, 100), expected);
    });
  }

  test("never leaves the file, whatever is asked", () => {
    const end = fc.option(fc.nat(300), { nil: "" });
    fc.assert(
      fc.property(end, end, fc.nat(200), (first, last, size) => {
        const range = parseRange(`bytes=${first}-${last}`, size);
        if (range === null || range === "unsatisfiable") return;
        assert.ok(range.start >= 0 && range.start <= range.end && range.end < size);
      }),
    );
  });
});

test("a whole file has its length, type, digest and tag", () => {
  const { status, headers, bytes } = answerFile(file, plain);
  assert.equal(status, 200);
  assert.deepEqual(bytes, { start: 0, end: 99 });
  assert.equal(headers["content-length"], "100");
  assert.equal(headers["content-type"], "text/plain");
  assert.equal(headers["etag"], `"${SHA}"`);
  assert.equal(headers["digest"], `sha-256=${Buffer.from(SHA, "hex").toString("base64")}`);
  assert.equal(headers["x-content-type-options"], "nosniff");
  assert.equal(headers["accept-ranges"], "bytes");
});

test("a range has 206 and says which; one beyond the end 416", () => {
  const part = answerFile(file, { ...plain, range: "bytes=10-19" });
  assert.deepEqual([part.status, part.bytes], [206, { start: 10, end: 19 }]);
  assert.equal(part.headers["content-range"], "bytes 10-19/100");
  assert.equal(part.headers["content-length"], "10");
  const beyond = answerFile(file, { ...plain, range: "bytes=100-" });
  assert.deepEqual([beyond.status, beyond.bytes], [416, null]);
  assert.equal(beyond.headers["content-range"], "bytes */100");
});

test("If-Range gives the part of the same file only, else all of it", () => {
  const range = "bytes=0-0";
  assert.equal(answerFile(file, { ...plain, range, ifRange: `"${SHA}"` }).status, 206);
  assert.equal(answerFile(file, { ...plain, range, ifRange: '"another"' }).status, 200);
  assert.equal(answerFile(file, { ...plain, range, ifRange: `W/"${SHA}"` }).status, 200);
});

test("If-None-Match of the same file is 304 without a body", () => {
  for (const ifNoneMatch of [`"${SHA}"`, `W/"${SHA}"`, `"a", "${SHA}"`, "*"]) {
    const { status, bytes, headers } = answerFile(file, { ...plain, ifNoneMatch });
    assert.deepEqual([status, bytes, headers["etag"]], [304, null, `"${SHA}"`]);
  }
  assert.equal(answerFile(file, { ...plain, ifNoneMatch: '"another"' }).status, 200);
});

test("an empty file has no bytes to send", () => {
  const { status, bytes, headers } = answerFile({ ...file, size: 0 }, plain);
  assert.deepEqual([status, bytes, headers["content-length"]], [200, null, "0"]);
  assert.equal(answerFile({ ...file, size: 0 }, { ...plain, range: "bytes=0-" }).status, 416);
});

describe("a stored type", () => {
  const headersOf = (contentType: string | null) => answerFile({ ...file, contentType }, plain).headers;

  for (const type of [
    "image/png",
    "image/vnd.microsoft.icon",
    "audio/mpeg",
    "video/mp4",
    "text/plain;charset=utf-8",
    "application/pdf",
    "application/json",
  ]) {
    test(`${type} is shown as it is`, () => {
      assert.equal(headersOf(type)["content-type"], type);
      assert.equal(headersOf(type)["content-disposition"], undefined);
    });
  }

  for (const type of [
    "text/html",
    "TEXT/HTML; charset=utf-8",
    "image/svg+xml",
    "IMAGE/SVG+XML",
    "application/xhtml+xml",
    "text/xml",
    "text/javascript",
    "multipart/related",
    "message/rfc822",
    "application/pdf+html",
    "text/plain+html",
  ]) {
    test(`${type} is offered for download and sandboxed`, () => {
      assert.equal(headersOf(type)["content-disposition"], "attachment");
      assert.match(headersOf(type)["content-security-policy"] ?? "", /sandbox/);
    });
  }

  test("that is missing or no type at all is a stream of bytes", () => {
    for (const type of [null, "", "html", "text/html\r\nset-cookie: a=b", "text/plain\u00e9", "a/b/c", " text/html"]) {
      assert.equal(headersOf(type)["content-type"], "application/octet-stream", String(type));
    }
  });
});
