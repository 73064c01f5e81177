// `doctor` against real listeners: what answers well, what answers badly, and what does not answer.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { systemClock } from "../kernel/index.ts";
import { createCassette, openSqliteEvidence } from "../shadow/index.ts";
import { capture } from "./testing/captured.ts";
import { type ShadowFolder, shadowFolder } from "./testing/shadowFolder.ts";

interface Backend {
  readonly url: string;
  readonly seen: { readonly method: string; readonly url: string; readonly headers: IncomingMessage["headers"] }[];
}

type Guard = "serving" | "target" | "none";

async function backend(t: TestContext, guard: Guard, aheadMs = 0): Promise<Backend> {
  const seen: Backend["seen"] = [];
  const server = createServer((request, response) => {
    const { method = "", url = "", headers } = request;
    seen.push({ method, url, headers });
    const isMarked = headers["x-shadow"] !== undefined;
    const isRefused = guard === "target" ? !isMarked : guard === "serving" && isMarked && method !== "GET";
    response.setHeader("date", new Date(Date.now() + aheadMs).toUTCString());
    response.writeHead(url === "/readyz" ? 200 : isRefused ? 421 : 404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
}

/** Nothing listens there. */
async function nowhere(t: TestContext): Promise<string> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  t.diagnostic(`nobody is at ${port}`);
  return `http://127.0.0.1:${port}`;
}

const SECRET = "s".repeat(48);
const SHADOW_SECRET = "x".repeat(48);

interface World {
  readonly control: string;
  readonly candidate: string;
  readonly shadow?: string;
  readonly env?: Readonly<Record<string, string>>;
}

interface Told {
  readonly name: string;
  readonly state: string;
  readonly what: string;
  readonly fix: string | null;
}

async function doctor(t: TestContext, { control, candidate, shadow = "", env = {} }: World) {
  const folder = shadowFolder(t);
  const admin = await nowhere(t);
  const arm = (url: string) => `{ backend: b, url: ${url}, readyPath: /readyz }`;
  const file = folder.write(
    "own.config.yaml",
    `listen: 127.0.0.1:0
arms: { control: ${arm(control)}, candidate: ${arm(candidate)} }
identity: { jwt: { algorithms: [HS256], secretEnv: JWT_SECRET_KEY } }
admin: { listen: "${admin.replace("http://", "")}" }
stateDir: ${folder.stateDir}
units: { orders: { routes: [GET /orders, POST /orders] } }
${shadow}`,
  );
  const ask = (...more: readonly string[]) =>
    capture(["doctor", "--config", file, ...more], {
      env: { JWT_SECRET_KEY: SECRET, SHADOW_JWT_SECRET: SHADOW_SECRET, ...env },
    });
  return { folder, ask };
}

async function checksOf(ask: (...more: readonly string[]) => ReturnType<typeof capture>) {
  const { code, stdout, stderr } = await ask("--json");
  const told = JSON.parse(stdout) as { schemaVersion: number; checks: Told[]; problems: number; warnings: number };
  assert.equal(told.schemaVersion, 1);
  for (const { state, fix, name } of told.checks) assert.equal(fix === null, state === "ok", name);
  const of = (name: string): Told => told.checks.find((one) => one.name === name) ?? assert.fail(`no ${name}`);
  return { ...told, of, code, stderr };
}

const targets = (control: string, candidate: string, more = ""): string => `shadow:
  sample: 5%
  targets:
    control: { url: ${control}, jwtSecretEnv: SHADOW_JWT_SECRET${more} }
    candidate: { url: ${candidate}, jwtSecretEnv: SHADOW_JWT_SECRET${more} }
`;

test("all is well: exit 0, with what nobody could be asked as a warning; every guard was tried, and nothing else", async (t) => {
  const [control, candidate] = [await backend(t, "serving"), await backend(t, "serving")];
  const [one, other] = [await backend(t, "target"), await backend(t, "target")];
  const shadow = targets(one.url, other.url);
  const { ask } = await doctor(t, { control: control.url, candidate: candidate.url, shadow });
  const { code, checks, problems, of } = await checksOf(ask);
  assert.deepEqual([code, problems], [0, 0], JSON.stringify(checks));
  for (const name of ["target of control", "target of candidate", "guard of control", "guard of candidate"]) {
    assert.equal(of(name).state, "ok", name);
  }
  assert.equal(of("running process").state, "warn");
  assert.match(of("evidence").what, /none yet/);
  for (const { seen } of [control, candidate]) {
    const asked = seen.filter(({ url }) => url !== "/readyz");
    assert.deepEqual(
      asked.map(({ method, headers }) => [method, headers["x-shadow"]]),
      [["POST", "1"]],
    );
  }
  for (const { seen } of [one, other]) {
    assert.deepEqual(
      seen.map(({ method, headers }) => [method, headers["x-shadow"]]),
      [["GET", undefined]],
    );
  }
  const everything = [control, candidate, one, other].flatMap(({ seen }) => seen);
  assert.ok(everything.every(({ headers }) => headers.authorization === undefined && headers.cookie === undefined));
  const { stdout } = await ask();
  assert.match(stdout, /^ok +control b +http:\S+ answers in /);
  assert.match(stdout, /warning +running process .*\n {11}fix {4}Start it/);
  assert.match(stdout, /\n0 problems, \d warnings\n$/);
});

test("shadow W2: a target or a serving instance without its guard is a problem that says which", async (t) => {
  const [control, candidate] = [await backend(t, "none"), await backend(t, "serving")];
  const shadow = targets((await backend(t, "target")).url, (await backend(t, "none")).url);
  const { ask } = await doctor(t, { control: control.url, candidate: candidate.url, shadow });
  const { code, problems, of } = await checksOf(ask);
  assert.deepEqual([code, problems], [1, 2]);
  assert.match(of("guard of control").what, /takes writes with X-Shadow: no copy leaves \(target_unsafe\)/);
  assert.match(of("target of candidate").what, /answers calls without X-Shadow: no copy leaves \(target_unsafe\)/);
  assert.deepEqual([of("target of control").state, of("guard of candidate").state], ["ok", "ok"]);
});

test("with guard: network no guard is tried, and that is told; what does not answer is a problem", async (t) => {
  const control = await backend(t, "none");
  const shadow = targets((await backend(t, "none")).url, await nowhere(t), ", guard: network");
  const { ask } = await doctor(t, { control: control.url, candidate: await nowhere(t), shadow });
  const { code, checks, of } = await checksOf(ask);
  assert.equal(code, 1);
  assert.match(of("target of control").what, /guard: network says, and was not tried/);
  assert.match(of("target of candidate").what, /does not answer \(ECONNREFUSED\)/);
  assert.match(of("candidate b").what, /does not answer \(ECONNREFUSED\)/);
  assert.ok(!checks.some(({ name }) => name.startsWith("guard of")));
  assert.ok(control.seen.every(({ method }) => method === "GET"));
});

test("a backend that takes the call and never answers is a problem within seconds", async (t) => {
  const silent = createTcpServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  t.after(() => silent.close());
  const { port } = silent.address() as AddressInfo;
  const control = await backend(t, "serving");
  const { ask } = await doctor(t, { control: control.url, candidate: `http://127.0.0.1:${port}` });
  const { code, checks } = await checksOf(ask);
  const [, candidate] = checks.filter(({ name }) => name.endsWith(" b") && !name.startsWith("clock"));
  assert.deepEqual([code, candidate?.state], [1, "fail"]);
  assert.match(candidate?.what ?? "", /does not answer \(no answer within 5 s\)/);
});

test("a clock that is wrong is a warning with how much", async (t) => {
  const [control, candidate] = [await backend(t, "serving"), await backend(t, "serving", -65_000)];
  const { ask } = await doctor(t, { control: control.url, candidate: candidate.url });
  const { code, checks } = await checksOf(ask);
  const clocks = checks.filter(({ name }) => name === "clock of b");
  assert.deepEqual(
    clocks.map(({ state }) => state),
    ["ok", "warn"],
  );
  assert.match(clocks[1]?.what ?? "", /^1 m [45] s behind/);
  assert.equal(code, 0);
});

test("shadow W4: a target with the users' key is a problem, one without a key a warning; no secret is told", async (t) => {
  const [control, candidate] = [await backend(t, "serving"), await backend(t, "serving")];
  const [one, other] = [await backend(t, "target"), await backend(t, "target")];
  const shadow = `shadow:
  sample: 5%
  targets: { control: { url: ${one.url}, jwtSecretEnv: JWT_SECRET_KEY }, candidate: { url: ${other.url} } }
`;
  const { ask } = await doctor(t, { control: control.url, candidate: candidate.url, shadow });
  const { code, of } = await checksOf(ask);
  assert.equal(code, 1);
  assert.match(of("secrets of control's target").what, /the one that users' tokens are signed with/);
  assert.equal(of("secrets of candidate's target").state, "warn");
  const { stdout, stderr } = await ask();
  assert.ok(!(stdout + stderr).includes(SECRET));
  const unset = await doctor(t, { control: control.url, candidate: candidate.url, env: { JWT_SECRET_KEY: "" } });
  const refused = await unset.ask();
  assert.deepEqual([refused.code, refused.stdout], [3, ""]);
  assert.match(refused.stderr, /JWT_SECRET_KEY is not set/);
});

test("a flag file that cannot be used, or that draws subjects anew each time, is a problem", async (t) => {
  const [control, candidate] = [await backend(t, "serving"), await backend(t, "serving")];
  const { ask, folder } = await doctor(t, { control: control.url, candidate: candidate.url });
  const flagFile = async (): Promise<Told> => (await checksOf(ask)).of("flag file");
  assert.match((await flagFile()).what, /none yet: control serves everybody/);
  mkdirSync(folder.stateDir);
  const document = (stickiness: string): string => {
    const strategies = [{ name: "flexibleRollout", parameters: { rollout: "5", stickiness } }];
    return JSON.stringify({ version: 2, features: [{ name: "switchyard.orders", enabled: true, strategies }] });
  };
  writeIn(folder, "flags.json", document("userId"));
  assert.deepEqual(await flagFile().then(({ state, what }) => [state, what]), ["ok", "1 flag, by subject"]);
  writeIn(folder, "flags.json", document("random"));
  const random = await flagFile();
  assert.deepEqual([random.state, /stickiness "random" is refused/.test(random.what)], ["fail", true]);
  writeIn(folder, "flags.json", "{");
  assert.match((await flagFile()).what, /flags\.json is not JSON/);
});

test("rules that cannot be used are a problem, rules whose day has passed a warning", async (t) => {
  const [control, candidate] = [await backend(t, "serving"), await backend(t, "serving")];
  const judged = async (rules: string): Promise<Told> => {
    const made = shadowFolder(t).write("a.rules.yaml", rules);
    const shadow = `shadow: { sample: 5%, rules: [${made}] }\n`;
    return (await checksOf((await doctor(t, { control: control.url, candidate: candidate.url, shadow })).ask)).of(
      "rules of the shadow",
    );
  };
  const rule = (until: string, on: string): string =>
    `rules: [{ id: one, owner: o, reason: r, until: "${until}", on: ${on}, path: $.a, accept: true }]\n`;
  assert.deepEqual(await judged(rule("2099-01-01", '["*"]')).then(({ state, what }) => [state, what]), [
    "ok",
    "1 file, 1 rule",
  ]);
  assert.match((await judged(rule("2020-01-01", '["*"]'))).what, /the day of one \(2020-01-01\) has passed/);
  const bad = await judged(rule("2099-01-01", "[]"));
  assert.deepEqual([bad.state, /1 file cannot be used: .*a\.rules\.yaml/.test(bad.what)], ["fail", true]);
});

test("evidence: its size, one that is damaged, and one that was moved aside", async (t) => {
  const [control, candidate] = [await backend(t, "serving"), await backend(t, "serving")];
  const shadow = "shadow: { sample: 5% }\n";
  const { ask, folder } = await doctor(t, { control: control.url, candidate: candidate.url, shadow });
  mkdirSync(folder.stateDir);
  const open = openSqliteEvidence(join(folder.stateDir, "shadow-0.sqlite3"));
  t.after(() => open.close());
  const evidence = async (): Promise<Told> => (await checksOf(ask)).of("evidence");
  assert.match((await evidence()).what, /^1 file, [\d.]+ (?:KiB|MiB), sound$/);
  writeIn(folder, "shadow-0.sqlite3.broken-2026-11-22T10-00-00-000Z", "x");
  const aside = await evidence();
  assert.deepEqual([aside.state, /1 damaged one moved aside/.test(aside.what)], ["warn", true]);
  writeIn(folder, "shadow-1.sqlite3", "no database, but long enough to be asked about its header".repeat(9));
  const damaged = await evidence();
  assert.deepEqual([damaged.state, /shadow-1\.sqlite3 cannot be read: .*damaged/.test(damaged.what)], ["fail", true]);
});

const writeIn = ({ stateDir }: ShadowFolder, name: string, text: string): void =>
  writeFileSync(join(stateDir, name), text);

test("shadow K1: the cassette is connected to and not called; that it stands on a served path is told", async (t) => {
  const [control, candidate, record] = [await backend(t, "none"), await backend(t, "none"), await backend(t, "none")];
  const gone = (await nowhere(t)).replace("http://", "");
  const shadow = `shadow: { sample: 5%, cassette: { record: "${record.url.replace("http://", "")}", replay: "${gone}" } }\n`;
  const { ask } = await doctor(t, { control: control.url, candidate: candidate.url, shadow });
  const { code, of } = await checksOf(ask);
  assert.equal(code, 1);
  assert.deepEqual([of("cassette, record").state, record.seen], ["ok", []]);
  assert.match(of("cassette, record").what, /stands on a served path/);
  assert.match(of("cassette, replay").what, /does not answer \(ECONNREFUSED\): shadow targets have no models/);
  assert.match(of("cassette, misses").what, /does not tell its misses: ECONNREFUSED; model requests are not compared/);
});

test("shadow K3, K6: the cassette's misses are read, with the token, and what it does is what the configuration says", async (t) => {
  const [control, candidate] = [await backend(t, "none"), await backend(t, "none")];
  const token = "token-of-the-misses-0123456789abcdef";
  const any = { host: "127.0.0.1", port: 0 };
  const cassette = createCassette({
    provider: `${await nowhere(t)}/v1`,
    record: any,
    replay: any,
    keyOf: () => null,
    clock: systemClock,
    counters: { replayed: () => undefined, dropped: () => undefined },
    log: () => undefined,
    missesToken: token,
    live: { tokensPerHour: 1_000, tokensOf: () => null },
  });
  const { record, replay } = await cassette.start();
  t.after(() => cassette.close());
  const at = ({ host, port }: typeof record): string => `"${host}:${port}"`;
  const misses = async (more: string, env: Record<string, string> = {}): Promise<Told> => {
    const shadow = `shadow: { sample: 5%, cassette: { record: ${at(record)}, replay: ${at(replay)}${more} } }\n`;
    const { ask } = await doctor(t, { control: control.url, candidate: candidate.url, shadow, env });
    return (await checksOf(ask)).of("cassette, misses");
  };
  const withToken = ", missesTokenEnv: MISSES";
  assert.match((await misses("")).what, /it does not take this token for its misses/);
  const replaying = await misses(withToken, { MISSES: token });
  assert.deepEqual([replaying.state, /without --live-tokens/.test(replaying.fix ?? "")], ["fail", true]);
  const live = await misses(`${withToken}, live: true`, { MISSES: token });
  assert.deepEqual([live.state, live.what.endsWith("lets shadow targets ask the models themselves")], ["ok", true]);
});
