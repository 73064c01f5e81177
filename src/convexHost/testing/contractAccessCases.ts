// Contract suite of hosts: whose tokens are believed, and files.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { errorOf, mutationOf, type Probes, refusalOf, Watched } from "./contractProbes.ts";

export function testTokens(probes: Probes): void {
  const { signer } = probes.deployment;

  test("the service's token is believed, a user's is told apart from it, and so is none", async () => {
    assert.equal(await probes.query("unveil"), "seen from inside");
    for (const token of [signer.token({ role: "user" }), signer.token({ role: undefined }), null]) {
      const run = probes.newRun();
      const call = probes.http(token).mutation(mutationOf("increment"), { run, by: 1 }, { skipQueue: true });
      assert.deepEqual(await refusalOf(call), { code: "FORBIDDEN" });
      assert.equal(await probes.query("counted", { run }), 0);
    }
  });

  for (const name of Object.keys(signer.refused())) {
    test(`a token that is not good is refused before anything is done: ${name}`, async (t) => {
      const token = signer.refused()[name] ?? assert.fail();
      const run = probes.newRun();
      const args = { run, by: 1 };
      await errorOf(probes.http(token).mutation(mutationOf("increment"), args, { skipQueue: true }));
      const response = await fetch(`${probes.url}/api/mutation`, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify({ path: "probe:increment", args, format: "json" }),
      });
      assert.equal(response.status, 401);
      assert.equal(typeof ((await response.json()) as { readonly code?: unknown }).code, "string");

      const client = probes.connect(t);
      const { promise: answered, resolve } = Promise.withResolvers<boolean>();
      client.setAuth(() => Promise.resolve(token), resolve);
      assert.equal(await answered, false);
      assert.deepEqual(await refusalOf(client.mutation(mutationOf("increment"), args)), { code: "FORBIDDEN" });
      assert.equal(await probes.query("counted", { run }), 0);
    });
  }
}

const SIZE = 100_000;

async function upload(probes: Probes, content: Uint8Array<ArrayBuffer>, type: string): Promise<string> {
  const url: string = await probes.mutation("uploadUrl");
  const response = await fetch(url, { method: "POST", headers: { "content-type": type }, body: content });
  assert.equal(response.status, 200);
  const { storageId } = (await response.json()) as { readonly storageId: string };
  return storageId;
}

async function download(url: string, range?: string) {
  const response = await fetch(url, { headers: range === undefined ? {} : { range } });
  const content = Buffer.from(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, content };
}

export function testFiles(probes: Probes): void {
  test("a file comes back as it was sent, whole and in ranges, until it is removed", async (t) => {
    const content = randomBytes(SIZE);
    const id = await upload(probes, content, "image/png");
    t.after(() => probes.query("file", { id }).then((left) => left && probes.mutation("removeFile", { id })));
    const { url, ...facts } = await probes.query("file", { id });
    const digest = createHash("sha256").update(content).digest();
    assert.deepEqual(facts, { size: SIZE, sha256: digest.toString("hex"), contentType: "image/png" });

    const whole = await download(url);
    assert.equal(whole.status, 200);
    assert.equal(whole.headers.get("content-type"), "image/png");
    assert.equal(whole.headers.get("digest"), `sha-256=${digest.toString("base64")}`);
    assert.ok(whole.content.equals(content));
    const ranges = [
      ["bytes=0-0", 0, 0],
      ["bytes=1000-65535", 1_000, 65_535],
      ["bytes=99990-", 99_990, SIZE - 1],
      ["bytes=-7", SIZE - 7, SIZE - 1],
    ] as const;
    for (const [range, from, to] of ranges) {
      const part = await download(url, range);
      assert.equal(part.status, 206, range);
      assert.equal(part.headers.get("content-range"), `bytes ${from}-${to}/${SIZE}`);
      assert.ok(part.content.equals(content.subarray(from, to + 1)), range);
      assert.equal(part.headers.get("etag"), whole.headers.get("etag"));
    }
    assert.equal((await download(url, `bytes=${SIZE}-`)).status, 416);

    await probes.mutation("removeFile", { id });
    assert.equal(await probes.query("file", { id }), null);
    assert.equal((await download(url)).status, 404);
  });

  test("an ETag is the same for the same file and another for another", async (t) => {
    const etags: (string | null)[] = [];
    for (const content of ["one", "two"]) {
      const id = await upload(probes, Uint8Array.from(Buffer.from(content)), "text/plain");
      t.after(() => probes.mutation("removeFile", { id }));
      const { url } = await probes.query("file", { id });
      const [first, second] = [await download(url), await download(url)];
      assert.equal(first.content.toString(), content);
      assert.equal(first.headers.get("etag"), second.headers.get("etag"));
      etags.push(first.headers.get("etag"));
    }
    const [one, two] = etags;
    assert.ok(one && two && one !== two, String(etags));
  });

  test("who watches a file sees that it was removed", async (t) => {
    const id = await upload(probes, Uint8Array.from(randomBytes(10)), "text/plain");
    const watched = new Watched(probes.connect(t), "file", { id });
    assert.equal((await watched.until(({ seen }) => seen.length > 0)).size, 10);
    await probes.mutation("removeFile", { id });
    assert.equal(await watched.until(({ seen }) => seen.length > 1), null);
  });

  test("nothing is uploaded without a good token", async () => {
    const url = new URL(await probes.mutation("uploadUrl"));
    for (const token of ["", "x", `${url.searchParams.get("token")}x`]) {
      url.searchParams.set("token", token);
      const response = await fetch(url, { method: "POST", body: "x" });
      assert.ok(response.status >= 400 && response.status < 500, `${response.status}`);
      await response.arrayBuffer();
    }
  });
}
