import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { checkOrigin, hostName, isHostAllowed, isLoopbackHost } from "./access.ts";
import { createAdmin } from "./admin.ts";
import { AdminError } from "./errors.ts";
import { type AdminFixture, startAdminFixture } from "./testing/adminFixture.ts";
import { rawRequest } from "./testing/rawRequest.ts";
import { systemClock } from "../kernel/index.ts";

const VIEW = "v".repeat(40);
const OPERATE = "o".repeat(40);
let fixture: AdminFixture;

before(async () => {
  fixture = await startAdminFixture({ viewToken: VIEW, operateToken: OPERATE });
});
after(() => fixture.close());

interface Forgery {
  readonly name: string;
  readonly status: number;
  readonly method?: string;
  readonly target?: string;
  readonly body?: string;
  /** Replaces, adds (several values) or removes (null) a header of a request that would be right. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
}

const KILL = '{"reason":"forged"}';

const forgeries = (port: number): readonly Forgery[] => [
  // Tokens (A3, A4)
  { name: "no token", status: 401, headers: { authorization: null } },
  { name: "an empty token", status: 401, headers: { authorization: "Bearer" } },
  { name: "the view token", status: 403, headers: { authorization: `Bearer ${VIEW}` } },
  { name: "a prefix of the operate token", status: 401, headers: { authorization: `Bearer ${OPERATE.slice(1)}` } },
  { name: "the operate token and one letter more", status: 401, headers: { authorization: `Bearer ${OPERATE}o` } },
  {
    name: "the operate token in other case",
    status: 401,
    headers: { authorization: `Bearer ${OPERATE.toUpperCase()}` },
  },
  {
    name: "the operate token as Basic",
    status: 401,
    headers: { authorization: `Basic ${btoa(`operate:${OPERATE}`)}` },
  },
  { name: "the operate token without a scheme", status: 401, headers: { authorization: OPERATE } },
  { name: "the operate token as a cookie", status: 401, headers: { authorization: null, cookie: `token=${OPERATE}` } },
  {
    name: "the operate token in the query",
    status: 401,
    target: `/api/kill?token=${OPERATE}`,
    headers: { authorization: null },
  },
  {
    name: "the operate token in a header of another name",
    status: 401,
    headers: { authorization: null, "x-service-token": OPERATE },
  },
  // Origins (A2)
  { name: "the origin of another site", status: 403, headers: { origin: "https://evil.example" } },
  { name: "the origin null", status: 403, headers: { origin: "null" } },
  { name: "an origin on another port", status: 403, headers: { origin: "http://127.0.0.1:8000" } },
  {
    name: "an origin with our name as prefix",
    status: 403,
    headers: { origin: `http://127.0.0.1:${port}.evil.example` },
  },
  { name: "our origin with another scheme", status: 403, headers: { origin: `https://127.0.0.1:${port}` } },
  {
    name: "our own origin and a foreign one",
    status: 403,
    headers: { origin: [`http://127.0.0.1:${port}`, "https://evil.example"] },
  },
  { name: "an empty origin", status: 403, headers: { origin: "" } },
  { name: "a cross-site page without an Origin", status: 403, headers: { "sec-fetch-site": "cross-site" } },
  { name: "a same-site page of another origin", status: 403, headers: { "sec-fetch-site": "same-site" } },
  {
    name: "a frame of another site",
    status: 403,
    headers: { "sec-fetch-site": "cross-site", "sec-fetch-dest": "iframe" },
  },
  // Hosts: DNS rebinding (A2)
  { name: "a rebound name", status: 421, headers: { host: `evil.example:${port}` } },
  { name: "a name that begins with loopback", status: 421, headers: { host: `127.0.0.1.evil.example:${port}` } },
  { name: "localhost with a trailing dot", status: 421, headers: { host: "localhost." } },
  { name: "a subdomain of localhost", status: 421, headers: { host: "evil.localhost" } },
  { name: "another spelling of loopback", status: 421, headers: { host: `0x7f.1:${port}` } },
  { name: "every address", status: 421, headers: { host: `0.0.0.0:${port}` } },
  { name: "no host", status: 400, headers: { host: null } },
  { name: "two hosts", status: 400, headers: { host: ["localhost", "evil.example"] } },
  { name: "a host with user information", status: 400, headers: { host: "operate@localhost" } },
  { name: "an absolute target", status: 400, target: "http://evil.example/api/kill" },
  // Methods (A4)
  { name: "GET with a body", status: 405, method: "GET", target: "/api/kill/clear" },
  { name: "PUT", status: 405, method: "PUT" },
  { name: "DELETE", status: 405, method: "DELETE", target: "/api/pins" },
  { name: "PATCH", status: 405, method: "PATCH", target: "/api/flags" },
  {
    name: "a pre-flight",
    status: 403,
    method: "OPTIONS",
    headers: { origin: "https://evil.example", "access-control-request-method": "POST" },
  },
  {
    name: "GET that claims to be POST",
    status: 405,
    method: "GET",
    target: "/api/pins/remove?_method=POST",
    headers: { "x-http-method-override": "POST" },
  },
  // Bodies that a form of another site can send without a pre-flight
  {
    name: "a form",
    status: 415,
    body: "reason=forged",
    headers: { "content-type": "application/x-www-form-urlencoded" },
  },
  { name: "text that holds JSON", status: 415, headers: { "content-type": "text/plain" } },
  { name: "a multipart form", status: 415, headers: { "content-type": "multipart/form-data; boundary=x" } },
  { name: "no content type", status: 415, headers: { "content-type": null } },
  { name: "no reason", status: 400, body: "{}" },
  { name: "a body of more than 64 KiB", status: 413, body: JSON.stringify({ reason: "x".repeat(70_000) }) },
];

function forge(port: number, forgery: Forgery): Promise<{ status: number; head: string; body: string }> {
  const body = forgery.body ?? KILL;
  const headers: Record<string, string | readonly string[] | null> = {
    host: `127.0.0.1:${port}`,
    authorization: `Bearer ${OPERATE}`,
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(body)),
    connection: "close",
    ...forgery.headers,
  };
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === null ? [] : [value].flat().map((one) => `${name}: ${one}`),
  );
  return rawRequest(port, [`${forgery.method ?? "POST"} ${forgery.target ?? "/api/kill"} HTTP/1.1`, ...lines], body);
}

test("40 forged requests change nothing", async (t) => {
  const flagFile = join(fixture.stateDir, "flags.json");
  const [flagsBefore, epochBefore] = [await readFile(flagFile, "utf8"), fixture.flags.state.data.epoch];
  const all = forgeries(fixture.port);
  assert.ok(all.length >= 40, `only ${all.length} forgeries`);
  for (const forgery of all) {
    await t.test(`${forgery.name} is answered ${forgery.status}`, async () => {
      const answer = await forge(fixture.port, forgery);
      assert.equal(answer.status, forgery.status, answer.body);
      assert.doesNotMatch(answer.head, /access-control-/);
      assert.equal(fixture.flags.state.data.epoch, epochBefore);
    });
  }
  assert.deepEqual(fixture.changes, []);
  assert.deepEqual(fixture.failures, []);
  assert.deepEqual(fixture.flags.state.data.overrides, { kills: [], pins: [] });
  assert.equal(await readFile(flagFile, "utf8"), flagsBefore);
});

test("the request that the forgeries imitate does change something", async () => {
  const answer = await forge(fixture.port, { name: "right", status: 200 });
  assert.equal(answer.status, 200, answer.body);
  assert.deepEqual(
    fixture.flags.state.data.overrides.kills.map(({ layer, reason }) => [layer, reason]),
    [["L1", "forged"]],
  );
});

test("every refusal is a problem body that says what to do next, never cached, never framed", async () => {
  const answer = await forge(fixture.port, { name: "rebound", status: 421, headers: { host: "evil.example" } });
  assert.match(answer.head, /content-type: application\/problem\+json/);
  assert.match(answer.head, /cache-control: no-store/);
  assert.match(answer.head, /frame-ancestors 'none'/);
  assert.match(answer.head, /x-content-type-options: nosniff/);
  const problem = JSON.parse(answer.body) as { next: string; code: string };
  assert.equal(problem.code, "ADMIN_HOST_REFUSED");
  assert.ok(problem.next.length > 10);
});

test("an open admin port does not start", async () => {
  const open = createAdmin({
    admin: { listen: { host: "0.0.0.0", port: 0 }, viewToken: null, operateToken: null, isMetricsOpen: false },
    stateDir: fixture.stateDir,
    ports: {} as never,
    clock: systemClock,
  });
  await assert.rejects(open.listen(), /not loopback and no token is set/);
});

test("a token that can be guessed does not start", async () => {
  await assert.rejects(startAdminFixture({ operateToken: "short" }), /at least 32 bytes/);
});

test("a listener on every address answers to the address that was reached, and to no name", () => {
  assert.equal(isHostAllowed("192.0.2.7", "0.0.0.0", "::ffff:192.0.2.7"), true);
  assert.equal(isHostAllowed("192.0.2.8", "0.0.0.0", "192.0.2.7"), false);
  assert.equal(isHostAllowed("evil.example", "0.0.0.0", "192.0.2.7"), false);
  assert.equal(isHostAllowed("admin.internal", "admin.internal", "192.0.2.7"), true);
});

test("loopback has few spellings", () => {
  for (const host of ["localhost", "127.0.0.1", "127.255.0.1", "[::1]"]) assert.equal(isLoopbackHost(host), true, host);
  for (const host of [
    "localhost.",
    "127.1",
    "0127.0.0.1",
    "127.0.0.256",
    "128.0.0.1",
    "127.0.0.1.example",
    "[::ffff:7f00:1]",
    "",
  ]) {
    assert.equal(isLoopbackHost(host), false, host);
  }
});

test("a host header is one name with at most one port", () => {
  assert.equal(hostName("LocalHost:9901"), "localhost");
  assert.equal(hostName("[::1]:9901"), "[::1]");
  for (const bad of ["", "a b", "a/b", "a:b", "a@b", "a:1:2", "[::1", "a,b"]) assert.equal(hostName(bad), null, bad);
});

test("a page of another site may link here but not act", () => {
  const facts = {
    target: "/api/status",
    hosts: ["127.0.0.1:9901"],
    origins: [],
    fetchSites: ["cross-site"],
    localAddress: "127.0.0.1",
  };
  checkOrigin({ ...facts, method: "GET" }, "127.0.0.1");
  assert.throws(() => checkOrigin({ ...facts, method: "POST" }, "127.0.0.1"), AdminError);
});
