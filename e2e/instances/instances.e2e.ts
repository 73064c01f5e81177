// Two instances of the candidate service on one host, behind the proxy with `balance: spread`: one session, one board.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import * as Y from "yjs";
import { createBoard } from "../ledger/boardLedger.ts";
import { newSession, socketUrl } from "../ledger/world.ts";
import {
  call,
  createIssuer,
  eventually,
  type Json,
  openSocket,
  type Proxy,
  type Service,
  type Socket,
  startCandidate,
  startControl,
  startProxy,
  startStandIn,
  temporaryDir,
  TEST_SECRET,
  type User,
} from "../support/index.ts";

const TURNS = 12;
const issuer = createIssuer(TEST_SECRET);

interface World {
  readonly proxy: Proxy;
  /** The one that outlives the other; the host is its own. */
  readonly staying: Service;
  readonly leaving: Service;
  stop(): Promise<void>;
}

async function startInstances(): Promise<World> {
  const model = await startStandIn({ STANDIN_CHUNK_MS: "5", STANDIN_DELAY_MS: "20" });
  const dataDir = temporaryDir("instances");
  const options = { modelUrl: `${model.baseUrl}/v1`, dataDir };
  const control = await startControl({ modelUrl: options.modelUrl });
  const staying = await startCandidate(options);
  const leaving = await startCandidate({ ...options, env: { CONVEX_URL: staying.convexUrl } });
  const urls = `urls: [${staying.baseUrl}, ${leaving.baseUrl}], balance: spread`;
  const proxy = await startProxy({
    controlUrl: control.baseUrl,
    candidateUrl: null,
    everyoneOn: "candidate",
    config: (text) => text.replace("url: http://127.0.0.1:8002", urls),
  });
  return {
    proxy,
    staying,
    leaving,
    async stop() {
      for (const service of [proxy, leaving, staying, control, model]) await service.stop();
    },
  };
}

let world: World;
before(async () => {
  world = await startInstances();
});
after(() => world.stop());

const get = async (user: User, path: string) => {
  const headers = { authorization: `Bearer ${user.token}` };
  return call(world.proxy.baseUrl, { method: "GET", path, headers });
};

/** All chat rows of a session, oldest first. */
async function rowsOf(user: User, sessionId: string): Promise<Json[]> {
  const rows: Json[] = [];
  for (;;) {
    const before = rows.length === 0 ? "" : `&before_turn_no=${rows[0]?.turn_no}`;
    const page = (await get(user, `/api/v1/sessions/${sessionId}/messages?limit=100${before}`)).json() as Json[];
    if (page.length === 0) return rows;
    rows.unshift(...page);
  }
}

const tutor = async (user: User, sessionId: string): Promise<Socket> => {
  const socket = await openSocket(socketUrl(world.proxy, `/ws/v2/session/${sessionId}?token=${user.token}`));
  assert.equal((await socket.nextJson()).type, "SESSION_INIT_STATE");
  return socket;
};

/** Handshakes of a surface that an instance has accepted so far. */
const accepted = (instance: Service, surface: string): number =>
  instance.logLines().filter((line) => line.msg === "handshake" && line.surface === surface && line.status === 101)
    .length;

/** Sockets of one session over both instances, two each. */
async function onBoth(open: () => Promise<Socket>, surface: string): Promise<Socket[]> {
  const instances = [world.staying, world.leaving];
  const before = instances.map((one) => accepted(one, surface));
  const sockets = [await open(), await open(), await open(), await open()];
  await eventually(() => {
    for (const [i, one] of instances.entries()) assert.equal(accepted(one, surface) - before[i]!, 2, one.name);
  });
  return sockets;
}

async function say(socket: Socket, id: string): Promise<Json> {
  socket.send({ type: "user_message", data: { text: `tell me about ${id}.` }, client_message_id: id });
  return socket.nextJson(25_000);
}

test("turns that come over both instances at once run one after the other, each answered and stored once", async () => {
  const user = issuer.user();
  const sessionId = await newSession(world.proxy, user);
  const sockets = await onBoth(() => tutor(user, sessionId), "tutor");
  await Promise.all(
    sockets.map(async (socket, s) => {
      for (let i = 0; i < TURNS; i++) {
        const answer = await say(socket, `s${s}-${i}`);
        assert.equal(answer.content_type, "explanation", JSON.stringify(answer));
        assert.ok(answer.data.explanation_text.includes(`s${s}-${i}`), "its own answer");
      }
    }),
  );
  const rows = await rowsOf(user, sessionId);
  assert.deepEqual(
    rows.map((row) => [row.turn_no, row.role]),
    Array.from({ length: rows.length }, (_, i) => [i + 1, i % 2 === 0 ? "user" : "assistant"]),
  );
  assert.equal(rows.length, 2 * TURNS * sockets.length);
  const said = rows.filter((row) => row.role === "user").map((row) => row.text as string);
  assert.equal(new Set(said).size, TURNS * sockets.length);
  await Promise.all(sockets.map((socket) => socket.close()));
});

test("a message id that both instances get at the same time takes effect once", async () => {
  const user = issuer.user();
  const sessionId = await newSession(world.proxy, user);
  const sockets = await onBoth(() => tutor(user, sessionId), "tutor");
  const answers = await Promise.all(sockets.map((socket) => say(socket, "same")));
  for (const answer of answers) assert.deepEqual(answer, answers[0]);
  const rows = (await get(user, `/api/v1/sessions/${sessionId}/messages`)).json() as Json[];
  assert.equal(rows.length, 2);
  await Promise.all(sockets.map((socket) => socket.close()));
});

test("clients of one board over both instances end with the same document", async () => {
  const user = issuer.user();
  const board = await createBoard(world.proxy, user, "b", 4);
  const stop = AbortSignal.timeout(3_000);
  await Promise.all(board.clients.map((client) => client.run(stop, () => 20 + Math.random() * 100)));
  assert.ok(board.updatesSent > 40, `${board.updatesSent} updates`);
  await eventually(() => {
    for (const { doc } of board.clients) assert.equal(doc.getMap("objects").size, board.updatesSent);
  }, 10_000);
  for (const client of board.clients) client.socket.socket.close();
});

test("a session that is deleted over one instance closes its sockets on both", async () => {
  const user = issuer.user();
  const sessionId = await newSession(world.proxy, user);
  const path = `/ws/v2/session/${sessionId}/whiteboard?token=${user.token}`;
  const boards = await onBoth(async () => {
    const socket = await openSocket(socketUrl(world.proxy, path));
    await socket.next();
    return socket;
  }, "whiteboard");
  const tutors = await onBoth(() => tutor(user, sessionId), "tutor");
  const headers = { authorization: `Bearer ${user.token}` };
  const reply = await call(world.proxy.baseUrl, { method: "DELETE", path: `/api/v1/sessions/${sessionId}`, headers });
  assert.equal(reply.status, 204);
  for (const socket of [...boards, ...tutors]) {
    assert.deepEqual(await socket.closed(), { code: 1000, reason: "Session deleted" });
  }
});

test("one instance is killed: what was acknowledged is there, and the clients go on over the other", async () => {
  const user = issuer.user();
  const board = await createBoard(world.proxy, user, "k", 4);
  const tutors = await onBoth(() => tutor(user, board.sessionId), "tutor");
  const acknowledged: string[] = [];
  const stop = new AbortController();
  const talking = tutors.map(async (socket, s) => {
    const gone = once(socket.socket, "close").then(() => null);
    for (let i = 0; !stop.signal.aborted; i++) {
      const answer = await Promise.race([say(socket, `k${s}-${i}`), gone]);
      if (answer === null) return `k${s}-${i}`;
      assert.equal(answer.content_type, "explanation", JSON.stringify(answer));
      acknowledged.push(`k${s}-${i}`);
      await sleep(200);
    }
    return null;
  });
  const drawing = board.clients.map((client) => client.run(stop.signal, () => 20 + Math.random() * 60));
  await eventually(() => assert.ok(acknowledged.length >= 8 && board.updatesSent >= 60), 20_000);

  // The wire has no receipts: an edit is stored a second after its relay at the latest (whiteboard-socket.md §3), and
  // when somebody on the other instance has seen it.
  const early = new Set(board.clients.flatMap(({ doc }) => [...doc.getMap("objects").keys()]));
  await sleep(1_000);
  const seenBy = board.clients.map(({ doc }) => [...doc.getMap("objects").keys()]);
  const before = acknowledged.length;
  world.leaving.signal("SIGKILL");
  await eventually(
    () => assert.equal(board.clients.filter((client) => client.closed?.code === 1012).length, 2),
    20_000,
  );
  // The session that the dead instance held is free again when its lease is over.
  await eventually(
    () => assert.ok(acknowledged.length >= before + 4, `${acknowledged.length} after ${before}`),
    25_000,
  );
  stop.abort();
  const unanswered = await Promise.all(talking);
  assert.equal(unanswered.filter((id) => id !== null).length, 2);
  await Promise.all(drawing);

  const again = await openSocket(
    socketUrl(world.proxy, `/ws/v2/session/${board.sessionId}/whiteboard?token=${user.token}`),
  );
  const doc = new Y.Doc();
  Y.applyUpdate(doc, (await again.next()).data);
  const left = new Set(doc.getMap("objects").keys());
  const survivors = board.clients.flatMap((client, i) => (client.closed === null ? (seenBy[i] ?? []) : []));
  assert.ok(survivors.length > 0);
  assert.deepEqual(
    [...early, ...survivors].filter((id) => !left.has(id)),
    [],
  );

  const socket = await tutor(user, board.sessionId);
  for (const id of unanswered) {
    if (id !== null) assert.equal((await say(socket, id)).content_type, "explanation", id);
  }
  const rows = await rowsOf(user, board.sessionId);
  const said = rows.filter((row) => row.role === "user").map((row) => String(row.text));
  const all = [...acknowledged, ...unanswered.filter((id) => id !== null)];
  assert.deepEqual(said.map((text) => /about (.*)\./.exec(text)?.[1]).sort(), all.sort(), "each said once");
  // The turn that died left its question; its answer came when it was asked again.
  assert.equal(rows.filter((row) => row.role === "assistant").length, said.length);
});
