import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { createServer as createHttpServer } from "node:http";
import { once } from "node:events";
import { test, type TestContext } from "node:test";
import { createManualClock, systemClock } from "../../kernel/index.ts";
import type { Observation } from "../observation.ts";
import { type Copy, COPY_LIMITS, CopyClient, type CopyLimits } from "./copyClient.ts";
import { pairsIn } from "../headerList.ts";
import { copyHeaders } from "./copyHeaders.ts";

const COPY: Copy = { method: "GET", target: "/a?b=1", headers: [], body: null, servedFirstByteMs: 10 };
/** Short, so that a target that does nothing costs a moment. */
const SHORT: CopyLimits = { ...COPY_LIMITS, connectMs: 100, firstByteMs: 150, totalMs: 400 };

async function listen(t: TestContext, server: Server): Promise<string> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** What a raw target does with each connection once a request has come. */
const raw = (t: TestContext, answer: (socket: Socket) => void): Promise<string> =>
  listen(
    t,
    createServer((socket) => void socket.once("data", () => answer(socket))),
  );

function client(t: TestContext, origin: string, limits: CopyLimits = SHORT, clock = systemClock): CopyClient {
  const made = new CopyClient({ origin, arm: "candidate", role: "shadow", clock, limits });
  t.after(() => made.close());
  return made;
}

const told = ({ result, isCut }: Observation): string => {
  if ("error" in result) return result.error;
  return `${result.reply.status} ${Buffer.from(result.reply.body).toString("utf8").slice(0, 20)}${isCut ? " cut" : ""}`;
};

test("a copy goes as it is, its reply is observed as it came", async (t) => {
  const seen: string[] = [];
  const server = createHttpServer((req, res) => {
    seen.push(`${req.method} ${req.url} ${String(req.headers["x-shadow"])} ${String(req.headers["x-request-id"])}`);
    req.on("data", (chunk) => seen.push(String(chunk)));
    req.on("end", () => res.writeHead(201, { "X-Twice": ["1", "2"] }).end("made"));
  });
  const headers = copyHeaders({
    served: ["x-request-id", "r1"],
    bearer: null,
    role: "shadow",
    isTarget: true,
    mayCarryCookies: false,
  });
  const sent = client(t, await listen(t, server), COPY_LIMITS);
  const observed = await sent.send({ ...COPY, method: "POST", headers, body: Buffer.from("body") });
  assert.deepEqual(seen, ["POST /a?b=1 1 r1", "body"]);
  assert.equal(told(observed), "201 made");
  assert.ok("reply" in observed.result);
  // Handed to another thread it takes nothing along but itself.
  assert.equal(observed.result.reply.body.buffer.byteLength, "made".length);
  assert.deepEqual(
    [...pairsIn(observed.result.reply.headers)].filter(([name]) => name === "x-twice"),
    [
      ["x-twice", "1"],
      ["x-twice", "2"],
    ],
  );
  assert.ok(observed.firstByteMs !== null && observed.totalMs >= observed.firstByteMs);
});

const ok = (length: number): string => `HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n`;

/** shadow §17, row 1: what a target may do to its own copy, and what becomes of it. */
const TOXICS: readonly (readonly [name: string, answer: (socket: Socket) => void, told: RegExp])[] = [
  ["black hole", () => {}, /^timeout$/],
  ["reset", (socket) => socket.resetAndDestroy(), /^reset$/],
  ["gone", (socket) => socket.destroy(), /^reset$/],
  ["cut short", (socket) => socket.end(`${ok(10)}12345`), /^(reset|protocol)$/],
  ["no HTTP", (socket) => socket.end("SSH-2.0-OpenSSH_9.2\r\n"), /^protocol$/],
  [
    "a byte a time",
    (socket) => {
      socket.write(ok(1_000));
      const timer = setInterval(() => void socket.write("x"), 20);
      socket.on("close", () => clearInterval(timer));
    },
    /^timeout$/,
  ],
  [
    "endless reply",
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
      const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`;
      const more = (): void => {
        while (!socket.destroyed && socket.write(chunk));
      };
      socket.on("drain", more);
      more();
    },
    /^200 {2}cut$/,
  ],
  [
    "endless headers",
    (socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const timer = setInterval(() => void socket.write(`x-more: ${"x".repeat(4_000)}\r\n`), 1);
      socket.on("close", () => clearInterval(timer));
    },
    /^protocol$/,
  ],
];

for (const [name, answer, expected] of TOXICS) {
  test(`shadow I7: ${name} ends in an observation, and the connection is closed`, async (t) => {
    const closed = Promise.withResolvers<void>();
    const origin = await raw(t, (socket) => {
      socket.on("close", () => closed.resolve());
      answer(socket);
    });
    const observed = await client(t, origin).send(COPY);
    assert.match(told(observed), expected);
    assert.ok("error" in observed.result || observed.result.reply.body.length === 0);
    await closed.promise;
  });
}

test("shadow I4: all replies together have their room: the one that is too much is cut, and the next has it again", async (t) => {
  const waiting: Socket[] = [];
  const origin = await raw(t, (socket) => {
    socket.write(`${ok(60)}${"x".repeat(40)}`);
    waiting.push(socket);
    if (waiting.length === 2) setTimeout(() => void socket.write("x".repeat(20)), 50);
  });
  const own = client(t, origin, { ...SHORT, repliesBytes: 90, totalMs: 300 });
  const first = own.send(COPY);
  while (waiting.length < 1) await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(told(await own.send(COPY)), "200  cut", "40 and 60 bytes");
  assert.equal(told(await first), "timeout");
  const last = own.send(COPY);
  while (waiting.length < 3) await new Promise((resolve) => setTimeout(resolve, 5));
  waiting[2]?.write("x".repeat(20));
  assert.equal(told(await last), `200 ${"x".repeat(20)}`);
});

test("nobody listens: refused", async (t) => {
  const server = createServer();
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  assert.equal(told(await client(t, `http://127.0.0.1:${port}`).send(COPY)), "refused");
});

test("shadow I7: so many at once, the others wait for their place", async (t) => {
  let [open, most] = [0, 0];
  const server = createHttpServer((_, res) => {
    most = Math.max(most, ++open);
    setImmediate(() => {
      open -= 1;
      res.end("ok");
    });
  });
  const sent = client(t, await listen(t, server), { ...COPY_LIMITS, atOnce: 3 });
  const observed = await Promise.all(Array.from({ length: 40 }, () => sent.send(COPY)));
  assert.ok(observed.every((one) => told(one) === "200 ok"));
  assert.ok(most <= 3, `${most} at once`);
  assert.equal(sent.inFlight, 0);
});

test("shadow I7: the time for the first byte grows with what the served arm took", async (t) => {
  const clock = createManualClock();
  const arrived = Promise.withResolvers<Socket>();
  const origin = await raw(t, (socket) => arrived.resolve(socket));
  const pending = client(t, origin, COPY_LIMITS, clock).send({ ...COPY, servedFirstByteMs: 4_000 });
  const socket = await arrived.promise;
  // 1 s to connect, 1.5 × 4 s, and 2 s more.
  clock.advance(8_999);
  socket.write(`${ok(2)}hi`);
  assert.equal(told(await pending), "200 hi");
});

test("what is under way is cut when the shadow stops", async (t) => {
  const arrived = Promise.withResolvers<void>();
  const origin = await raw(t, () => arrived.resolve());
  const sent = client(t, origin, COPY_LIMITS);
  const pending = sent.send(COPY);
  await arrived.promise;
  await sent.close();
  assert.equal(told(await pending), "reset");
});

test("shadow I11, S5: what a copy carries", () => {
  const served = [
    "host",
    "api",
    "authorization",
    "Bearer user",
    "x-refresh-token",
    "user",
    "transfer-encoding",
    "chunked",
    "cookie",
    "a=1",
    "accept",
    "text/html",
    "x-request-id",
    "r1",
    "idempotency-key",
    "k1",
    "x-shadow",
    "1",
    "switchyard-hop",
    "x",
    "content-length",
    "4",
  ];
  const base = { served, bearer: null, role: "shadow", isTarget: true, mayCarryCookies: false } as const;
  const carried = (more: Partial<Parameters<typeof copyHeaders>[0]>) =>
    Object.fromEntries(pairsIn(copyHeaders({ ...base, ...more })));
  const kept = {
    accept: "text/html",
    "x-request-id": "r1",
    "idempotency-key": "k1",
    "accept-encoding": "gzip, br, deflate",
  };
  assert.deepEqual(carried({ bearer: "minted" }), { ...kept, authorization: "Bearer minted", "x-shadow": "1" });
  const user = { authorization: "Bearer user", "x-refresh-token": "user" };
  assert.deepEqual(carried({ isTarget: false }), { ...kept, ...user, "x-shadow": "1" });
  const repeat = { ...kept, ...user, "switchyard-role": "repeat" };
  assert.deepEqual(carried({ role: "repeat", isTarget: false }), repeat);
  const refused = { ...kept, authorization: "Bearer refused", "x-shadow": "1", "switchyard-role": "repeat" };
  assert.deepEqual(carried({ role: "repeat" }), refused, "shadow W4: nothing of the user's goes to a target");
  assert.equal(carried({ mayCarryCookies: true })["cookie"], "a=1");
});
