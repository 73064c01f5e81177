// The official client's socket against a local server that speaks the least of the sync protocol.
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { makeFunctionReference } from "convex/server";
import { type WebSocket, WebSocketServer } from "ws";
import { createConvexClients } from "./convexClients.ts";
import { createSubscriptions } from "./convexSubscriptions.ts";
import type { Log } from "./log.ts";
import { StoreRefusal } from "./ports.ts";
import { opened, testTokens } from "./testing/tokens.ts";

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
const count = makeFunctionReference<"query", { run: string }, number>("module:count");

const encodedTs = (ts: number): string => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt(ts));
  return bytes.toString("base64");
};

interface Version {
  querySet: number;
  identity: number;
  ts: number;
}

/** One connection's side of the server: versions chain, as the client demands. */
class Connection {
  readonly ws: WebSocket;
  readonly queries = new Map<number, any>();
  version: Version = { querySet: 0, identity: 0, ts: 0 };
  constructor(ws: WebSocket) {
    this.ws = ws;
  }
  transition(change: Partial<Version>, modifications: unknown[] = []): void {
    const from = this.version;
    this.version = { ...from, ...change, ts: from.ts + 1 };
    const shown = (version: Version) => ({ ...version, ts: encodedTs(version.ts) });
    const message = { type: "Transition", startVersion: shown(from), endVersion: shown(this.version), modifications };
    this.ws.send(JSON.stringify(message));
  }
  update(value: unknown): void {
    const all = [...this.queries.keys()];
    this.transition(
      {},
      all.map((queryId) => ({ type: "QueryUpdated", queryId, value, logLines: [], journal: null })),
    );
  }
  fail(errorData: unknown): void {
    const failed = { type: "QueryFailed", errorMessage: "Server Error", errorData, logLines: [], journal: null };
    this.transition(
      {},
      [...this.queries.keys()].map((queryId) => ({ ...failed, queryId })),
    );
  }
}

interface SyncServer {
  readonly url: string;
  readonly connections: Connection[];
  readonly tokens: string[];
  /** What the clients sent, by type. */
  readonly heard: string[];
}

async function syncServer(t: TestContext, refuses: (token: string) => boolean = () => false): Promise<SyncServer> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  const seen: Omit<SyncServer, "url"> = { connections: [], tokens: [], heard: [] };
  server.on("connection", (ws) => {
    const connection = new Connection(ws);
    seen.connections.push(connection);
    ws.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString());
      seen.heard.push(message.type);
      if (message.type === "Authenticate" && message.tokenType === "User") {
        seen.tokens.push(message.value);
        const { baseVersion } = message;
        const refusal = { type: "AuthError", error: "no", baseVersion, authUpdateAttempted: true };
        if (refuses(message.value)) ws.send(JSON.stringify(refusal));
        else connection.transition({ identity: baseVersion + 1 });
      }
      if (message.type === "ModifyQuerySet") {
        for (const one of message.modifications) {
          if (one.type === "Add") connection.queries.set(one.queryId, one);
          else connection.queries.delete(one.queryId);
        }
        connection.transition({ querySet: message.newVersion });
      }
    });
  });
  await new Promise<void>((resolve) => server.once("listening", resolve));
  t.after(() => {
    for (const ws of server.clients) ws.terminate();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, ...seen };
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!isSo()) {
    assert.ok(performance.now() < deadline, what);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function setUp(t: TestContext, { url }: SyncServer) {
  const { keys, tokens } = testTokens();
  const subscriptions = createSubscriptions({ url, tokens, log: silent, refusedPauseMs: 20 });
  t.after(() => subscriptions.close());
  return { keys, subscriptions };
}

function follow(subscriptions: ReturnType<typeof createSubscriptions>, onValue?: (value: number) => void) {
  const values: number[] = [];
  const errors: Error[] = [];
  const end = subscriptions.subscribe(
    count,
    { run: "r" },
    (value) => {
      values.push(value);
      onValue?.(value);
    },
    (error) => errors.push(error),
  );
  return { values, errors, end };
}

test("a subscription asks as the service, after the token, and hears each change until it ends", async (t) => {
  const server = await syncServer(t);
  const { subscriptions, keys } = setUp(t, server);
  const { values, end } = follow(subscriptions);
  await until(() => server.connections[0]?.queries.size === 1, "the query arrives");
  assert.ok(server.heard.indexOf("Authenticate") < server.heard.indexOf("ModifyQuerySet"));
  assert.equal(opened(server.tokens[0] ?? "", keys).claims.role, "service");
  const [query] = server.connections[0]?.queries.values() ?? [];
  assert.deepEqual([query.udfPath, query.args], ["module:count", [{ run: "r" }]]);
  for (const value of [1, 2]) server.connections[0]?.update(value);
  await until(() => values.length === 2, "both values arrive");
  assert.deepEqual(values, [1, 2]);
  end();
  await until(() => server.connections[0]?.queries.size === 0, "the query is taken back");
});

test("the second token, asked for by force, is a new one", async (t) => {
  const server = await syncServer(t);
  setUp(t, server);
  await until(() => server.tokens.length === 2, "the client asks again once the first is confirmed");
  assert.notEqual(server.tokens[0], server.tokens[1]);
});

test("a refused query and a callback that throws are told, and the subscription goes on", async (t) => {
  const server = await syncServer(t);
  const { subscriptions } = setUp(t, server);
  const { values, errors } = follow(subscriptions, (value) => {
    if (value === 1) throw new Error("the caller's own");
  });
  await until(() => server.connections[0]?.queries.size === 1, "the query arrives");
  const connection = server.connections[0];
  connection?.fail({ code: "FORBIDDEN" });
  connection?.update(1);
  connection?.update(2);
  await until(() => values.length === 2, "values arrive after failures");
  assert.equal(errors.length, 2);
  assert.ok(errors[0] instanceof StoreRefusal && errors[0].code === "FORBIDDEN");
});

test("after the deployment refused its tokens for a while, the service is known again", async (t) => {
  let refusals = 0;
  const server = await syncServer(t, () => (refusals += 1) <= 4);
  const { subscriptions } = setUp(t, server);
  const { values } = follow(subscriptions);
  const current = () => server.connections.at(-1);
  await until(() => current()?.version.identity !== 0 && current()?.queries.size === 1, "it is authenticated at last");
  current()?.update(7);
  await until(() => values.at(-1) === 7, "the value arrives");
  assert.ok(new Set(server.tokens).size >= 4, "each try brings another token");
});

test("a lost connection comes back with token and queries", async (t) => {
  const server = await syncServer(t);
  const { subscriptions } = setUp(t, server);
  const { values } = follow(subscriptions);
  await until(() => server.connections[0]?.queries.size === 1, "the query arrives");
  server.connections[0]?.ws.terminate();
  await until(() => server.connections[1]?.queries.size === 1, "it arrives again");
  server.connections[1]?.update(3);
  await until(() => values.at(-1) === 3, "the value arrives");
});

test("close ends the socket", async (t) => {
  const server = await syncServer(t);
  const { subscriptions } = setUp(t, server);
  await until(() => server.tokens.length > 0, "it is connected");
  await subscriptions.close();
  await until(() => server.connections.every(({ ws }) => ws.readyState === ws.CLOSED), "the socket is closed");
});

test("the store opens one socket for all subscriptions, and its end closes it", async (t) => {
  const server = await syncServer(t);
  const clients = createConvexClients({ url: server.url, tokens: testTokens().tokens, log: silent });
  await clients.ping().catch(() => undefined);
  assert.equal(server.connections.length, 0);
  assert.equal(clients.subscriptions(), clients.subscriptions());
  await until(() => server.tokens.length > 0, "it is connected");
  assert.equal(server.connections.length, 1);
  await clients.close();
  await until(() => server.connections.every(({ ws }) => ws.readyState === ws.CLOSED), "the socket is closed");
});
