// What a shadow target gets to see, and what never (shadow §3, I11, W1–W4, §17 row 7). Everything around the proxy is a recorder.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import jwt from "jsonwebtoken";
import {
  call,
  createIssuer,
  eventually,
  openSocket,
  readClaims,
  REPOSITORY,
  stopAll,
  TEST_SECRET,
} from "../support/index.ts";
import { type Recorded, type Recorder, startRecorder } from "../shadow-integrity/support/recorder.ts";
import {
  booksOf,
  settledBooks,
  SHADOW_SECRET,
  type ShadowProxy,
  startShadowProxy,
} from "../shadow-integrity/support/world.ts";

const SUBJECT = "11111111-2222-4333-8444-555555555555";
const TOKEN = createIssuer(TEST_SECRET).token(SUBJECT, "ann@example.test");
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/** Of the user; none of it may reach a target. */
const SECRETS = {
  cookie: "session=cookie-of-the-user",
  "x-refresh-token": "refresh-token-of-the-user",
  "x-api-key": "api-key-of-the-user",
};
const SECRET_WORDS = [TOKEN, "cookie-of-the-user", "refresh-token-of-the-user", "api-key-of-the-user"];
/** Clients that would speak for the mirror, or get writes past it. */
const FORGED: readonly Readonly<Record<string, string>>[] = [
  {},
  { "X-Shadow": "1" },
  { "x-shadow": "forged", "Switchyard-Role": "forged-role", "Switchyard-Hop": "forged-hop" },
  { "Switchyard-Arm": "forged-arm", "X-Backend-Arm": "forged-arm", "X-HTTP-Method-Override": "GET" },
  { Connection: "X-Shadow, keep-alive", "X-Shadow": "1", "X-Method-Override": "GET" },
];

interface World {
  readonly proxy: ShadowProxy;
  readonly arms: readonly Recorder[];
  readonly targets: readonly Recorder[];
}

async function startWorld(t: TestContext, config: string): Promise<World> {
  const recorders: Recorder[] = [];
  for (const guard of ["serving", "serving", "target", "target"] as const) recorders.push(await startRecorder(guard));
  const [control, candidate, shadowControl, shadowCandidate] = recorders as [Recorder, Recorder, Recorder, Recorder];
  const stop = (): Promise<unknown> => Promise.all(recorders.map((one) => one.stop()));
  const proxy = await startShadowProxy({
    arms: { control: control.url, candidate: candidate.url },
    targets: { control: shadowControl.url, candidate: shadowCandidate.url },
    config,
  }).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  t.after(() => stopAll([proxy, ...recorders]));
  return { proxy, arms: [control, candidate], targets: [shadowControl, shadowCandidate] };
}

const shipped = (file: string): string =>
  readFileSync(join(REPOSITORY, file), "utf8")
    .replace(/^shadow:[^]*$/m, "")
    .replace(/^continuity:.*$/m, "");

/** What somebody writes who wants a shadow and says nothing else. */
const PLAINLY = `
shadow:
  sample: 100%
  targets:
    control: { url: http://127.0.0.1:8011, jwtSecretEnv: SHADOW_JWT_SECRET }
    candidate: { url: http://127.0.0.1:8012, jwtSecretEnv: SHADOW_JWT_SECRET }
`;

async function callAll(proxy: ShadowProxy, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    for (const [at, forged] of FORGED.entries()) {
      await Promise.all(
        METHODS.map((method) => {
          const body = method === "POST" || method === "PUT" || method === "PATCH" ? '{"title":"t"}' : undefined;
          const type = body === undefined ? {} : { "Content-Type": "application/json" };
          const key = at % 2 === 0 ? {} : { "Idempotency-Key": `key-${method}-${at}` };
          const headers = { Authorization: `Bearer ${TOKEN}`, ...SECRETS, ...type, ...key, ...forged };
          return call(proxy.baseUrl, { method, path, headers, body });
        }),
      );
    }
  }
}

async function openAll(proxy: ShadowProxy, paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    for (const forged of FORGED) {
      const { Connection: _, ...own } = forged;
      const url = `${proxy.baseUrl.replace("http", "ws")}${path}?token=${TOKEN}`;
      const socket = await openSocket(url, { headers: { ...SECRETS, ...own } });
      socket.socket.send('{"type":"say","id":"1","text":"hello"}');
      await socket.next();
      await socket.close();
    }
  }
}

/** The questions by which start-up tells guards (shadow W2): nobody's, and for what no route has. */
const isProbe = ({ url, headers }: Recorded): boolean =>
  url.startsWith("/switchyard-guard-") && headers.authorization === undefined;

function armsSawNoMark({ arms }: World): void {
  const seen = arms.flatMap((arm) => arm.seen).filter((one) => !isProbe(one));
  assert.ok(seen.length > 0);
  for (const { method, url, headers, text } of seen) {
    assert.equal(headers["x-shadow"], undefined, `${method} ${url}`);
    assert.doesNotMatch(text, /forged/i);
  }
}

function copiesAreMarked(copies: readonly Recorded[]): void {
  for (const { method, url, headers, text } of copies) {
    assert.equal(headers["x-shadow"], "1", `${method} ${url}`);
    assert.doesNotMatch(text, /forged/i, `${method} ${url}`);
    assert.equal(headers.cookie, undefined, `${method} ${url}`);
    for (const word of SECRET_WORDS) assert.ok(!text.includes(word), `${method} ${url} carries ${word}`);
  }
}

function credentialsAreMinted(copies: readonly Recorded[]): void {
  const { email } = readClaims(TOKEN);
  for (const { method, url, headers } of copies) {
    const claims = jwt.verify(headers.authorization?.replace("Bearer ", "") ?? "", SHADOW_SECRET, {
      algorithms: ["HS256"],
      audience: "switchyard-shadow",
    }) as jwt.JwtPayload;
    assert.deepEqual([claims.sub, claims["email"]], [SUBJECT, email], `${method} ${url}`);
    assert.ok((claims.exp ?? 0) - (claims.iat ?? 0) <= 60);
  }
}

const copiesOf = ({ targets }: World): readonly Recorded[] =>
  targets.flatMap((target) => target.seen).filter((one) => !isProbe(one));

/** Nothing is under way any more: whatever could come has come. */
async function settled({ proxy }: World): Promise<void> {
  const books = await settledBooks(proxy);
  assert.deepEqual([books.gap, books.offered], [0, books.sampled + books.unsafe]);
  assert.ok(books.unsafe > 0 || books.compared > 0);
}

const NOTES = ["/notes", "/notes/1", "/notes?limit=1"];
const LESSON = "/api/v1/sessions/00000000-0000-4000-9000-000000000001";
const PLATFORM = [
  "/api/v1/sessions",
  LESSON,
  `${LESSON}/messages`,
  `${LESSON}/plan`,
  `${LESSON}/unknown`,
  "/api/v1/folders/",
  "/api/v1/chat",
  "/conversations/send_message",
  "/api/auth/login",
  "/api/auth/register",
  "/api/auth/refresh",
  "/api/auth/logout",
  "/api/auth/me",
];
const PLATFORM_SOCKETS = [
  "/ws/v2/session/00000000-0000-4000-9000-000000000001",
  "/ws/v2/session/00000000-0000-4000-9000-000000000001/whiteboard",
  "/api/ws",
];

for (const { name, file, paths, sockets } of [
  { name: "a plain service", file: "examples/notes/switchyard.config.yaml", paths: NOTES, sockets: ["/echo"] },
  { name: "the platform", file: "switchyard.config.yaml", paths: PLATFORM, sockets: PLATFORM_SOCKETS },
]) {
  test(`${name} without modes: targets see reads only, whatever clients say`, async (t) => {
    const world = await startWorld(t, shipped(file) + PLAINLY);
    await callAll(world.proxy, paths);
    await openAll(world.proxy, sockets);
    await settled(world);
    const copies = copiesOf(world);
    assert.ok(copies.length > 0, "no read was mirrored");
    assert.deepEqual(
      copies
        .filter(({ method, isSocket }) => isSocket || method !== "GET")
        .map(({ method, url }) => `${method} ${url}`),
      [],
    );
    copiesAreMarked(copies);
    credentialsAreMinted(copies);
    armsSawNoMark(world);
    assert.ok(booksOf(await world.proxy.metrics()).unsafe > 0);
  });
}

const SANDBOX = `
shadow:
  sample: 100%
  targets:
    control: { url: http://127.0.0.1:8011, guard: network, jwtSecretEnv: SHADOW_JWT_SECRET }
    candidate: { url: http://127.0.0.1:8012, guard: network, jwtSecretEnv: SHADOW_JWT_SECRET }
  modes: { notes: sandbox }
  surfaces: { echo: { codec: json, correlation: id, mode: sandbox } }
`;

test("in a sandbox: writes and sockets are copied too, marked, and with nothing of the user's own", async (t) => {
  const world = await startWorld(t, shipped("examples/notes/switchyard.config.yaml") + SANDBOX);
  await callAll(world.proxy, NOTES);
  await openAll(world.proxy, ["/echo"]);
  // A socket is in no account before something of it was judged, and its copy leaves behind those of the calls.
  await eventually(async () =>
    assert.equal(booksOf(await world.proxy.metrics()).conversations, FORGED.length, "conversations"),
  );
  await settled(world);
  const copies = copiesOf(world);
  const kinds = new Set(copies.map(({ method, isSocket }) => (isSocket ? "socket" : method)));
  assert.deepEqual([...kinds].sort(), ["DELETE", "GET", "POST", "PUT", "socket"]);
  copiesAreMarked(copies);
  credentialsAreMinted(copies);
  armsSawNoMark(world);
  assert.ok(world.arms.every((arm) => arm.seen.every((one) => one.headers["x-shadow"] === undefined)));
});

test("in a sandbox: a credential that is no good is not handed on either", async (t) => {
  const world = await startWorld(t, shipped("examples/notes/switchyard.config.yaml") + SANDBOX);
  const bad = ["Bearer bad.token.of-the-user", "Basic of-the-user", `bearer ${TOKEN}x`, "Bearer "];
  for (const [at, Authorization] of bad.entries()) {
    for (const method of ["GET", "POST"]) {
      const headers = { Authorization, ...SECRETS, ...(method === "POST" && { "Content-Type": "application/json" }) };
      await call(world.proxy.baseUrl, {
        method,
        path: `/notes?at=${at}`,
        headers,
        body: method === "POST" ? "{}" : undefined,
      });
    }
  }
  await eventually(async () => assert.equal(booksOf(await world.proxy.metrics()).open, 0));
  const copies = copiesOf(world);
  copiesAreMarked(copies);
  for (const { text } of copies) assert.doesNotMatch(text, /of-the-user/);
});
