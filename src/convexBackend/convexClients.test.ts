// The official client against a real local server: what is sent, and what becomes of each kind of answer.
import assert from "node:assert/strict";
import { readFileSync, globSync } from "node:fs";
import { createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeFunctionReference } from "convex/server";
import { ConvexError, convexToJson } from "convex/values";
import { api } from "../../convex/_generated/api.js";
import { type ConvexClients, createConvexClients } from "./convexClients.ts";
import type { Log, LogFields } from "./log.ts";
import { AS_SERVICE, asUser, StoreRefusal, StoreUnavailableError } from "./ports.ts";
import { REFUSAL_CODES, storeError } from "./storeErrors.ts";
import { type Answer, fakeDeployment, send, success } from "./testing/fakeDeployment.ts";
import { opened, testTokens } from "./testing/tokens.ts";

type Line = readonly [level: string, msg: string, fields?: LogFields];

function memoryLog(): Log & { readonly lines: Line[] } {
  const lines: Line[] = [];
  const at = (level: string) => (msg: string, fields?: LogFields) => void lines.push([level, msg, fields ?? {}]);
  return { lines, info: at("info"), warn: at("warn"), error: at("error") };
}

function clientsFor(t: TestContext, url: string, callMs?: number) {
  const log = memoryLog();
  const { keys, tokens } = testTokens();
  const clients = createConvexClients({ url, tokens, log, ...(callMs !== undefined && { callMs }) });
  t.after(() => clients.close());
  return { log, keys, clients };
}

async function setUp(t: TestContext, answer: Answer, callMs?: number) {
  const deployment = await fakeDeployment(t, answer);
  return { deployment, ...clientsFor(t, deployment.url, callMs) };
}

const ask = (clients: ConvexClients, subject = "ann") =>
  clients.query(api.folders.list, {}, asUser(subject)) as Promise<unknown>;
const any = makeFunctionReference<"mutation", Record<string, unknown>, unknown>("module:anything");

const failure = (work: Promise<unknown>): Promise<Error> =>
  work.then(
    () => assert.fail("it should have failed"),
    (error: unknown) => error as Error,
  );

test("a query and a mutation go to their paths, as their caller, in Convex's own JSON", async (t) => {
  const { deployment, clients, keys } = await setUp(t, (_, response) => send(response, 200, success(null)));
  const bytes = Uint8Array.from([1, 2, 255]).buffer;
  assert.equal(await clients.query(api.sessions.ownerOf, { id: "s" }, AS_SERVICE), null);
  await clients.mutation(any, { bytes, count: 3n, nothing: undefined }, asUser("ann"));
  const [query, mutation] = deployment.calls;
  const format = "convex_encoded_json";
  assert.equal(query?.path, "/api/query");
  assert.deepEqual(query.body, { path: "sessions:ownerOf", format, args: [{ id: "s" }] });
  assert.equal(opened(query.token, keys).claims.role, "service");
  assert.equal(mutation?.path, "/api/mutation");
  assert.deepEqual(mutation.body.args, [convexToJson({ bytes, count: 3n })]);
  const { claims } = opened(mutation.token, keys);
  assert.deepEqual([claims.role, claims.sub], ["user", "ann"]);
});

test("values come back as they were stored", async (t) => {
  const value = { bytes: Uint8Array.from([0, 255]).buffer, big: 9_007_199_254_740_993n, minus: -0, none: Number.NaN };
  const { clients } = await setUp(t, (_, response) => send(response, 200, success(convexToJson(value))));
  assert.deepEqual(await ask(clients), value);
});

test("a call carries the token of its own caller, whoever else calls at the same time", async (t) => {
  const { clients, deployment, keys } = await setUp(t, async (call, response) => {
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20));
    send(response, 200, success(call.body.args[0].name));
  });
  const callers = Array.from({ length: 300 }, (_, i) => `user-${i % 37}`);
  const answers = await Promise.all(callers.map((name) => clients.mutation(any, { name }, asUser(name))));
  assert.deepEqual(answers, callers);
  assert.equal(deployment.calls.length, 300);
  for (const { token, body } of deployment.calls) assert.equal(opened(token, keys).claims.sub, body.args[0].name);
});

test("two mutations of one caller do not wait for each other", async (t) => {
  const both = Promise.withResolvers<void>();
  const { clients, deployment } = await setUp(t, async (_, response) => {
    if (deployment.calls.length === 2) both.resolve();
    await both.promise;
    send(response, 200, success(null));
  });
  await Promise.all([clients.mutation(any, {}, asUser("ann")), clients.mutation(any, {}, asUser("ann"))]);
});

test("a function's refusal is told by its code and data, whether it arrives as 200 or 560", async (t) => {
  let status = 200;
  const errorData = { code: "DRY_RUN", outcome: { n: { $integer: "AQAAAAAAAAA=" } } };
  const { clients, log } = await setUp(t, (_, response) =>
    send(response, status, { status: "error", errorMessage: "Server Error", errorData, logLines: [] }),
  );
  for (status of [200, 560]) {
    const error = await failure(clients.mutation(any, {}, asUser("ann")));
    assert.ok(error instanceof StoreRefusal);
    assert.equal(error.code, "DRY_RUN");
    assert.deepEqual(error.data, { code: "DRY_RUN", outcome: { n: 1n } });
  }
  assert.deepEqual(log.lines, []);
});

test("the codes are a closed list, and it is the list of convex/", () => {
  const codeOf = (data: any): string => (storeError(new ConvexError(data)) as StoreRefusal).code;
  for (const data of [{ code: "SOMETHING_ELSE" }, { code: 1 }, { code: "toString" }, {}, null, "FORBIDDEN"]) {
    assert.equal(codeOf(data), "UNKNOWN");
  }
  const cwd = fileURLToPath(new URL("../../convex/", import.meta.url));
  const sources = globSync("**/*.ts", { cwd }).filter((path) => !/\.test\.ts$|(^|\/)probe\.ts$|_generated/.test(path));
  const thrown = sources.flatMap((path) =>
    [...readFileSync(cwd + path, "utf8").matchAll(/new ConvexError\(\s*\{\s*code:\s*"(\w+)"/g)].map(
      (match) => match[1],
    ),
  );
  assert.deepEqual([...new Set(thrown)].sort(), [...REFUSAL_CODES].sort());
  for (const code of REFUSAL_CODES) assert.equal(codeOf({ code }), code);
});

test("a function that broke is a defect: nothing of its text is passed on or logged but where to look for it", async (t) => {
  const errorMessage = '[Request ID: 0123abcd] Server Error\nArgumentValidationError: "what a user wrote"';
  const { clients, log } = await setUp(t, (_, response) =>
    send(response, 200, { status: "error", errorMessage, logLines: [] }),
  );
  const error = await failure(ask(clients));
  assert.ok(!(error instanceof StoreRefusal) && !(error instanceof StoreUnavailableError));
  assert.ok(!error.message.includes("what a user wrote"));
  assert.equal(log.lines.length, 1);
  const [level, , fields] = log.lines[0]!;
  assert.equal(level, "error");
  assert.equal(fields?.["function"], "folders:list");
  assert.equal(fields?.["storeRequestId"], "0123abcd");
  assert.ok(!JSON.stringify(log.lines).includes("what a user wrote"));
});

test("a deployment that refuses to serve is unavailable, a call that it cannot read is a defect", async (t) => {
  let status = 0;
  const body = { code: "SomeCode", message: "what a user wrote" };
  const { clients, log } = await setUp(t, (_, response) => send(response, status, body));
  for (status of [204, 302, 401, 403, 404, 408, 429, 500, 502, 503, 504]) {
    const error = await failure(ask(clients));
    assert.ok(error instanceof StoreUnavailableError, String(status));
    const reason = `the deployment answered ${status}${status === 204 ? "" : " SomeCode"}`;
    assert.deepEqual(log.lines.pop(), ["warn", "store unavailable", { function: "folders:list", reason }]);
  }
  for (status of [400, 413]) {
    const error = await failure(ask(clients));
    assert.ok(!(error instanceof StoreUnavailableError) && !(error instanceof StoreRefusal), String(status));
    assert.equal(log.lines.pop()?.[0], "error");
  }
});

test("something else at the address is unavailable too", async (t) => {
  const { clients } = await setUp(t, (_, response) => void response.writeHead(200).end("<html>hello</html>"));
  assert.ok((await failure(ask(clients))) instanceof StoreUnavailableError);
});

test("a call ends in time, whether nothing comes or only the beginning", async (t) => {
  let isBegun = false;
  const { clients, log } = await setUp(
    t,
    (_, response) => {
      if (isBegun) response.writeHead(200, { "Content-Type": "application/json" }).write('{"status":');
    },
    100,
  );
  for (isBegun of [false, true]) {
    const started = performance.now();
    assert.ok((await failure(ask(clients))) instanceof StoreUnavailableError);
    const tookMs = performance.now() - started;
    assert.ok(tookMs > 80 && tookMs < 5_000, `${tookMs} ms`);
    assert.match(String(log.lines.pop()?.[2]?.["reason"]), /nothing within 100 ms/);
  }
});

test("no deployment, and one that hangs up, are unavailable", async (t) => {
  const gone = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => gone.listen(0, "127.0.0.1", resolve));
  const { port } = gone.address() as { port: number };
  const { clients, log } = clientsFor(t, `http://127.0.0.1:${port}`);
  assert.ok((await failure(ask(clients))) instanceof StoreUnavailableError);
  await new Promise((resolve) => gone.close(resolve));
  assert.ok((await failure(ask(clients))) instanceof StoreUnavailableError);
  assert.match(String(log.lines.pop()?.[2]?.["reason"]), /ECONNREFUSED/);
});

test("a deployment that restarted is found again", async (t) => {
  const { clients, deployment } = await setUp(t, (_, response) => send(response, 200, success(1)));
  assert.equal(await ask(clients), 1);
  deployment.server.closeAllConnections();
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(await ask(clients), 1);
});

test("connections are used again, and there are never more than 128", async (t) => {
  const { clients, deployment } = await setUp(t, async (_, response) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    send(response, 200, success(null));
  });
  for (let i = 0; i < 20; i += 1) await ask(clients, `user-${i}`);
  // An answer is read a moment before its connection is free: the next call may open a second one.
  assert.ok(deployment.sockets.accepted <= 3, `${deployment.sockets.accepted}`);
  await Promise.all(Array.from({ length: 500 }, (_, i) => ask(clients, `user-${i % 50}`)));
  assert.ok(deployment.sockets.mostOpen > 1 && deployment.sockets.mostOpen <= 128, `${deployment.sockets.mostOpen}`);
});

test("what functions log is not printed", async (t) => {
  const printed = (["log", "info", "warn", "error", "debug"] as const).map((name) =>
    t.mock.method(console, name, () => undefined),
  );
  const logLines = ["[LOG] 'what a user wrote'", "no level"];
  const { clients } = await setUp(t, (_, response) => send(response, 200, { ...success(null), logLines }));
  await ask(clients);
  await clients.mutation(any, {}, asUser("ann"));
  for (const { mock } of printed) assert.equal(mock.callCount(), 0);
});

test("ping asks for a read as the service and fails with it", async (t) => {
  let body: unknown = success(null);
  const { clients, deployment, keys } = await setUp(t, (_, response) => send(response, 200, body));
  await clients.ping();
  const [call] = deployment.calls;
  assert.equal(call?.body.path, "sessions:ownerOf");
  assert.equal(opened(call.token, keys).claims.role, "service");
  body = { status: "error", errorMessage: "Could not find public function", logLines: [] };
  await assert.rejects(clients.ping());
});

test("close waits for what runs, leaves no connection, and then calls fail at once", async (t) => {
  const { clients, deployment } = await setUp(t, async (_, response) => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    send(response, 200, success("done"));
  });
  const running = ask(clients);
  const asked = Promise.withResolvers<void>();
  deployment.server.once("request", () => asked.resolve());
  await asked.promise;
  await clients.close();
  assert.equal(await running, "done");
  assert.ok((await failure(ask(clients))) instanceof StoreUnavailableError);
  while (deployment.sockets.open > 0) await new Promise((resolve) => setTimeout(resolve, 5));
});
