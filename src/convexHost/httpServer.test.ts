import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, get } from "node:http";
import { connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { ConvexHttpClient } from "convex/browser";
import { anyApi } from "convex/server";
import { ConvexError } from "convex/values";
import type { FunctionRunner } from "./ports.ts";
import { ADMIN_KEY, type HttpFace, rawRequest, startHttpFace, tokenOf } from "./testing/httpFace.ts";
import { createSmallRunner, SmallFailure, type SmallRunner } from "./testing/smallRunner.ts";
import { NOBODY } from "./words.ts";

const gate = { open: Promise.withResolvers<void>(), entered: 0 };

const textOf = (value: unknown) => (typeof value === "string" ? value : "");

function createRunner(): SmallRunner {
  return createSmallRunner({
    "cells:read": { kind: "query", handler: ({ args, read }) => read(textOf(args["name"])) },
    "cells:write": {
      kind: "mutation",
      handler: ({ args, write, log }) => {
        write(textOf(args["name"]), args["value"] ?? null);
        log(`[LOG] 'wrote ${textOf(args["name"])}'`);
        return null;
      },
    },
    "values:int": { kind: "query", handler: () => ({ n: 7n, bytes: Uint8Array.from([1]).buffer, x: Number.NaN }) },
    "values:echo": { kind: "action", handler: ({ args }) => args },
    "who:am": { kind: "query", handler: ({ caller }) => caller.identity ?? null },
    "who:secret": { kind: "query", isInternal: true, handler: () => "for admins" },
    "fails:plainly": {
      kind: "mutation",
      handler: () => {
        throw new SmallFailure("[Request ID: 1] Server Error");
      },
    },
    "fails:withData": {
      kind: "mutation",
      handler: () => {
        throw new SmallFailure("[Request ID: 2] Server Error", { code: "FULL", at: { $integer: "AQAAAAAAAAA=" } });
      },
    },
    "slow:wait": {
      kind: "action",
      handler: async () => {
        gate.entered += 1;
        await gate.open.promise;
        return "done";
      },
    },
    "deep/folder/file:run": { kind: "mutation", handler: () => "ran" },
  });
}

const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url, { method: "POST", headers, body: typeof body === "string" ? body : JSON.stringify(body) });
const codeOf = async (response: Response) => ((await response.json()) as { readonly code?: unknown }).code;
const bodyOf = (response: Response): Promise<any> => response.json();
const until = async (isSo: () => boolean) => {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 1));
};

describe("the function API", () => {
  let face: HttpFace;
  let runner: SmallRunner;
  before(async () => {
    runner = createRunner();
    face = await startHttpFace(runner);
  });
  after(() => face.stop());
  const call = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const response = await post(face.url + path, body, headers);
    return { status: response.status, body: (await response.json()) as Record<string, any>, headers: response.headers };
  };

  test("runs queries, mutations and actions, and tells values and log lines", async () => {
    const wrote = await call("/api/mutation", { path: "cells:write", args: { name: "a", value: 1 }, format: "json" });
    assert.deepEqual(
      [wrote.status, wrote.body],
      [200, { status: "success", value: null, logLines: ["[LOG] 'wrote a'"] }],
    );
    const read = await call("/api/query", { path: "cells:read", args: [{ name: "a" }], format: "convex_encoded_json" });
    assert.deepEqual(read.body, { status: "success", value: 1, logLines: [] });
    const echoed = await call("/api/action", { path: "values:echo", args: { x: "\u2028ü" } });
    assert.deepEqual(echoed.body["value"], { x: "\u2028ü" });
    assert.equal(read.headers.get("content-type"), "application/json");
    assert.equal(read.headers.get("cache-control"), "no-store");
  });

  test("shows int64, bytes and NaN as text in plain JSON, as Convex JSON to those who ask for it", async () => {
    const plain = await call("/api/query", { path: "values:int", format: "json" });
    assert.deepEqual(plain.body["value"], { n: "7", bytes: "AQ==", x: "NaN" });
    const encoded = await call("/api/query", { path: "values:int", format: "convex_encoded_json" });
    assert.deepEqual(encoded.body["value"].n, { $integer: "BwAAAAAAAAA=" });
  });

  test("tells the failure of a function with status 200, and its data", async () => {
    const plainly = await call("/api/mutation", { path: "fails:plainly" });
    assert.deepEqual(
      [plainly.status, plainly.body],
      [200, { status: "error", errorMessage: "[Request ID: 1] Server Error", logLines: [] }],
    );
    const { body } = await call("/api/mutation", { path: "fails:withData", format: "json" });
    assert.deepEqual(body["errorData"], { code: "FULL", at: "1" });
  });

  test("serves the official client: values, failures, errors with data, skipped queue", async () => {
    const client = new ConvexHttpClient(face.url, { logger: false });
    const api = anyApi as any;
    await client.mutation(api.cells.write, { name: "c", value: "x" }, { skipQueue: true });
    assert.equal(await client.query(api.cells.read, { name: "c" }), "x");
    const { n, bytes, x } = await client.query(api.values.int);
    assert.deepEqual([n, new Uint8Array(bytes), x], [7n, Uint8Array.from([1]), Number.NaN]);
    assert.deepEqual(await client.action(api.values.echo, { big: 2n ** 60n }), { big: 2n ** 60n });
    await assert.rejects(client.mutation(api.fails.plainly), { message: "[Request ID: 1] Server Error" });
    await assert.rejects(client.mutation(api.fails.withData), (error: unknown) => {
      assert.ok(error instanceof ConvexError);
      assert.deepEqual(error.data, { code: "FULL", at: 1n });
      return true;
    });
    await assert.rejects(client.query(api.nothing.here), /FunctionNotFound/);
    client.setAuth(tokenOf("ada"));
    assert.equal((await client.query(api.who.am)).subject, "ada");
    (client as any).setAdminAuth(ADMIN_KEY, { subject: "eve", issuer: "i" });
    assert.equal((await client.query(api.who.am)).tokenIdentifier, "i|eve");
    assert.equal(await (client as any).function("who:secret", undefined, {}), "for admins");
  });

  test("answers GET /api/query with its arguments in the URL, and no other call by GET", async () => {
    await call("/api/mutation", { path: "cells:write", args: { name: "g", value: true } });
    const query = new URLSearchParams({ path: "cells:read", args: '{"name":"g"}', format: "json" });
    const response = await fetch(`${face.url}/api/query?${query.toString()}`);
    assert.deepEqual(await response.json(), { status: "success", value: true, logLines: [] });
    for (const path of ["/api/mutation", "/api/action", "/api/function", "/api/run/cells/read", "/api/query_at_ts"]) {
      const refused = await fetch(`${face.url}${path}?${query.toString()}`);
      assert.deepEqual([refused.status, await codeOf(refused)], [405, "MethodNotAllowed"], path);
    }
  });

  test("runs any kind under /api/function and /api/run", async () => {
    assert.equal((await call("/api/function", { path: "values:echo", args: { a: 1 } })).body["value"].a, 1);
    assert.equal((await call("/api/run/deep/folder/file/run", { args: {} })).body["value"], "ran");
    const plain = await call("/api/run/values/int", { args: {} }, { "convex-client": "npm-1.48.0" });
    assert.equal(plain.body["value"].n, "7", "plain JSON whoever asks");
    assert.equal((await call("/api/run/values/int", { args: {}, path: "who:am" })).body["value"].n, "7");
  });

  test("lets only admins name a component", async () => {
    const body = { path: "cells:read", args: { name: "x" }, componentPath: "mail/worker" };
    const refused = await call("/api/function", body, { authorization: `Bearer ${tokenOf("ada")}` });
    assert.deepEqual([refused.status, refused.body["code"]], [403, "AdminKeyRequired"]);
    assert.equal((await call("/api/function", body, { authorization: `Convex ${ADMIN_KEY}` })).status, 200);
    assert.equal(runner.calls.at(-1)?.component, "mail/worker");
    await call("/api/function", { ...body, componentPath: "" });
    assert.equal("component" in (runner.calls.at(-1) ?? {}), false);
  });

  test("knows who calls: nobody, the user of a token, an admin", async () => {
    await call("/api/query", { path: "who:am" });
    assert.deepEqual(runner.calls.at(-1)?.caller, NOBODY);
    await call("/api/query", { path: "who:am" }, { authorization: `Bearer ${tokenOf("ada")}` });
    assert.equal(runner.calls.at(-1)?.caller.identity?.["subject"], "ada");
    await call("/api/query", { path: "who:am" }, { authorization: `Convex ${ADMIN_KEY}` });
    assert.equal(runner.calls.at(-1)?.caller.isAdmin, true);
  });

  test("refuses bad calls with a code, before any function runs", async () => {
    const before = runner.calls.length;
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    const cases: readonly [string, unknown, Record<string, string>, number, string][] = [
      ["/api/query", "{", {}, 400, "BadJsonBody"],
      ["/api/query", "", {}, 400, "BadJsonBody"],
      ["/api/query", { args: {} }, {}, 400, "BadJsonBody"],
      ["/api/query", { path: "who:am", args: [1, 2] }, {}, 400, "BadJsonBody"],
      ["/api/query", { path: "who:am" }, { authorization: "Basic x" }, 401, "InvalidAuthHeader"],
      ["/api/query", { path: "who:am" }, bearer("a.b.c"), 401, "InvalidAuthHeader"],
      ["/api/query", { path: "who:am" }, bearer(tokenOf("ada", { exp: 1 })), 401, "InvalidAuthHeader"],
      ["/api/query", { path: "who:am" }, bearer(tokenOf("ada", { iss: "x" })), 401, "NoAuthProvider"],
      ["/api/query", { path: "who:am" }, { authorization: "Convex wrong" }, 401, "BadAdminKey"],
      ["/api/run/%ff/x", {}, {}, 400, "BadFunctionPath"],
      ["/api/nothing", {}, {}, 404, "NotFound"],
    ];
    for (const [path, body, headers, status, code] of cases) {
      const answer = await call(path, body, headers);
      assert.deepEqual([answer.status, answer.body["code"]], [status, code], JSON.stringify([path, body]));
      assert.equal(typeof answer.body["message"], "string");
    }
    assert.equal(runner.calls.length, before);
    for (const path of ["no:such", "cells:write"]) {
      const answer = await call("/api/query", { path });
      assert.deepEqual([answer.status, answer.body["code"]], [404, "FunctionNotFound"]);
    }
    assert.equal((await call("/api/query", { path: "who:secret" })).status, 404, "internal to all but admins");
  });

  test("refuses a body beyond the limit, whether its length is told or not, and tells so", async () => {
    const small = await startHttpFace(createRunner(), { limits: { httpBodyBytes: 1_000 } });
    try {
      const big = JSON.stringify({ path: "values:echo", args: { x: "x".repeat(2_000_000) } });
      const told = await post(`${small.url}/api/action`, big);
      assert.deepEqual([told.status, await codeOf(told)], [413, "RequestTooLarge"]);
      const untold = await fetch(`${small.url}/api/action`, {
        method: "POST",
        body: new Blob([big]).stream(),
        duplex: "half",
      } as RequestInit);
      assert.deepEqual([untold.status, await codeOf(untold)], [413, "RequestTooLarge"]);
      assert.equal((await post(`${small.url}/api/action`, { path: "values:echo", args: {} })).status, 200);
    } finally {
      await small.stop();
    }
  });

  test("tells nothing of a failure that is its own, but its owner", async () => {
    const broken = { ...createRunner(), run: () => Promise.reject(new Error("secret detail")) };
    const other = await startHttpFace(broken);
    try {
      const response = await post(`${other.url}/api/query`, { path: "who:am" });
      assert.equal(response.status, 500);
      assert.doesNotMatch(await response.text(), /secret detail/);
      assert.match(String(other.errors[0]), /secret detail/);
    } finally {
      await other.stop();
    }
  });
});

describe("queries at a timestamp", () => {
  let face: HttpFace;
  before(async () => {
    face = await startHttpFace(createRunner());
  });
  after(() => face.stop());
  const write = (name: string, value: number) =>
    post(`${face.url}/api/mutation`, { path: "cells:write", args: { name, value } });

  test("give what they gave then, and are refused once it has changed", async () => {
    await write("a", 1);
    const { ts } = (await (await post(`${face.url}/api/query_ts`, {})).json()) as { ts: string };
    assert.equal(Buffer.from(ts, "base64").length, 8);
    const at = async (name: string) => {
      const response = await post(`${face.url}/api/query_at_ts`, { path: "cells:read", args: { name }, ts });
      return (await response.json()) as Record<string, unknown>;
    };
    assert.equal((await at("a"))["value"], 1);
    await write("b", 2);
    assert.equal((await at("a"))["value"], 1, "another cell was written");
    await write("a", 3);
    assert.equal((await at("a"))["code"], "TimestampTooOld");
    assert.equal((await at("b"))["code"], "TimestampTooOld");
    assert.equal((await at("c"))["value"], null);
  });

  test("serve consistentQuery of the official client", async () => {
    await write("k", 5);
    const client = new ConvexHttpClient(face.url, { logger: false });
    assert.equal(await client.consistentQuery((anyApi as any).cells.read, { name: "k" }), 5);
    await write("l", 6);
    assert.equal(await client.consistentQuery((anyApi as any).cells.read, { name: "k" }), 5);
  });

  test("are refused for a timestamp to come, and for none", async () => {
    const code = async (ts: unknown) => {
      const response = await post(`${face.url}/api/query_at_ts`, { path: "cells:read", args: { name: "a" }, ts });
      return ((await response.json()) as Record<string, unknown>)["code"];
    };
    assert.equal(await code(Buffer.alloc(8, 0x7f).toString("base64")), "BadTimestamp");
    assert.equal(await code("AA=="), "BadJsonBody");
    assert.equal(await code(undefined), "BadJsonBody");
  });

  test("come several at once, answers in their order and forms", async () => {
    await write("x", 1);
    const queries = [
      { path: "cells:read", args: { name: "x" } },
      { path: "values:int", args: {}, format: "json" },
      { path: "values:int", args: {}, format: "convex_encoded_json" },
    ];
    const response = await post(`${face.url}/api/query_batch`, { queries });
    const { results } = (await response.json()) as { results: any[] };
    assert.deepEqual(
      results.map(({ value }) => value?.n ?? value),
      [1, "7", { $integer: "BwAAAAAAAAA=" }],
    );
  });
});

describe("the door", () => {
  let face: HttpFace;
  let synced: string[];
  before(async () => {
    synced = [];
    face = await startHttpFace(createRunner(), {
      origins: ["https://app.example"],
      hosts: ["switchyard.internal"],
      onSync: (request, socket) => {
        synced.push(request.url ?? "");
        socket.end("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      },
    });
  });
  after(() => face.stop());
  const body = JSON.stringify({ path: "cells:read", args: { name: "a" } });
  const from = (headers: object, method = "POST") =>
    rawRequest(`${face.url}/api/query`, { method, headers, ...(method === "POST" ? { body } : {}) });

  test("refuses a Host that is not ours (DNS rebinding), on every path", async () => {
    for (const path of ["/api/query", "/livez", "/api/storage/x", "/http/x", "/metrics"]) {
      const answer = await rawRequest(face.url + path, { headers: { host: "evil.example:8004" } });
      assert.deepEqual([answer.status, JSON.parse(answer.text).code], [421, "UnknownHost"], path);
    }
    assert.equal((await from({ host: "switchyard.internal" })).status, 200);
    assert.equal((await from({ host: "localhost:1" })).status, 200);
  });

  test("refuses a target that is no path", async () => {
    for (const target of ["http://evil.example/livez", "*", "evil.example:80"]) {
      assert.equal((await rawRequest(face.url, { path: target })).status, 400, target);
    }
    assert.equal((await rawRequest(face.url, { path: "//evil.example/livez" })).status, 404);
  });

  test("lets pages of configured origins call, with and without a preflight", async () => {
    const origin = "https://app.example";
    const headers = { origin, "access-control-request-headers": "authorization, convex-client" };
    const preflight = await from(headers, "OPTIONS");
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers["access-control-allow-origin"], origin);
    assert.equal(preflight.headers["access-control-allow-headers"], "authorization, convex-client");
    assert.match(preflight.headers["access-control-allow-methods"] ?? "", /POST/);
    const answer = await from({ origin });
    assert.deepEqual([answer.status, answer.headers["access-control-allow-origin"]], [200, origin]);
    assert.equal(answer.headers.vary, "Origin");
    const refused = await rawRequest(`${face.url}/api/query`, { method: "POST", headers: { origin }, body: "{" });
    assert.equal(refused.headers["access-control-allow-origin"], origin, "the page may read why");
  });

  test("refuses pages of other origins before anything runs", async () => {
    for (const origin of ["https://evil.example", "null", "http://127.0.0.1:1"]) {
      const answer = await from({ origin });
      assert.deepEqual([answer.status, JSON.parse(answer.text).code], [403, "OriginNotAllowed"]);
      assert.equal(answer.headers["access-control-allow-origin"], undefined);
      assert.equal((await from({ origin }, "OPTIONS")).status, 403);
    }
    assert.equal((await from({ origin: face.url })).status, 200, "its own pages");
  });

  const upgrade = (path: string, headers: object = {}) =>
    rawRequest(face.url + path, { headers: { connection: "Upgrade", upgrade: "websocket", ...headers } });

  test("hands sync sockets on, under any version", async () => {
    assert.equal((await upgrade("/api/1.48.0/sync?x=1")).status, 101);
    assert.equal((await upgrade("/api/sync")).status, 101);
    assert.deepEqual(synced, ["/api/1.48.0/sync?x=1", "/api/sync"]);
  });

  test("refuses sync sockets of other hosts, origins and paths", async () => {
    const before = synced.length;
    const foreign = await upgrade("/api/sync", { origin: "https://evil.example" });
    assert.deepEqual([foreign.status, JSON.parse(foreign.text).code], [403, "OriginNotAllowed"]);
    assert.equal((await upgrade("/api/sync", { host: "evil.example" })).status, 421);
    assert.equal((await upgrade("/api/a/b/sync")).status, 404);
    assert.equal((await upgrade("/livez")).status, 200, "other paths are not upgraded");
    assert.equal(synced.length, before);
  });
});

describe("npx convex", () => {
  test("deploy, dev, env, import and export are refused with one sentence, whoever asks", async () => {
    const face = await startHttpFace(createRunner());
    // The first is what `deploy` of convex 1.48 asks first; of a 403 it prints the message alone.
    const paths = [
      "/api/get_config_hashes",
      "/api/deploy2/start_push",
      "/api/deploy2/evaluate_push",
      "/api/deploy2/evaluate_schema",
      "/api/deploy2/wait_for_schema",
      "/api/deploy2/finish_push",
      "/api/prepare_schema",
      "/api/push_config",
      "/api/get_config",
      "/api/update_environment_variables",
      "/api/v1/get_canonical_urls",
      "/api/import/start_upload",
      "/api/export/request/zip",
    ];
    try {
      for (const path of paths) {
        const response = await post(face.url + path, {}, { authorization: `Convex ${ADMIN_KEY}` });
        const { code, message } = await bodyOf(response);
        assert.deepEqual([response.status, code], [403, "DeployNotSupported"], path);
        assert.match(message, /^The embedded host \(Convex-compatible\) runs the functions of the folder [^.]*\.$/);
      }
    } finally {
      await face.stop();
    }
  });
});

describe("probes", () => {
  test("say what runs, that it lives, whether it serves, and its metrics", async () => {
    const runner = createRunner();
    const face = await startHttpFace(runner, { metrics: () => Promise.resolve("calls_total 1\n") });
    try {
      const probe = async (path: string) => {
        const response = await fetch(face.url + path);
        return [response.status, await response.text(), response.headers.get("content-type")] as const;
      };
      assert.deepEqual((await probe("/version")).slice(0, 2), [200, "embedded"]);
      assert.deepEqual((await probe("/instance_name")).slice(0, 2), [200, "embedded-test"]);
      assert.equal((await probe("/livez"))[0], 200);
      assert.deepEqual(await probe("/metrics"), [200, "calls_total 1\n", "text/plain; version=0.0.4; charset=utf-8"]);
      assert.equal((await probe("/readyz"))[0], 200);
      runner.reason = "the disk is full";
      const [status, text] = await probe("/readyz");
      assert.equal(status, 503);
      assert.match(text, /the disk is full/);
      assert.equal((await probe("/livez"))[0], 200);
    } finally {
      await face.stop();
    }
  });
});

describe("limits", () => {
  test("the 3rd waiting call of 2 is refused, and served again when there is room", async () => {
    const face = await startHttpFace(createRunner(), { limits: { waitingCalls: 2 } });
    gate.open = Promise.withResolvers();
    gate.entered = 0;
    try {
      const slow = () => post(`${face.url}/api/action`, { path: "slow:wait" });
      const waiting = [slow(), slow()];
      await until(() => gate.entered === 2);
      const refused = await slow();
      assert.deepEqual([refused.status, await codeOf(refused)], [503, "TooManyConcurrentRequests"]);
      assert.equal((await fetch(`${face.url}/livez`)).status, 200, "probes are no calls");
      gate.open.resolve();
      for (const response of await Promise.all(waiting)) assert.equal(response.status, 200);
      await Promise.all((await Promise.all(waiting)).map((response) => response.text()));
      assert.equal((await slow()).status, 200);
    } finally {
      gate.open.resolve();
      await face.stop();
    }
  });

  test("calls on the 3rd connection of 2 are refused, its sync sockets too", async () => {
    const face = await startHttpFace(createRunner(), { limits: { connections: 2 } });
    const sockets: Socket[] = [];
    try {
      const { port } = new URL(face.url);
      for (let n = 0; n < 2; n++) {
        const socket = connect(Number(port), "127.0.0.1");
        sockets.push(socket);
        await once(socket, "connect");
      }
      const body = JSON.stringify({ path: "cells:read", args: { name: "a" } });
      const refused = await rawRequest(`${face.url}/api/query`, { method: "POST", body });
      assert.deepEqual([refused.status, JSON.parse(refused.text).code], [503, "TooManyConcurrentRequests"]);
      const headers = { connection: "Upgrade", upgrade: "websocket" };
      assert.equal((await rawRequest(`${face.url}/api/sync`, { headers })).status, 503);
      for (const socket of sockets) socket.destroy();
      await until(() => sockets.every((socket) => socket.closed));
      for (let tries = 0; tries < 100; tries++) {
        if ((await rawRequest(`${face.url}/api/query`, { method: "POST", body })).status === 200) return;
      }
      assert.fail("served again once there is room");
    } finally {
      for (const socket of sockets) socket.destroy();
      await face.stop();
    }
  });
});

describe("closing", () => {
  test("lets a call under way finish, refuses new ones, and says so to probes", async () => {
    const face = await startHttpFace(createRunner());
    const agent = new Agent({ keepAlive: true });
    gate.open = Promise.withResolvers();
    gate.entered = 0;
    const slow = post(`${face.url}/api/action`, { path: "slow:wait" });
    await until(() => gate.entered === 1);
    const stopped = face.stop();
    const probe = () =>
      new Promise<[number, string]>((resolve, reject) => {
        get(`${face.url}/readyz`, { agent }, (response) => {
          response.setEncoding("utf8").once("data", (text: string) => resolve([response.statusCode ?? 0, text]));
        }).on("error", reject);
      });
    const [status, text] = await probe();
    assert.equal(status, 503);
    assert.match(text, /shutting down/);
    const refused = await post(`${face.url}/api/query`, { path: "who:am" });
    assert.deepEqual([refused.status, await codeOf(refused)], [503, "ShuttingDown"]);
    gate.open.resolve();
    assert.equal((await bodyOf(await slow)).value, "done");
    await stopped;
    await assert.rejects(fetch(`${face.url}/livez`), /fetch failed/);
    agent.destroy();
  });

  test("does not wait for a call beyond its time", async () => {
    const face = await startHttpFace(createRunner(), { limits: { closeMs: 20 } });
    gate.open = Promise.withResolvers();
    gate.entered = 0;
    const slow = post(`${face.url}/api/action`, { path: "slow:wait" });
    const lost = assert.rejects(slow, /fetch failed/);
    await until(() => gate.entered === 1);
    await face.stop();
    await lost;
    gate.open.resolve();
  });

  test("sends a large answer to its end", async () => {
    const face = await startHttpFace(createRunner());
    const args = { x: "x".repeat(10_000_000) };
    const response = await post(`${face.url}/api/action`, { path: "values:echo", args });
    const stopped = face.stop();
    assert.equal((await bodyOf(response)).value.x.length, 10_000_000);
    await stopped;
  });

  test("stops listening to commits", async () => {
    let listeners = 0;
    const runner: FunctionRunner = {
      ...createRunner(),
      onCommit: () => {
        listeners += 1;
        return () => void (listeners -= 1);
      },
    };
    const face = await startHttpFace(runner);
    assert.equal(listeners, 1);
    await face.stop();
    assert.equal(listeners, 0);
  });
});
