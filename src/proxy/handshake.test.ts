import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { Socket } from "node:net";
import { after, before, test } from "node:test";
import { WebSocket } from "ws";
import { startRawArm } from "./session/testing/rawArm.ts";
import { startSocketProxy, type SocketProxy } from "./session/testing/socketProxy.ts";
import { handshake, type HandshakeLines, newKey, text, WireClient } from "./session/testing/wire.ts";
import { startWsArm, type WsArm } from "./session/testing/wsArm.ts";
import { NOBODY } from "./testing/proxyFixture.ts";
import { RawClient, type RawReply } from "./testing/rawClient.ts";
import { tokenFor } from "./testing/tokens.ts";
import { until } from "./testing/wait.ts";

const OWN_ORIGIN = "https://app.example.org";
const UNAUTHORIZED = { contentType: "application/json", text: '{"error":"UNAUTHORIZED"}' };
const LIMITS = { upgrade: "600ms", earlyBytes: "64KiB" };

let arm: WsArm;
let proxy: SocketProxy;
before(async () => {
  arm = await startWsArm({
    headers: ["X-Contract-Version: 7", "X-Backend-Arm: legacy", "Set-Cookie: a=b", "Server: x"],
  });
  proxy = await startSocketProxy({
    control: arm.url,
    unauthorizedBody: UNAUTHORIZED,
    limits: LIMITS,
    sections: { cors: { origins: [OWN_ORIGIN, "http://localhost:3000"] } },
  });
});
after(async () => {
  proxy.stop();
  await arm.stop();
});

/** The answer to one handshake; the connection is cut afterwards. */
async function answerTo(path: string, lines: HandshakeLines = {}, port = proxy.port): Promise<RawReply> {
  const client = await WireClient.open(port, path, lines);
  client.end();
  return client.reply;
}

async function untilAllGone(): Promise<void> {
  await until("no leg is left at the arm", () => arm.openLegs === 0);
  await until("no socket is counted", async () => (await proxy.count("sockets")) === 0);
}

test("only a websocket GET reaches the upgrade path", async () => {
  const asked = arm.connections;
  const notSockets: [string, HandshakeLines][] = [
    ["/calls/ws", {}],
    ["/nothing", {}],
    ["/ws/1", { method: "POST" }],
    ["/ws/1", { method: "DELETE" }],
    ["/ws/1", { httpVersion: "1.0" }],
    ["/ws/1/more", {}],
    ["/ws", {}],
    ["/internal/ws", {}],
  ];
  for (const [path, lines] of notSockets) {
    const { status } = await answerTo(path, lines);
    assert.notEqual(status, 101, path);
  }
  const other = await RawClient.connect(proxy.port);
  other.send(handshake("/ws/1").replace("Upgrade: websocket", "Upgrade: h2c"));
  assert.notEqual((await other.reply()).status, 101);
  other.end();
  assert.equal(arm.handshakes.length, 0);
  assert.ok(arm.connections - asked <= notSockets.length + 1);
});

test("an unmatched socket path is 404, whatever the arm would say", async () => {
  const reply = await answerTo("/elsewhere/1");
  assert.deepEqual([reply.status, reply.code], [404, "SY_NOT_FOUND"]);
  assert.equal(arm.handshakes.length, 0);
});

test("refuses malformed handshakes", async () => {
  const rows: [HandshakeLines, number][] = [
    [{ version: "12" }, 426],
    [{ version: "8" }, 426],
    [{ version: "013" }, 426],
    [{ version: "" }, 426],
    [{ version: null }, 426],
    [{ version: "13, 8" }, 426],
    [{ key: null }, 400],
    [{ key: "" }, 400],
    [{ key: "short" }, 400],
    [{ key: Buffer.alloc(15, 1).toString("base64") }, 400],
    [{ key: Buffer.alloc(17, 1).toString("base64") }, 400],
    [{ key: "A".repeat(22) }, 400],
    [{ key: `${"A".repeat(21)}B==` }, 400],
    [{ key: `${newKey().slice(0, 10)} ${newKey().slice(11)}` }, 400],
    [{ extra: [`Sec-WebSocket-Key: ${newKey()}`] }, 400],
    [{ extra: ["Sec-WebSocket-Version: 13"] }, 400],
    [{ extra: ["Content-Length: 3"] }, 400],
    [{ extra: ["Transfer-Encoding: chunked"] }, 400],
    [{ extra: ["Transfer-Encoding: identity"] }, 400],
    [{ extra: ["Host: second"] }, 400],
    [{ origin: OWN_ORIGIN, extra: [`Origin: ${OWN_ORIGIN}`] }, 400],
    [{ extra: [`Authorization: Bearer ${tokenFor("eve")}`] }, 400],
  ];
  for (const [lines, status] of rows) {
    const reply = await answerTo("/ws/1", lines);
    assert.equal(reply.status, status, JSON.stringify(lines));
    if (status === 426) assert.equal(reply.one("sec-websocket-version"), "13");
    assert.equal(reply.one("connection"), "close");
  }
  assert.equal(arm.handshakes.length, 0);
  assert.equal(proxy.lines.filter(({ status }) => status === 101).length, 0);
});

test("a client is upgraded only after its arm", async (t) => {
  const before = arm.handshakes.length;
  await t.test("route before origin before token before the arm", async () => {
    const steps: [string, HandshakeLines, number, string | null][] = [
      ["/nowhere/1", { origin: "https://evil.example", token: "bad" }, 404, "SY_NOT_FOUND"],
      ["/ws/1", { origin: "https://evil.example", token: "bad" }, 403, "SY_ORIGIN_REFUSED"],
      ["/ws/1", { origin: OWN_ORIGIN, token: "bad" }, 401, null],
      ["/ws/1", { origin: OWN_ORIGIN, token: null }, 401, null],
    ];
    for (const [path, lines, status, code] of steps) {
      const reply = await answerTo(path, lines);
      assert.deepEqual([reply.status, reply.code], [status, code]);
    }
    assert.equal(arm.handshakes.length, before, "the arm was not contacted");
    assert.ok((await proxy.count("identityRefused")) >= 1);
  });
  await t.test("the 401 has the application's own body and can be read by a page", async () => {
    const reply = await answerTo("/ws/1", { origin: OWN_ORIGIN, token: "bad" });
    assert.equal(reply.body.toString(), UNAUTHORIZED.text);
    assert.equal(reply.one("content-type"), UNAUTHORIZED.contentType);
    assert.equal(reply.one("access-control-allow-origin"), OWN_ORIGIN);
  });
  await t.test("the arm's 101 comes first", async () => {
    arm.onHandshake = () => {};
    const key = newKey();
    const raw = await RawClient.connect(proxy.port);
    raw.send(handshake("/ws/slow", { key }));
    const asked = await arm.handshake(before);
    assert.equal(raw.received.length, 0, "nothing was promised before the arm answered");
    assert.equal(await proxy.count("sockets"), 0);
    asked.accept();
    const reply = await raw.reply();
    assert.equal(reply.status, 101);
    const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
    assert.equal(reply.one("sec-websocket-accept"), accept);
    raw.end();
  });
  arm.onHandshake = (one) => one.accept();
  await untilAllGone();
});

test("a refusal of the arm is passed on with its status, type and body", async () => {
  for (const [status, type, body] of [
    [403, "application/json", '{"error":"FORBIDDEN"}'],
    [404, "text/plain", ""],
    [429, "application/problem+json", "{}"],
    [503, "text/html", "<p>later</p>"],
  ] as const) {
    arm.onHandshake = (one) => one.refuse(status, type, body, "Set-Cookie: a=b\r\nX-Backend-Arm: legacy\r\n");
    const reply = await answerTo("/ws/1", { origin: OWN_ORIGIN });
    assert.deepEqual([reply.status, reply.one("content-type"), reply.body.toString()], [status, type, body]);
    assert.equal(reply.one("access-control-allow-origin"), OWN_ORIGIN);
    assert.deepEqual([reply.one("set-cookie"), reply.one("x-backend-arm")], [null, null]);
  }
  arm.onHandshake = (one) => one.accept();
  await untilAllGone();
});

test("an arm that answers the handshake with a success, a redirect or a protocol nobody asked for is 502", async () => {
  const replies = [
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    `HTTP/1.1 302 Found\r\nLocation: ${NOBODY}/ws\r\nContent-Length: 0\r\n\r\n`,
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: wrong\r\n\r\n",
    "garbage\r\n\r\n",
    "",
  ];
  for (const bytes of replies) {
    arm.onHandshake = ({ socket }) => void socket.end(bytes);
    const reply = await answerTo("/ws/1");
    assert.deepEqual([reply.status, reply.code], [502, "SY_UPSTREAM_RESET"], bytes.slice(0, 30));
  }
  for (const extra of ["Sec-WebSocket-Protocol: chat", "Sec-WebSocket-Extensions: permessage-deflate"]) {
    const odd = await startWsArm({ headers: [extra] });
    const own = await startSocketProxy({ control: odd.url });
    assert.equal((await answerTo("/ws/1", {}, own.port)).status, 502, extra);
    own.stop();
    await odd.stop();
  }
  arm.onHandshake = (one) => one.accept();
  await untilAllGone();
});

test("an arm that does not answer is 504 in time, also when it answers a byte now and then", async (t) => {
  t.after(() => {
    arm.onHandshake = (one) => one.accept();
  });
  arm.onHandshake = () => {};
  const silent = await answerTo("/ws/1");
  assert.deepEqual([silent.status, silent.code], [504, "SY_UPSTREAM_TIMEOUT"]);

  arm.onHandshake = ({ socket }) => {
    let at = 0;
    const bytes = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
    const drip = setInterval(() => void socket.write(bytes[at++ % bytes.length] as string), 50);
    socket.once("close", () => clearInterval(drip));
  };
  const dripping = await answerTo("/ws/1");
  assert.deepEqual([dripping.status, dripping.code], [504, "SY_UPSTREAM_TIMEOUT"]);

  arm.onHandshake = ({ socket }) => void socket.write("HTTP/1.1 403 No\r\nContent-Length: 10\r\n\r\nhalf");
  const half = await answerTo("/ws/1");
  assert.deepEqual([half.status, half.body.length], [403, 0], "the status stands, half a body explains nothing");
  assert.equal(await proxy.count("socketHandshakes", { outcome: "timeout" }), 2);
  await untilAllGone();
});

test("an arm that is down is 502, and the next instance is tried before that", async (t) => {
  const down = await startSocketProxy({ control: NOBODY });
  t.after(() => down.stop());
  const reply = await answerTo("/ws/1", {}, down.port);
  assert.deepEqual([reply.status, reply.code], [502, "SY_UPSTREAM_REFUSED"]);
  assert.equal(await down.count("upstreamRetries"), 0);

  const half = await startSocketProxy({ control: [NOBODY, arm.url, "http://127.0.0.1:2"] });
  t.after(() => half.stop());
  for (let i = 0; i < 8; i++) {
    assert.equal((await answerTo("/ws/1", { token: tokenFor(`student-${i}`) }, half.port)).status, 101);
  }
  await until("all legs are gone", () => arm.openLegs === 0);
});

test("a refusing instance is an answer: no other instance and no other arm is asked", async (t) => {
  const other = await startWsArm();
  const candidate = await startWsArm();
  const both = await startSocketProxy({ control: [arm.url, other.url], candidate: candidate.url });
  t.after(async () => {
    arm.onHandshake = (one) => one.accept();
    both.stop();
    await Promise.all([other.stop(), candidate.stop()]);
  });
  arm.onHandshake = (one) => one.refuse(403, "text/plain", "no");
  other.onHandshake = (one) => one.refuse(403, "text/plain", "no");
  const [first, second] = [arm.handshakes.length, other.handshakes.length];
  assert.equal((await answerTo("/ws/1", {}, both.port)).status, 403);
  assert.equal(arm.handshakes.length - first + other.handshakes.length - second, 1);
  assert.equal(candidate.connections, 0);
});

test("nothing is smuggled behind a refused upgrade", async (t) => {
  t.after(() => {
    arm.onHandshake = (one) => one.accept();
  });
  const second = "GET /calls/secret HTTP/1.1\r\nHost: proxy.test\r\n\r\n";
  await t.test("refused by us", async () => {
    for (const lines of [{ token: "bad" }, { version: "8" }, { origin: "https://evil.example" }] as HandshakeLines[]) {
      const asked = arm.connections;
      const client = await WireClient.open(proxy.port, "/ws/1", lines, Buffer.from(second));
      const rest = await client.raw.rest();
      assert.equal(rest, "", "one answer, then the end");
      assert.equal(arm.connections, asked);
    }
  });
  await t.test("refused by the arm", async () => {
    arm.onHandshake = (one) => one.refuse(403, "text/plain", "no");
    const client = await WireClient.open(proxy.port, "/ws/1", {}, Buffer.from(second));
    assert.equal(client.reply.status, 403);
    assert.equal(await client.raw.rest(), "");
    arm.onHandshake = ({ socket }) =>
      void socket.end(
        `HTTP/1.1 403 No\r\nContent-Length: 2\r\n\r\nnoHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`,
      );
    const poisoned = await WireClient.open(proxy.port, "/ws/1");
    assert.equal(poisoned.reply.body.toString(), "no");
    assert.equal(await poisoned.raw.rest(), "");
  });
  await t.test("too much in one piece with the head", async () => {
    const asked = arm.handshakes.length;
    const client = await WireClient.open(proxy.port, "/ws/1", {}, Buffer.alloc(300 * 1024));
    assert.equal(client.reply.status === 400 || client.reply.status === 403, true);
    client.end();
    assert.ok(arm.handshakes.length - asked <= 1);
  });
});

test("bytes that come before both sides said 101 are kept, in order, and more than the limit waits", async (t) => {
  t.after(() => {
    arm.onHandshake = (one) => one.accept();
  });
  arm.onHandshake = () => {};
  const seen = arm.sockets.length;
  const raw = await RawClient.connect(proxy.port);
  t.after(() => raw.end());
  const asked = arm.handshakes.length;
  raw.send(Buffer.concat([Buffer.from(handshake("/ws/early")), text("first")]));
  const waiting = await arm.handshake(asked);
  raw.send(text("second"));
  const large = "x".repeat(60_000);
  for (let i = 0; i < 12; i++) raw.send(text(`${i}${large}`));
  assert.equal(waiting.isClosed, false);
  waiting.accept();
  assert.equal((await raw.reply()).status, 101);
  const socket = await arm.socket(seen);
  await until("all fourteen messages", () => socket.messages.length === 14);
  const heads = socket.messages.map(({ data }) => data.toString().slice(0, 6).replaceAll("x", ""));
  assert.deepEqual(heads, ["first", "second", ...Array.from({ length: 12 }, (_, i) => String(i))]);
  raw.end();
  await untilAllGone();
});

test("frames that the arm sends in one piece with its 101 reach the client", async () => {
  const eager = await startRawArm(Buffer.concat([text("one", { mask: null }), text("two", { mask: null })]));
  const own = await startSocketProxy({ control: eager.url });
  const client = await WireClient.open(own.port, "/ws/1");
  await client.sees("two messages", () => client.messages.length === 2);
  assert.deepEqual(
    client.messages.map(({ payload }) => payload.toString()),
    ["one", "two"],
  );
  client.end();
  own.stop();
  await eager.stop();
});

test("no header crosses an upgrade unseen", async () => {
  const at = arm.handshakes.length;
  const client = await WireClient.open(proxy.port, "/ws/1?stream=1&events=1", {
    origin: OWN_ORIGIN,
    extra: [
      "User-Agent: a-browser/1",
      "X-Request-Id: request-7",
      "Cookie: session=secret",
      "X-Forwarded-For: 6.6.6.6",
      "Forwarded: for=6.6.6.6",
      "X-Real-IP: 6.6.6.6",
      "X-Shadow: 1",
      "X-Service-Token: t",
      "X-Fault: slow",
      "X-Backend-Arm: candidate",
      "Switchyard-Arm: candidate",
      "X-Anything: else",
      "Accept-Language: de",
      "Sec-WebSocket-Protocol: chat",
      "Sec-WebSocket-Extensions: permessage-deflate",
      "Sec-WebSocket-Anything: x",
    ],
  });
  assert.equal(client.reply.status, 101);
  const { rawHeaders, headers, url } = await arm.handshake(at);
  assert.equal(url, "/ws/1?stream=1&events=1");
  const names = rawHeaders.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase());
  assert.deepEqual(names.sort(), [
    "authorization",
    "connection",
    "host",
    "sec-websocket-key",
    "sec-websocket-version",
    "upgrade",
    "user-agent",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-request-id",
  ]);
  assert.deepEqual(
    [headers["user-agent"], headers["x-request-id"], headers["x-forwarded-for"], headers["x-forwarded-host"]],
    ["a-browser/1", "request-7", "127.0.0.1", "proxy.test"],
  );
  assert.equal(headers.host, new URL(arm.url).host);
  const back = client.reply.headers.map(([name]) => name.toLowerCase()).sort();
  assert.deepEqual(back, ["connection", "sec-websocket-accept", "upgrade", "x-contract-version", "x-request-id"]);
  assert.deepEqual([client.reply.one("x-contract-version"), client.reply.one("x-request-id")], ["7", "request-7"]);
  client.end();
  await untilAllGone();
});

test("the fault header passes only where the configuration allows it, and so does the arm's name", async (t) => {
  const open = await startSocketProxy({
    control: arm.url,
    sections: { headers: { allowFault: true, exposeArm: true } },
  });
  t.after(() => open.stop());
  const at = arm.handshakes.length;
  const reply = await answerTo("/ws/1", { extra: ["X-Fault: slow"] }, open.port);
  assert.equal(reply.one("x-backend-arm"), "legacy");
  assert.equal((await arm.handshake(at)).headers["x-fault"], "slow");
  await until("all legs are gone", () => arm.openLegs === 0);
});

test("negotiates no compression", async () => {
  for (const offer of [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits; server_no_context_takeover",
    "permessage-deflate; server_max_window_bits=8, x-webkit-deflate-frame",
    "permessage-bzip2",
  ]) {
    const at = arm.handshakes.length;
    const extra = [`Sec-WebSocket-Extensions: ${offer}`, "Sec-WebSocket-Protocol: chat, superchat"];
    const client = await WireClient.open(proxy.port, "/ws/1", { extra });
    assert.equal(client.reply.status, 101, offer);
    assert.equal(client.reply.one("sec-websocket-extensions"), null);
    assert.equal(client.reply.one("sec-websocket-protocol"), null);
    const { headers } = await arm.handshake(at);
    assert.equal(headers["sec-websocket-extensions"], undefined);
    assert.equal(headers["sec-websocket-protocol"], undefined);
    client.send(text("compressed?", { rsv: 4 }));
    assert.deepEqual((await client.closed())?.code, 1002, "a compressed frame is an error");
    client.end();
  }
  await untilAllGone();
});

test("the query token ends at the proxy", async () => {
  const good = tokenFor("ada");
  const rows: [string, HandshakeLines, string, string][] = [
    [`?token=${good}`, { token: null }, good, "/ws/1"],
    [`?stream=1&token=${good}&events=1`, { token: null }, good, "/ws/1?stream=1&events=1"],
    [`?token=bad&token=${good}`, { token: null }, good, "/ws/1"],
    [`?token=bad`, { token: good }, good, "/ws/1"],
    [`?token=${encodeURIComponent(good)}&mytoken=1`, { token: null }, good, "/ws/1?mytoken=1"],
  ];
  for (const [query, lines, token, url] of rows) {
    const at = arm.handshakes.length;
    assert.equal((await answerTo(`/ws/1${query}`, lines)).status, 101, query);
    const asked = await arm.handshake(at);
    assert.deepEqual([asked.url, asked.headers.authorization], [url, `Bearer ${token}`]);
  }
  const at = arm.handshakes.length;
  for (const [query, lines] of [
    [`?token=${good}&token=bad`, { token: null }],
    [`?token=${good}`, { token: "bad" }],
    [`?token=${good}`, { token: null, extra: ["Authorization: Basic YTpi"] }],
    [`?Token=${good}`, { token: null }],
    [`?token=`, { token: null }],
  ] as [string, HandshakeLines][]) {
    assert.equal((await answerTo(`/ws/1${query}`, lines)).status, 401, query);
  }
  assert.equal(arm.handshakes.length, at);
  await untilAllGone();
});

test("20 hostile origins, 0 sockets", async () => {
  const hostile = [
    "https://evil.example",
    "null",
    "NULL",
    "https://app.example.org.evil.example",
    "https://evilapp.example.org",
    "https://app.example.org@evil.example",
    "https://evil.example/https://app.example.org",
    "https://app.example.org/",
    "https://app.example.org.",
    "https://APP.example.org",
    "HTTPS://app.example.org",
    "http://app.example.org",
    "https://app.example.org:443",
    "https://app.example.org:8443",
    "http://localhost",
    "http://localhost:30000",
    "http://127.0.0.1:3000",
    "https://app.example.org, https://evil.example",
    "https://app%2eexample.org",
    "file://",
    "chrome-extension://app.example.org",
    "https://sub.app.example.org",
  ];
  const at = arm.handshakes.length;
  for (const origin of hostile) {
    const cookie = { origin, extra: ["Cookie: token=anything; session=1"] };
    const reply = await answerTo("/ws/1", cookie);
    assert.deepEqual([reply.status, reply.code], [403, "SY_ORIGIN_REFUSED"], origin);
    assert.equal(reply.one("access-control-allow-origin"), null);
  }
  assert.equal(arm.handshakes.length, at);
  for (const origin of [OWN_ORIGIN, "http://localhost:3000", null]) {
    assert.equal((await answerTo("/ws/1", { origin })).status, 101, String(origin));
  }
  assert.equal(
    (await answerTo("/ws/1", { token: null, extra: ["Cookie: token=x"] })).status,
    401,
    "no cookie opens a socket",
  );
  await untilAllGone();
});

test("a client that leaves while the arm thinks takes its leg along, and nothing is counted against the arm", async (t) => {
  t.after(() => {
    arm.onHandshake = (one) => one.accept();
  });
  arm.onHandshake = () => {};
  const refusedBefore = await proxy.count("refused");
  const leave: Record<string, (socket: Socket) => void> = {
    reset: (socket) => void socket.resetAndDestroy(),
    end: (socket) => void socket.end(),
    destroy: (socket) => void socket.destroy(),
  };
  for (const [how, go] of Object.entries(leave)) {
    const aborted = await proxy.count("socketHandshakes", { outcome: "aborted" });
    const at = arm.handshakes.length;
    const raw = await RawClient.connect(proxy.port);
    raw.send(handshake("/ws/1", { token: tokenFor(`leaver-${how}`) }));
    const asked = await arm.handshake(at);
    go(raw.socket);
    await until(`the leg ends after ${how}`, () => asked.isClosed, 400);
    await until("it is counted once", async () => {
      return (await proxy.count("socketHandshakes", { outcome: "aborted" })) === aborted + 1;
    });
  }
  assert.equal(await proxy.count("refused"), refusedBefore);
  assert.equal(proxy.lines.at(-1)?.outcome, "aborted");
  await untilAllGone();
});

test("a client that leaves between the arm's 101 and ours leaves no leg behind", async (t) => {
  t.after(() => {
    arm.onHandshake = (one) => one.accept();
  });
  for (let i = 0; i < 20; i++) {
    const raw = await RawClient.connect(proxy.port);
    arm.onHandshake = (one) => {
      if (i % 2 === 0) raw.socket.end();
      else raw.socket.resetAndDestroy();
      one.accept();
    };
    const at = arm.handshakes.length;
    raw.send(handshake("/ws/1"));
    const asked = await arm.handshake(at);
    await until("the leg ends", () => asked.isClosed);
    raw.end();
  }
  await untilAllGone();
  await until("no slot is held", () => proxy.proxy.socketsOf("ada").length === 0);
});

test("each arm gets its own spelling of the path", async (t) => {
  const candidate = await startWsArm();
  const own = await startSocketProxy({ control: arm.url, candidate: candidate.url, pins: { bob: "candidate" } });
  t.after(async () => {
    own.stop();
    await candidate.stop();
  });
  const at = arm.handshakes.length;
  await answerTo("/moved/a%41%7e?x=%2F", {}, own.port);
  await answerTo("/moved/b", { token: tokenFor("bob") }, own.port);
  assert.equal((await arm.handshake(at)).url, "/old/aA~?x=%2F");
  assert.equal((await candidate.handshake(0)).url, "/new/b");
  await until("all legs are gone", () => arm.openLegs + candidate.openLegs === 0);
});

test("a real client of the ws library connects, speaks and closes through the proxy", async () => {
  const client = new WebSocket(`ws://127.0.0.1:${proxy.port}/ws/1?token=${tokenFor("ada")}`, ["chat"].slice(1), {
    origin: OWN_ORIGIN,
  });
  await once(client, "open");
  client.send("hello");
  const [data] = (await once(client, "message")) as [Buffer];
  assert.equal(data.toString(), "hello");
  client.close(1000, "bye");
  const [code, reason] = (await once(client, "close")) as [number, Buffer];
  assert.deepEqual([code, reason.toString()], [1000, "bye"]);
  const socket = arm.sockets.at(-1);
  await until("the arm saw the same close", () => socket?.close?.code === 1000 && socket.close.reason === "bye");
  await untilAllGone();
});
