import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { after, before, test } from "node:test";
import { startStandIn, type StandIn } from "./httpServer.ts";
import { readSettings } from "./settings.ts";
import { chatBody, executorMessages, kindMessages } from "./testSupport.ts";

const lines: Readonly<Record<string, unknown>>[] = [];
const ENV = { PORT: "0", STANDIN_CHUNK_MS: "0", STANDIN_DELAY_MS: "0", ALLOW_FAULT_HEADERS: "1" };
let standIn: StandIn;
let base: string;

before(async () => {
  standIn = await startStandIn(readSettings(ENV), (line) => lines.push(line));
  base = `http://127.0.0.1:${standIn.port}`;
});
after(() => standIn.stop());

const post = (path: string, body: string, headers: Record<string, string> = { authorization: "Bearer x" }) =>
  fetch(`${base}${path}`, { method: "POST", body, headers });
const switchFaults = (text: string) => fetch(`${base}/faults`, { method: "PUT", body: text });

test("usage is only streamed when asked for, and [DONE] ends every stream", async () => {
  const body = JSON.stringify({ ...chatBody(executorMessages("Hi")), stream: true });
  const response = await post("/v1/chat/completions", body);
  const events = (await response.text()).trim().split("\n\n");
  assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
  assert.equal(events.at(-1), "data: [DONE]");
  assert.ok(events.every((event) => event.startsWith("data: ") && !event.includes("usage")));
});

test("!cut on a plain reply breaks off after the headers", async () => {
  const response = await post("/v1/chat/completions", JSON.stringify(chatBody(executorMessages("!cut"))));
  assert.equal(response.status, 200);
  await assert.rejects(response.text());
});

test("a client that leaves ends its wait: the server stops at once afterwards", async () => {
  const own = await startStandIn(readSettings(ENV), () => undefined);
  const controller = new AbortController();
  const body = JSON.stringify(chatBody(executorMessages("!slow=60000")));
  const pending = fetch(`http://127.0.0.1:${own.port}/v1/chat/completions`, {
    method: "POST",
    body,
    headers: { authorization: "Bearer x" },
    signal: controller.signal,
  });
  setImmediate(() => controller.abort());
  await assert.rejects(pending);
  const start = performance.now();
  await own.stop();
  assert.ok(performance.now() - start < 5_000);
});

test("stopping lets a running stream finish", async () => {
  const own = await startStandIn(readSettings({ ...ENV, STANDIN_CHUNK_MS: "10" }), () => undefined);
  const response = await fetch(`http://127.0.0.1:${own.port}/v1/chat/completions`, {
    method: "POST",
    body: JSON.stringify({ ...chatBody(executorMessages("Hi")), stream: true }),
    headers: { authorization: "Bearer x" },
  });
  const [text] = await Promise.all([response.text(), own.stop()]);
  assert.ok(text.endsWith("data: [DONE]\n\n"));
  await assert.rejects(fetch(`http://127.0.0.1:${own.port}/healthz`));
});

test("any non-empty bearer is let in, none is not; health asks for nothing", async () => {
  const body = JSON.stringify(chatBody(executorMessages("Hi")));
  assert.equal((await post("/v1/chat/completions", body, {})).status, 401);
  assert.equal((await post("/v1/chat/completions", body, { authorization: "Bearer " })).status, 401);
  assert.equal((await post("/v1/chat/completions", body, { authorization: "bearer a" })).status, 200);
  assert.deepEqual(await (await fetch(`${base}/healthz`)).json(), { status: "ok" });
});

test("wrong paths, methods and bodies are refused in the API's shape", async () => {
  const statuses = await Promise.all([
    post("/v1/completions", "{}"),
    post("/v1/constructor", "{}"),
    fetch(`${base}/v1/embeddings`, { headers: { authorization: "Bearer x" } }),
    post("/v1/chat/completions", "{"),
    post("/v1/embeddings", '{"model":"m","input":7}'),
  ]);
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [404, 404, 405, 400, 400],
  );
  assert.equal(statuses[2]?.headers.get("allow"), "POST");
  for (const response of statuses) {
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    assert.deepEqual(Object.keys(error), ["message", "type", "param", "code"]);
  }
});

test("a body above the limit is refused without reading on", async () => {
  const outcome = await post("/v1/chat/completions", "x".repeat(9 * 1_048_576)).then(
    ({ status }) => status,
    () => "reset",
  );
  assert.ok(outcome === 413 || outcome === "reset", String(outcome));
});

test("a wrong switch changes nothing", async () => {
  assert.equal((await switchFaults("nonsense")).status, 400);
  assert.equal(await (await fetch(`${base}/faults`)).text(), "");
});

test("without permission there is no switch", async () => {
  const own = await startStandIn(readSettings({ PORT: "0" }), () => undefined);
  const response = await fetch(`http://127.0.0.1:${own.port}/faults`, { method: "PUT", body: "m429" });
  assert.equal(response.status, 404);
  await own.stop();
});

test("the request id is echoed and logged; texts and tokens never are", async () => {
  const body = JSON.stringify(chatBody(kindMessages("chat/1", "a secret sentence")));
  const headers = { authorization: "Bearer secret-token", "x-request-id": "r-77" };
  const response = await post("/v1/chat/completions", body, headers);
  assert.equal(response.headers.get("x-request-id"), "r-77");
  await response.text();
  const line = lines.find(({ requestId }) => requestId === "r-77");
  assert.deepEqual([line?.["route"], line?.["status"], line?.["kind"]], ["/v1/chat/completions", 200, "chat/1"]);
  assert.ok(!JSON.stringify(lines).includes("secret"));
});

test("a port in use is the system's own error", async () => {
  const blocker = createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const { port } = blocker.address() as { port: number };
  await assert.rejects(
    startStandIn(readSettings({ PORT: String(port) }), () => undefined),
    { code: "EADDRINUSE" },
  );
  blocker.close();
});
