import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test, type TestContext } from "node:test";
import { ORIGIN, startRealHost } from "./testing/realHost.ts";

const FILES = `
  import { queryGeneric as query, mutationGeneric as mutation, actionGeneric as action } from "convex/server";
  import { v } from "convex/values";
  const ids = { id: v.string() };
  export const url = query({ args: ids, handler: (ctx, { id }) => ctx.storage.getUrl(id) });
  export const meta = query({ args: ids, handler: (ctx, { id }) => ctx.storage.getMetadata(id) });
  export const store = mutation({ args: { text: v.string(), fail: v.optional(v.boolean()), sha256: v.optional(v.string()) }, handler: async (ctx, { text, fail, sha256 }) => {
    const id = await (ctx.storage as any).store(new Blob([text], { type: "text/x" }), { sha256 });
    if (fail) throw new Error("after storing " + id);
    return [id, (await (ctx.db as any).system.get(id)).size];
  } });
  export const read = mutation({ args: ids, handler: async (ctx, { id }) => { const blob = await (ctx.storage as any).get(id); return blob && [await blob.text(), blob.type]; } });
  export const remove = mutation({ args: { id: v.string(), fail: v.optional(v.boolean()) }, handler: async (ctx, { id, fail }) => { await ctx.storage.delete(id); if (fail) throw new Error("no"); } });
  export const uploadUrl = mutation({ handler: (ctx) => ctx.storage.generateUploadUrl() });
  export const act = action({ args: { text: v.string() }, handler: async (ctx, { text }) => {
    const id = await ctx.storage.store(new Blob([text], { type: "text/y" }));
    const blob = await ctx.storage.get(id);
    const told = [await blob!.text(), blob!.type, await ctx.storage.getUrl(id), (await ctx.storage.getMetadata(id))!.size, await ctx.storage.generateUploadUrl()];
    await ctx.storage.delete(id);
    return [id, ...told, await ctx.storage.get(id), await ctx.storage.getUrl(id)];
  } });
  export const wrong = action({ handler: (ctx) => ctx.storage.store(new Blob(["a"]), { sha256: "00" }) });
`;

const start = (t: TestContext) => startRealHost(t, { "f.ts": FILES });
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");

test("a mutation stores, reads and describes a file in its own transaction", async (t) => {
  const h = await start(t);
  const [id, size] = await h.value("mutation", "f:store", { text: "hello", sha256: sha256("hello") });
  assert.equal(size, 5);
  assert.deepEqual(await h.value("mutation", "f:read", { id }), ["hello", "text/x"]);
  assert.deepEqual(await h.value("query", "f:meta", { id }), {
    storageId: id,
    sha256: sha256("hello"),
    size: 5,
    contentType: "text/x",
  });
  assert.equal(await h.value("query", "f:url", { id }), `${ORIGIN}/api/storage/${id}`);
});

test("a file stored by a mutation that fails is gone, and one whose removal was rolled back is there", async (t) => {
  const h = await start(t);
  const { message } = await h.failure("mutation", "f:store", { text: "hello", fail: true });
  const lost = /after storing (\w+)/.exec(message)?.[1] ?? "";
  await h.files.settled();
  assert.equal(await h.files.read(lost), null);
  const [id] = await h.value("mutation", "f:store", { text: "kept" });
  await h.failure("mutation", "f:remove", { id, fail: true });
  await h.files.settled();
  assert.deepEqual(await h.value("mutation", "f:read", { id }), ["kept", "text/x"]);
  await h.value("mutation", "f:remove", { id });
  await h.files.settled();
  assert.equal(await h.value("query", "f:url", { id }), null);
  assert.equal(await h.value("mutation", "f:read", { id }), null);
  assert.match((await h.failure("mutation", "f:remove", { id })).message, /There is no file ".*" to delete/);
});

test("an action does all of it through the host's own transactions", async (t) => {
  const h = await start(t);
  const [id, text, type, url, size, uploadUrl, gone, goneUrl] = await h.value("action", "f:act", { text: "bye" });
  assert.deepEqual(
    [text, type, url, size, gone, goneUrl],
    ["bye", "text/y", `${ORIGIN}/api/storage/${id}`, 3, null, null],
  );
  assert.match(uploadUrl, /^http:\/\/127\.0\.0\.1:8004\/api\/storage\/upload\?token=/);
});

test("an upload URL's token is one that the shelf takes, once", async (t) => {
  const h = await start(t);
  const token = new URL(await h.value("mutation", "f:uploadUrl")).searchParams.get("token") ?? "";
  assert.equal(h.files.takeUploadToken(token), true);
  assert.equal(h.files.takeUploadToken(token), false);
});

test("other bytes than announced are refused, and what is no id of a file has no URL", async (t) => {
  const h = await start(t);
  assert.match(
    (await h.failure("action", "f:wrong")).message,
    /store\(\): the bytes have the SHA-256 ca978112.*, expected 00/,
  );
  assert.match((await h.failure("mutation", "f:store", { text: "a", sha256: "00" })).message, /expected 00/);
  for (const id of ["", "../x", "nonsense"]) assert.equal(await h.value("query", "f:url", { id }), null);
});
