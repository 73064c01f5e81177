import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, rmSync, truncateSync } from "node:fs";
import { connect } from "node:net";
import path from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { encodeId } from "./ids.ts";
import { type HttpFace, rawRequest, startHttpFace } from "./testing/httpFace.ts";
import { createSmallRunner } from "./testing/smallRunner.ts";

const UPLOAD_MAX = 3_000_000;
let face: HttpFace;
beforeEach(async () => {
  face = await startHttpFace(createSmallRunner({}), { limits: { uploadBytes: UPLOAD_MAX } });
});
afterEach(() => face.stop());

const uploadUrl = () => `${face.url}/api/storage/upload?token=${face.files.issueUploadToken()}`;
const fileUrl = (id: string) => `${face.url}/api/storage/${id}`;
const codeOf = async (response: Response) => ((await response.json()) as { readonly code?: unknown }).code;
async function upload(body: Uint8Array | string, type?: string): Promise<string> {
  const headers = type === undefined ? {} : { "content-type": type };
  const sent = typeof body === "string" ? Buffer.from(body) : body;
  const response = await fetch(uploadUrl(), { method: "POST", headers, body: sent as Uint8Array<ArrayBuffer> });
  assert.equal(response.status, 200);
  return ((await response.json()) as { readonly storageId: string }).storageId;
}

describe("an upload", () => {
  test("is given back byte for byte, with its type and digest", async () => {
    const bytes = randomBytes(2_500_000);
    const id = await upload(bytes, "image/png");
    const response = await fetch(fileUrl(id));
    assert.equal(response.status, 200);
    assert.ok(Buffer.from(await response.arrayBuffer()).equals(bytes));
    assert.equal(response.headers.get("content-type"), "image/png");
    assert.equal(response.headers.get("content-length"), "2500000");
    assert.equal(response.headers.get("digest"), `sha-256=${createHash("sha256").update(bytes).digest("base64")}`);
  });

  test("may come in chunks, be empty, and have no type", async () => {
    const chunked = await fetch(uploadUrl(), {
      method: "POST",
      body: new Blob(["a".repeat(100_000), "b".repeat(100_000)]).stream(),
      duplex: "half",
    } as RequestInit);
    const { storageId } = (await chunked.json()) as { storageId: string };
    assert.equal((await (await fetch(fileUrl(storageId))).text()).length, 200_000);
    const empty = await fetch(fileUrl(await upload("")));
    assert.deepEqual([empty.status, empty.headers.get("content-length"), await empty.text()], [200, "0", ""]);
    assert.equal(empty.headers.get("content-type"), "application/octet-stream");
  });

  test("needs a token that nobody used", async () => {
    const url = uploadUrl();
    assert.equal((await fetch(url, { method: "POST", body: "x" })).status, 200);
    for (const refused of [url, `${face.url}/api/storage/upload`, `${face.url}/api/storage/upload?token=x`]) {
      const response = await fetch(refused, { method: "POST", body: "x".repeat(1_000_000) });
      assert.deepEqual([response.status, await codeOf(response)], [401, "InvalidUploadToken"]);
    }
    assert.equal(readdirSync(face.blobsDir).length, 1);
  });

  test("beyond the limit is refused, and leaves nothing behind", async () => {
    const url = uploadUrl();
    const told = await fetch(url, { method: "POST", body: Buffer.alloc(UPLOAD_MAX + 1) });
    assert.deepEqual([told.status, await codeOf(told)], [413, "RequestTooLarge"]);
    const untold = await fetch(url, {
      method: "POST",
      body: new Blob([Buffer.alloc(UPLOAD_MAX + 1)]).stream(),
      duplex: "half",
    } as RequestInit);
    assert.deepEqual([untold.status, await codeOf(untold)], [413, "RequestTooLarge"]);
    assert.deepEqual(readdirSync(face.blobsDir), []);
  });

  test("that breaks off leaves nothing behind", async () => {
    const { port, pathname, search } = new URL(uploadUrl());
    const socket = connect(Number(port), "127.0.0.1");
    await once(socket, "connect");
    socket.write(
      `POST ${pathname}${search} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n${"x".repeat(70_000)}`,
    );
    while (readdirSync(face.blobsDir).length === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    socket.destroy();
    while (readdirSync(face.blobsDir).length > 0) await new Promise((resolve) => setTimeout(resolve, 1));
    assert.deepEqual(face.errors, []);
  });

  test("is a POST", async () => {
    assert.equal((await fetch(uploadUrl(), { method: "PUT", body: "x" })).status, 405);
    assert.equal((await fetch(uploadUrl())).status, 405);
  });

  test("of a foreign page is refused, and its token stays good", async () => {
    const url = uploadUrl();
    const headers = { origin: "https://evil.example" };
    assert.equal((await rawRequest(url, { method: "POST", headers, body: "x" })).status, 403);
    assert.equal((await fetch(url, { method: "POST", body: "x" })).status, 200);
  });
});

describe("a download", () => {
  const get = (id: string, headers: Record<string, string> = {}, method = "GET") =>
    fetch(fileUrl(id), { method, headers });

  test("gives one range, or says that there is none", async () => {
    const id = await upload("0123456789");
    for (const [range, expected] of [
      ["bytes=2-4", "234"],
      ["bytes=7-", "789"],
      ["bytes=-2", "89"],
      ["bytes=0-0", "0"],
    ] as const) {
      const response = await get(id, { range });
      assert.deepEqual([response.status, await response.text()], [206, expected], range);
      assert.match(response.headers.get("content-range") ?? "", /^bytes \d+-\d+\/10$/);
    }
    const beyond = await get(id, { range: "bytes=10-" });
    assert.deepEqual([beyond.status, beyond.headers.get("content-range")], [416, "bytes */10"]);
    assert.equal(await (await get(id, { range: "bytes=0-1,4-5" })).text(), "0123456789");
  });

  test("is not sent again to who has it", async () => {
    const id = await upload("same");
    const etag = (await get(id)).headers.get("etag") ?? "";
    assert.match(etag, /^"[0-9a-f]{64}"$/);
    const again = await get(id, { "if-none-match": etag });
    assert.deepEqual([again.status, await again.text(), again.headers.get("etag")], [304, "", etag]);
    assert.equal((await get(id, { "if-none-match": '"other"' })).status, 200);
  });

  test("may be asked for its head alone", async () => {
    const id = await upload("12345", "text/plain");
    const head = await get(id, {}, "HEAD");
    assert.deepEqual([head.status, head.headers.get("content-length"), await head.text()], [200, "5", ""]);
  });

  test("of a page is sandboxed and saved, never run", async () => {
    const id = await upload("<script>alert(1)</script>", "text/html");
    const { headers } = await get(id);
    assert.equal(headers.get("content-disposition"), "attachment");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.match(headers.get("content-security-policy") ?? "", /sandbox/);
  });

  test("is open to any page, and to its preflight", async () => {
    const id = await upload("shown");
    const origin = "https://anywhere.example";
    const shown = await rawRequest(fileUrl(id), { headers: { origin } });
    assert.deepEqual([shown.status, shown.headers["access-control-allow-origin"]], [200, "*"]);
    const asks = { origin, "access-control-request-headers": "range" };
    const preflight = await rawRequest(fileUrl(id), { method: "OPTIONS", headers: asks });
    assert.deepEqual([preflight.status, preflight.headers["access-control-allow-headers"]], [204, "range"]);
  });

  test("of what is no file is 404, whatever its path", async () => {
    await upload("x");
    const paths = [
      encodeId(10_001),
      "..",
      "../data.sqlite",
      "..%2fdata.sqlite",
      "%2e%2e%2fdata.sqlite",
      "a/b",
      "",
      "%ff",
      "x".repeat(5_000),
    ];
    for (const path of paths) {
      const answer = await rawRequest(face.url, { path: `/api/storage/${path}` });
      assert.equal(answer.status, 404, path);
      assert.doesNotMatch(answer.text, /SQLite/);
    }
  });

  test("of a file whose bytes are gone is 404, of a damaged one an error, never a short answer", async () => {
    const [gone, damaged] = [await upload("gone"), await upload("damaged")];
    rmSync(path.join(face.blobsDir, gone));
    truncateSync(path.join(face.blobsDir, damaged), 3);
    assert.equal((await get(gone)).status, 404);
    assert.equal((await get(damaged)).status, 500);
    assert.match(String(face.errors[0]), /expected 7 bytes, as its row says, got 3/);
  });

  test("that its client leaves is no failure, and the server goes on", async () => {
    const id = await upload(randomBytes(2_900_000));
    const { port } = new URL(face.url);
    const socket = connect(Number(port), "127.0.0.1");
    socket.write(`GET /api/storage/${id} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    await once(socket, "data");
    socket.destroy();
    assert.equal((await get(id, { range: "bytes=0-0" })).status, 206);
    assert.deepEqual(face.errors, []);
  });

  test("cannot be changed or removed over HTTP", async () => {
    const id = await upload("kept");
    for (const method of ["DELETE", "PUT", "POST"]) assert.equal((await get(id, {}, method)).status, 405, method);
    assert.equal(await (await get(id)).text(), "kept");
  });
});
