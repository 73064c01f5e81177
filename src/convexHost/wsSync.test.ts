import assert from "node:assert/strict";
import { once } from "node:events";
import { afterEach, beforeEach, test } from "node:test";
import { ConvexError } from "convex/values";
import { WebSocket } from "ws";
import { LIMITS } from "./limits.ts";
import { settle } from "./testing/manualTime.ts";
import { ADMIN_KEY, identifierOf, makeToken, START_MS, startSync, type SyncFixture } from "./testing/syncFixture.ts";
import { TransportError } from "./words.ts";

let sync: SyncFixture;
beforeEach(async () => {
  sync = await startSync();
});
afterEach(async () => {
  await sync.close();
});

const READ = { name: "a" };
const append = (requestId: number, text: string, name = "a") => ({
  type: "Mutation",
  requestId,
  udfPath: "list:append",
  args: [{ name, text }],
});
const addQuery = (baseVersion: number, queryId: number, udfPath: string, args: object) => ({
  type: "ModifyQuerySet",
  baseVersion,
  newVersion: baseVersion + 1,
  modifications: [{ type: "Add", queryId, udfPath, args: [args] }],
});
/** Lets frames that are on their way arrive. */
const arrive = () => settle(50);

test("a client sees its own write when the mutation resolves", async () => {
  const client = sync.client();
  const list = client.watch("list:read", READ);
  await client.until(list, []);
  for (const text of ["x", "y", "z"]) {
    const length: unknown = await client.base.mutation("list:append", { ...READ, text });
    assert.equal((list() as string[]).length, length);
  }
  assert.deepEqual(list(), ["x", "y", "z"]);
});

test("another client's write arrives", async () => {
  const [reader, writer] = [sync.client(), sync.client()];
  const list = reader.watch("list:read", READ);
  await reader.until(list, []);
  await writer.base.mutation("list:append", { ...READ, text: "hello" });
  await reader.until(list, ["hello"]);
  await sync.runner.append("a", "from a job");
  await reader.until(list, ["hello", "from a job"]);
});

test("an unrelated write neither runs a query again nor sends anything", async () => {
  const reader = sync.client();
  const list = reader.watch("list:read", READ);
  await reader.until(list, []);
  const frames = reader.frames.length;
  await sync.runner.append("b", "unrelated");
  await arrive();
  assert.equal(reader.frames.length, frames);
  assert.equal(sync.runner.runsOf("list:read"), 1);
  await sync.runner.append("a", "related");
  await reader.until(list, ["related"]);
  assert.equal(reader.frames.length, frames + 1);
});

test("a mutation that changes none of the client's queries resolves on an empty transition", async () => {
  const client = sync.client();
  const list = client.watch("list:read", READ);
  await client.until(list, []);
  await client.base.mutation("list:append", { name: "b", text: "x" });
  await client.base.mutation("list:nothing", {});
  assert.deepEqual(client.types.slice(-4), ["MutationResponse", "Transition", "MutationResponse", "Transition"]);
  assert.deepEqual(client.messages.at(-1)?.modifications, []);
});

test("queries of one connection are shown at one moment while others write to all of their lists", async () => {
  const reader = sync.client();
  const names = ["a", "b", "c"];
  const reads = names.map((name) => reader.watch("list:read", { name }));
  const count = reader.watch("list:count", { names });
  const torn: unknown[] = [];
  let seen = 0;
  reader.base.addOnTransitionHandler(() => {
    const lengths = reads.map((read) => (read() as string[] | undefined)?.length);
    if (lengths.includes(undefined) || count() === undefined) return;
    seen += 1;
    if (JSON.stringify(lengths) !== JSON.stringify(count())) torn.push([lengths, count()]);
  });
  await Promise.all(
    names.map(async (name) => {
      for (let at = 0; at < 60; at++) await sync.runner.append(name, String(at));
    }),
  );
  await reader.until(count, [60, 60, 60]);
  assert.deepEqual(torn, []);
  assert.ok(seen > 10, `only ${seen} transitions`);
});

test("equal queries of fifty connections are run once for a write, and once for each user where they ask who calls", async () => {
  const clients = Array.from({ length: 50 }, (_, at) => {
    const client = sync.client();
    const token = makeToken(`user ${at % 2}`, START_MS, START_MS + 120_000);
    client.base.setAuth(
      () => Promise.resolve(token),
      () => undefined,
    );
    const [list, own] = [client.watch("list:read", READ), client.watch("who:list", READ)];
    const look = () => [list(), own()];
    return { client, look, name: identifierOf(`user ${at % 2}`) };
  });
  for (const { client, look, name } of clients) await client.until(look, [[], [name]]);
  sync.runner.runs.clear();
  await sync.runner.append("a", "x");
  for (const { client, look, name } of clients) await client.until(look, [["x"], [name, "x"]]);
  assert.equal(sync.runner.runsOf("list:read"), 1);
  assert.equal(sync.runner.runsOf("who:list"), 2);
});

test("a mutation cut off between its commit and its answer is executed once, and its outcome given again", async () => {
  const client = sync.client();
  const list = client.watch("list:read", READ);
  await client.until(list, []);
  sync.runner.beforeAnswers = async () => {
    sync.runner.beforeAnswers = () => Promise.resolve();
    await client.cut();
  };
  assert.equal(await client.base.mutation("list:append", { ...READ, text: "once" }), 1);
  assert.deepEqual(list(), ["once"]);
  assert.equal(sync.runner.runsOf("list:append"), 1);
  assert.ok(client.sockets.length >= 2, "it did connect again");
});

test("a thousand mutations over a connection that is cut again and again are each executed once, in their order", async () => {
  const client = sync.client();
  const list = client.watch("list:read", READ);
  await client.until(list, []);
  const texts = Array.from({ length: 1_000 }, (_, at) => String(at));
  let cuts = 0;
  const done = Promise.all(
    texts.map(async (text) => {
      await client.base.mutation("list:append", { ...READ, text });
      if (Number(text) % 97 !== 96) return;
      cuts += 1;
      await client.cut();
    }),
  );
  await done;
  assert.deepEqual(sync.runner.lists.get("a"), texts);
  assert.equal(sync.runner.runsOf("list:append"), 1_000);
  await client.until(list, texts);
  assert.ok(cuts >= 10 && client.sockets.length > cuts);
});

test("more mutations at once than a connection lets wait are all executed, in their order", async () => {
  const client = sync.client();
  await client.until(() => client.base.connectionState().isWebSocketConnected, true);
  const texts = Array.from({ length: 3_000 }, (_, at) => String(at));
  await Promise.all(texts.map((text) => client.base.mutation("list:append", { ...READ, text })));
  assert.deepEqual(sync.runner.lists.get("a"), texts);
  assert.equal(client.sockets.length, 1);
});

test("a page that was loaded keeps its end when the list grows, also after a reconnect", async () => {
  const client = sync.client();
  for (const text of ["x", "y", "z"]) await sync.runner.append("a", text);
  const page = client.watch("list:page", READ);
  await client.until(page, ["x", "y"]);
  sync.runner.lists.set("a", ["w", "x", "y", "z"]);
  await sync.runner.append("a", "end");
  await client.until(page, ["w", "x"]);
  assert.equal(client.base.queryJournal("list:page", READ), "2");
  await client.cut();
  await client.until(() => client.types.filter((type) => type === "Transition").length, 3);
  assert.equal(client.base.queryJournal("list:page", READ), "2");
});

test("what a function throws fails its mutation or its query, with its data, and not the connection", async () => {
  const client = sync.client();
  const list = client.watch("list:read", READ);
  const broken = client.watch("list:broken", READ);
  await client.until(list, []);
  assert.throws(broken, (error) => error instanceof ConvexError && error.data.at === "a");
  await assert.rejects(
    client.base.mutation("list:appendAndFail", { ...READ, text: "x" }),
    (error) => error instanceof ConvexError && error.data.code === "FAILED",
  );
  await client.base.mutation("list:append", { ...READ, text: "y" });
  assert.deepEqual(list(), ["y"]);
  assert.equal(client.sockets.length, 1);
});

test("a query that fails again in the same way is not sent again, although its request id is another", async () => {
  const client = sync.client();
  const texts: string[] = [];
  client.watch("list:broken", READ);
  await client.until(() => client.types, ["Transition"]);
  await client.base.mutation("list:append", { ...READ, text: "x" });
  texts.push(...client.frames.filter((frame) => frame.includes("broken at")));
  assert.equal(texts.length, 2);
  assert.match(texts[1] ?? "", /broken at 1/);
  sync.runner.lists.set("a", []);
  await client.base.mutation("list:append", { ...READ, text: "y" });
  assert.equal(client.frames.filter((frame) => frame.includes("broken at")).length, 2);
});

test("functions that do not exist fail alone", async () => {
  const client = sync.client();
  const unknown = client.watch("no:query", {});
  const list = client.watch("list:read", READ);
  await client.until(list, []);
  assert.throws(unknown, /FunctionNotFound/);
  await assert.rejects(client.base.mutation("no:mutation", {}), /FunctionNotFound/);
  await client.base.mutation("list:append", { ...READ, text: "x" });
  assert.deepEqual(list(), ["x"]);
});

test("actions run side by side, and their failures are answers", async () => {
  const client = sync.client();
  let release = () => {};
  const gate = new Promise<void>((resolve) => (release = resolve));
  let waiting = 0;
  sync.runner.actionGate = () => {
    waiting += 1;
    return gate;
  };
  const actions = [1, 2, 3].map((at) => client.base.action("act:echo", { at }));
  await client.until(() => waiting, 3);
  await client.base.mutation("list:append", { ...READ, text: "meanwhile" });
  release();
  assert.deepEqual(await Promise.all(actions), [{ at: 1 }, { at: 2 }, { at: 3 }]);
  await assert.rejects(client.base.action("act:fail", {}), /act:fail failed/);
  await assert.rejects(client.base.action("act:trouble", {}), /InternalServerError: the host is broken/);
  assert.equal(client.sockets.length, 1);
});

test("a bad token is an AuthError, and the client recovers with a fresh one", async () => {
  const client = sync.client();
  const good = makeToken("alice", START_MS, START_MS + 120_000);
  const changes: boolean[] = [];
  client.base.setAuth(
    ({ forceRefreshToken }) => Promise.resolve(forceRefreshToken ? good : `${good.slice(0, -8)}AAAAAAAA`),
    (isAuthenticated) => changes.push(isAuthenticated),
  );
  const who = client.watch("who:am", {});
  await client.until(who, identifierOf("alice"));
  const [error] = client.messages.filter(({ type }) => type === "AuthError");
  assert.equal(error.authUpdateAttempted, true);
  assert.equal(error.baseVersion, 0);
  assert.deepEqual(changes, [true]);
  assert.equal(client.sockets.length, 2);
  client.base.clearAuth();
  await client.until(who, null);
});

test("on a live connection the identity ends with its token, and the client goes on with a fresh one", async () => {
  const client = sync.client();
  let issued = 0;
  client.base.setAuth(
    () => {
      issued += 1;
      const nowMs = sync.time.clock();
      return Promise.resolve(makeToken("alice", nowMs - issued * 1_000, nowMs + 100_000));
    },
    () => undefined,
  );
  const who = client.watch("who:list", READ);
  await client.until(who, [identifierOf("alice")]);
  await client.until(() => client.messages.at(-1)?.endVersion?.identity, 2);
  await sync.time.advance(99_000);
  assert.equal(client.sockets.length, 1);
  await sync.time.advance(1_000);
  await client.until(() => client.sockets.length, 2);
  const [error] = client.messages.filter(({ type }) => type === "AuthError");
  assert.deepEqual([error.authUpdateAttempted, error.baseVersion], [false, 1]);
  await client.base.mutation("list:append", { ...READ, text: "after" });
  assert.deepEqual(who(), [identifierOf("alice"), "after"]);
});

test("nothing is sent in the name of a token that has ended, and no mutation run", async () => {
  const raw = await sync.raw();
  raw.connect();
  const token = makeToken("alice", START_MS, START_MS + 10_000);
  raw.send({ type: "Authenticate", tokenType: "User", value: token, baseVersion: 0 }, addQuery(0, 0, "who:list", READ));
  await raw.next("Transition");
  sync.time.jump(10_000);
  await sync.runner.append("a", "secret");
  raw.send(append(0, "late"));
  const error = await raw.next("AuthError");
  assert.equal(error.authUpdateAttempted, false);
  assert.equal((await raw.end()).code, 1000);
  assert.deepEqual(sync.runner.lists.get("a"), ["secret"]);
  assert.equal(
    raw.frames.some((frame) => frame.includes("secret")),
    false,
  );
});

test("the admin key acts as a user, and a wrong one is an AuthError", async () => {
  const raw = await sync.raw();
  raw.connect();
  const impersonating = { issuer: "https://issuer.example", subject: "bob" };
  raw.send({ type: "Authenticate", tokenType: "Admin", value: ADMIN_KEY, impersonating, baseVersion: 0 });
  raw.send(addQuery(0, 0, "who:am", {}));
  await raw.next("Transition");
  const { modifications } = await raw.next("Transition");
  assert.equal(modifications[0].value, identifierOf("bob"));
  const other = await sync.raw();
  other.connect("other");
  other.send({ type: "Authenticate", tokenType: "Admin", value: "wrong", baseVersion: 0 });
  assert.equal((await other.next("AuthError")).authUpdateAttempted, true);
});

test("a second connection of the same session ends the first", async () => {
  const [first, second, other] = [await sync.raw(), await sync.raw(), await sync.raw()];
  first.connect("session");
  other.connect("another");
  first.send(addQuery(0, 0, "list:read", READ));
  await first.next("Transition");
  second.connect("session");
  assert.equal((await first.end()).code, 1000);
  second.send(append(0, "x"));
  await second.next("MutationResponse");
  other.send(append(0, "y"));
  await other.next("MutationResponse");
  assert.equal(sync.server.connections, 2);
  const third = await sync.raw();
  third.connect("session");
  assert.equal((await second.end()).code, 1000);
  assert.equal(other.closed, null);
});

test("a Ping comes as a message every 15 s", async () => {
  const raw = await sync.raw();
  raw.connect();
  await sync.time.advance(14_999);
  await arrive();
  assert.deepEqual(raw.frames, []);
  for (let pings = 1; pings <= 4; pings++) {
    await sync.time.advance(pings === 1 ? 1 : 15_000);
    await raw.next("Ping");
    assert.deepEqual(raw.frames, []);
  }
});

test("a reader with more than 16 MiB waiting is closed 1013, and others go on", async () => {
  const [slow, quick] = [await sync.raw(), await sync.raw()];
  slow.connect("slow");
  quick.connect("quick");
  slow.send(addQuery(0, 0, "list:long", { ...READ, length: 1_000_000 }));
  quick.send(addQuery(0, 0, "list:read", READ));
  await slow.next("Transition");
  slow.socket.pause();
  let writes = 0;
  while (sync.server.connections === 2) {
    await sync.runner.append("a", "x");
    writes += 1;
    assert.ok(writes < 200, "it is never closed");
    await arrive();
  }
  assert.ok(writes >= 8, `closed after ${writes} messages of 2 MB`);
  slow.socket.resume();
  assert.equal((await slow.end()).code, 1013);
  const last = () => quick.messages.at(-1)?.modifications[0].value.length;
  while (last() !== writes) await once(quick.socket, "message");
});

test("a reader that was slow once may be slow again: what it took is not counted any more", async () => {
  const raw = await sync.raw();
  raw.connect();
  raw.send(addQuery(0, 0, "list:long", { ...READ, length: 1_000_000 }));
  for (let writes = 0; writes < 20; writes++) {
    await raw.next("Transition");
    await sync.runner.append("a", "x");
  }
  assert.equal(sync.server.connections, 1);
});

test("a slow reader that is closed and does not read the close either is cut off after 5 s", async () => {
  const slow = await sync.raw();
  slow.connect();
  slow.send(addQuery(0, 0, "list:long", { ...READ, length: 2_000_000 }));
  await slow.next("Transition");
  slow.socket.pause();
  while (sync.server.connections === 1) {
    await sync.runner.append("a", "x");
    await arrive();
  }
  await sync.time.advance(5_000);
  slow.socket.resume();
  assert.equal((await slow.end()).code, 1006);
});

test("a transition that is too large for a message arrives in chunks, and the official client puts it together", async () => {
  const client = sync.client();
  const long = client.watch("list:long", { ...READ, length: 6_000_000 });
  const list = client.watch("list:read", READ);
  await client.until(list, []);
  assert.equal(long(), `0:${'é"😀'.repeat(1_500_000)}`);
  const chunks = client.messages.filter(({ type }) => type === "TransitionChunk");
  assert.ok(chunks.length > 1);
  for (const frame of client.frames) assert.ok(Buffer.byteLength(frame) <= LIMITS.syncMessageBytes);
  await client.base.mutation("list:append", { ...READ, text: "x" });
  assert.equal((long() as string).startsWith("1:"), true);
  assert.equal(client.sockets.length, 1);
});

test("a single transition above 16 MiB does not count as a slow reader", async () => {
  const client = sync.client();
  const reads = [1, 2, 3].map((at) => client.watch("list:long", { name: `l${at}`, length: 4_000_000 }));
  await client.until(() => reads.map((read) => typeof read()), ["string", "string", "string"], 30_000);
  for (const read of reads) assert.ok((read() as string).length > 4_000_000);
  await client.base.mutation("list:append", { ...READ, text: "x" });
  assert.equal(client.sockets.length, 1);
});

const protocolErrors: readonly (readonly [string, string | Buffer])[] = [
  ["no JSON", "{"],
  ["a list", "[]"],
  ["an unknown type", '{"type":"Hello"}'],
  ["a message before Connect", JSON.stringify(append(0, "x"))],
  ["a binary frame", Buffer.from('{"type":"Event"}')],
  ["JSON without end", `{"type":"Connect","sessionId":${"[".repeat(1_000_000)}`],
];
for (const [what, frame] of protocolErrors) {
  test(`${what} is answered with a FatalError and a close`, async () => {
    const raw = await sync.raw();
    raw.socket.send(frame);
    const message = await raw.next("FatalError");
    assert.match(message.error, /expected/);
    assert.equal((await raw.end()).code, 1002);
  });
}

test("arguments nested too deeply to be written again are a FatalError and no crash", async () => {
  const raw = await sync.raw();
  raw.connect();
  const deep = `${'{"a":'.repeat(100_000)}1${"}".repeat(100_000)}`;
  const add = `{"type":"Add","queryId":0,"udfPath":"list:read","args":[${deep}]}`;
  raw.socket.send(`{"type":"ModifyQuerySet","baseVersion":0,"newVersion":1,"modifications":[${add}]}`);
  await raw.next("FatalError");
});

test("a frame above 20 MiB closes its connection 1009", async () => {
  const raw = await sync.raw();
  raw.connect();
  raw.socket.send(JSON.stringify({ type: "Event", event: "x".repeat(LIMITS.httpBodyBytes) }));
  assert.equal((await raw.end()).code, 1009);
});

test("the host's own trouble closes the connection by the name that makes the client wait, and is no FatalError", async () => {
  const raw = await sync.raw();
  raw.connect();
  sync.runner.trouble = new TransportError(503, "TooManyConcurrentRequests", "5,000 calls wait");
  raw.send(append(0, "x"));
  assert.deepEqual(await raw.end(), { code: 1013, reason: "TooManyConcurrentRequests: 5,000 calls wait" });
  assert.deepEqual(raw.frames, []);
  const other = await sync.raw();
  other.connect();
  sync.runner.trouble = new Error("é".repeat(200));
  other.send(addQuery(0, 0, "list:read", READ));
  const { code, reason } = await other.end();
  assert.equal(code, 1011);
  assert.match(reason, /^InternalServerError: é+$/);
});

test("beyond the connections allowed an upgrade is refused with 503, until one of them ends", async () => {
  const sockets = await Promise.all(Array.from({ length: LIMITS.connections }, () => sync.raw()));
  const socket = new WebSocket(`${sync.url.replace("http", "ws")}/api/1.0.0/sync`);
  const [, response] = await once(socket, "unexpected-response");
  assert.equal(response.statusCode, 503);
  response.resume();
  await once(response, "end");
  sockets[0]?.socket.close();
  await sockets[0]?.end();
  while (sync.server.connections === LIMITS.connections) await arrive();
  const late = await sync.raw();
  late.connect();
  late.send(append(0, "x"));
  await late.next("MutationResponse");
});

test("a client that is not read because too much waits still ends with the close that it gets", async () => {
  const raw = await sync.raw();
  raw.connect();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  sync.runner.beforeGroup = () => gate;
  for (let requestId = 0; requestId < 4_000; requestId++) raw.send(append(requestId, "x"));
  await arrive();
  sync.server.close();
  assert.equal((await raw.end()).code, 1001);
  open();
});

test("what a connection watched is kept no longer than the connection", async () => {
  const clients = [await sync.raw(), await sync.raw(), await sync.raw()];
  for (const [at, client] of clients.entries()) {
    client.connect(String(at));
    client.send(addQuery(0, 0, "list:read", READ), addQuery(1, 1, "who:list", READ));
    await client.next("Transition");
  }
  const [first, second, third] = clients;
  while (sync.server.watched < 4) await arrive();
  first?.socket.close();
  second?.send({
    type: "ModifyQuerySet",
    baseVersion: 2,
    newVersion: 3,
    modifications: [{ type: "Remove", queryId: 1 }],
  });
  while (sync.server.watched > 2) await arrive();
  second?.socket.terminate();
  third?.send({ type: "Nonsense" });
  while (sync.server.watched > 0) await arrive();
});

test("when the server closes, clients are told to come again and new ones are refused", async () => {
  const raw = await sync.raw();
  raw.connect();
  await arrive();
  sync.server.close();
  assert.equal((await raw.end()).code, 1001);
  assert.equal(sync.server.connections, 0);
  const socket = new WebSocket(`${sync.url.replace("http", "ws")}/api/1.0.0/sync`);
  const [, response] = await once(socket, "unexpected-response");
  assert.equal(response.statusCode, 503);
  socket.on("error", () => undefined);
  socket.terminate();
});
