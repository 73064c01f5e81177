// Everybody's data follows them (handoff §3): copied, moved while they work, both arms killed in between, and moved back.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import * as Y from "yjs";
import { inTens } from "../../ledger/crowd.ts";
import { startWorld, type World } from "../../ledger/world.ts";
import { rankOf } from "../../../src/flags/index.ts";
import {
  call,
  eventually,
  type Json,
  metricSum,
  REPOSITORY,
  SERVICE_TOKEN,
  type Service,
  startCandidate,
  startControl,
  temporaryDir,
  type User,
} from "../../support/index.ts";
import { Student } from "./student.ts";

const run = promisify(execFile);

export interface Sizes {
  readonly users: number;
  readonly working: number;
  /** Of each lesson before it begins; a turn is two messages. */
  readonly turns: number;
  /** Between two things that one of them does. */
  readonly pauseMs: number;
  readonly workMs: number;
  /** How often both arms are killed, one after the other. */
  readonly kills: number;
  /** Processes that serve. */
  readonly workers: number;
  /** Over which sockets of those who change arm are closed. */
  readonly spread: string;
}

/** First and last by rank in turn: among any few of them some change arm at half, and some stay, which chance does not promise. */
function mixed(users: readonly User[]): readonly User[] {
  const sorted = users.toSorted((one, other) => rankOf(one.sub) - rankOf(other.sub));
  const ends = sorted.flatMap((user, at) => [user, sorted.at(-1 - at) as User]);
  return ends.slice(0, users.length);
}

export async function everybodyMoves(t: TestContext, sizes: Sizes): Promise<void> {
  const dirs = { control: temporaryDir("everybody-control"), candidate: temporaryDir("everybody-candidate") };
  const world = await startWorld(
    {},
    {
      controlDir: dirs.control,
      candidateDir: dirs.candidate,
      proxyEnv: { SWITCHYARD__LIMITS__CLOSE_SPREAD: sizes.spread, SWITCHYARD__WORKERS: String(sizes.workers) },
    },
  );
  const arms = { control: world.control, candidate: world.candidate };
  const over = new AbortController();
  t.after(async () => {
    over.abort();
    await world.stop();
    for (const service of Object.values(arms)) await service.stop();
  });
  await world.admin.setFlag("tutoring", 0);
  const users = mixed(await world.usersOn("control", sizes.users));
  const students = users.map((user) => new Student(world.proxy, user, over.signal));
  await timed(t, "everybody settles in", () =>
    inTens(students.length, (i) => (students[i] as Student).settleIn(sizes.turns)),
  );
  await copyEverybody(t, world);
  await isEqualEverywhere(t, world, "after the copy");

  const [working, idle] = [students.slice(0, sizes.working), students.slice(sizes.working)];
  const before = deeds(working);
  const lag = watchLag(world, over.signal);
  const atWork = startWork(working, sizes.pauseMs, over.signal);
  await sleep(sizes.workMs);
  await world.admin.setFlag("tutoring", 50);
  await timed(t, "the first calls of those who do nothing else", () => firstCalls(t, idle));
  await sleep(sizes.workMs);
  await lag.end(t, deeds(working) - before);
  await atWork.end();
  await timed(t, "everything is found at 50 %", () => everythingIsFound(students));
  await isEqualEverywhere(t, world, "at 50 %");
  assert.ok(
    students.some(({ closes }) => closes.includes(1012)),
    "sockets of those who worked were closed for the move",
  );
  assert.equal(
    students.reduce((sum, { failed }) => sum + failed, 0),
    0,
    "no call failed",
  );

  for (let kill = 0; kill < sizes.kills; kill++) {
    const killed = startWork(working, sizes.pauseMs, over.signal);
    for (const arm of ["candidate", "control"] as const) {
      await sleep(sizes.workMs);
      arms[arm] = await killAndStart({ world, students: working, awayMs: sizes.workMs }, arms[arm], arm, dirs[arm]);
    }
    await sleep(sizes.workMs);
    await killed.end();
    await isEqualEverywhere(t, world, "after both arms were killed");
    await timed(t, "everything is found after both arms were killed", () => everythingIsFound(students));
  }

  const back = startWork(working, sizes.pauseMs, over.signal);
  await sleep(sizes.workMs);
  await world.admin.setFlag("tutoring", 0);
  await timed(t, "the first calls of those who do nothing else, back at control", () => firstCalls(t, idle));
  await sleep(sizes.workMs);
  await back.end();
  await everythingIsFound(students);
  await isEqualEverywhere(t, world, "back at 0 %");
  const metrics = await world.admin.metrics();
  assert.equal(metricSum(metrics, "switchyard_relay_conflicts_total"), 0);
  assert.equal(metricSum(metrics, "switchyard_relay_rows_total", { outcome: "refused" }), 0);
  assert.equal(metricSum(metrics, "switchyard_move_doubts_total"), 0);
  for (const name of ["switchyard_move_stall_seconds", "switchyard_move_seconds"]) {
    t.diagnostic(`${name}: ${quantilesOf(metrics, name)}`);
  }
  for (const to of ["candidate", "control"]) {
    for (const phase of ["settling", "holding", "carrying"]) {
      t.diagnostic(`${phase} to ${to}: ${quantilesOf(metrics, "switchyard_move_phase_seconds", { to, phase })}`);
    }
  }
  for (const from of ["candidate", "control"]) {
    t.diagnostic(`step of the relay from ${from}: ${quantilesOf(metrics, "switchyard_relay_step_seconds", { from })}`);
  }
  for (const result of ["planned", "forced", "postponed", "aborted"]) {
    t.diagnostic(`moves ${result}: ${metricSum(metrics, "switchyard_move_finished_total", { result })}`);
  }
  t.diagnostic(
    `checks: ${["equal", "repaired", "unequal", "busy", "failed"].map((result) => `${result} ${metricSum(metrics, "switchyard_relay_checks_total", { result })}`).join(", ")}`,
  );
}

/** Upper bounds of the buckets in which the median and the 99th of a hundred fall, ms. */
function quantilesOf(text: string, name: string, labels: Readonly<Record<string, string>> = {}): string {
  const bounds = [...text.matchAll(new RegExp(`^${name}_bucket\\{.*le="([^"]+)"`, "gm"))].map(([, le]) => String(le));
  const upTo = [...new Set(bounds)].map((le) => [le, metricSum(text, `${name}_bucket`, { ...labels, le })] as const);
  const total = metricSum(text, `${name}_count`, labels);
  const at = (share: number): string => upTo.find(([, count]) => count >= share * total)?.[0] ?? "?";
  return `${total} times, half within ${at(0.5)} s, 99 % within ${at(0.99)} s`;
}

const deeds = (students: readonly Student[]): number => students.reduce((sum, { done }) => sum + done, 0);

async function timed(t: TestContext, what: string, run: () => Promise<unknown>): Promise<void> {
  const sinceMs = performance.now();
  await run();
  t.diagnostic(`${what}: ${((performance.now() - sinceMs) / 1_000).toFixed(1)} s`);
}

async function switchyard(world: World, ...words: string[]): Promise<{ code: number; text: string }> {
  const args = [join(REPOSITORY, "scripts/switchyard.mjs"), ...words, "--admin-url", world.proxy.adminUrl];
  const token = readFileSync(join(world.proxy.stateDir, "operate.token"), "utf8").trim();
  const env = { ...process.env, SWITCHYARD_TOKEN: token, JWT_SECRET_KEY: "x".repeat(40), SERVICE_TOKEN };
  try {
    const { stdout, stderr } = await run("node", args, { env, maxBuffer: 64 * 1_024 * 1_024 });
    return { code: 0, text: stdout + stderr };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, text: stdout + stderr };
  }
}

async function copyEverybody(t: TestContext, world: World): Promise<void> {
  const { code, text } = await switchyard(world, "data", "copy", "--all", "--yes");
  assert.equal(code, 0, text);
  const done = await eventually(() => {
    const line = world.proxy.logLines().find(({ msg }) => msg === "copy.done");
    assert.ok(line);
    return line;
  });
  const [subjects, seconds] = [Number(done["subjects"]), Number(done["tookMs"]) / 1_000];
  t.diagnostic(`copied ${subjects} users in ${seconds} s: ${(subjects / seconds).toFixed(0)} a second`);
}

/** At rest both arms hold the same of everybody. */
async function isEqualEverywhere(t: TestContext, world: World, when: string): Promise<void> {
  await timed(t, `both arms compared ${when}`, () =>
    eventually(
      async () => {
        const { code, text } = await switchyard(world, "data", "verify");
        if (code === 0) return;
        const status = (await switchyard(world, "data", "status")).text;
        assert.fail(`${when}: ${text}\n${status}\n${await boardsIn(world, text)}`);
      },
      60_000,
      500,
    ),
  );
}

/** The boards that a report of `data verify` names, as each arm holds them: whose write, and what is on them. */
async function boardsIn(world: World, report: string): Promise<string> {
  const lines: string[] = [];
  const subject = /([0-9a-f-]{36}): differs/.exec(report)?.[1];
  for (const [, key] of report.matchAll(/yjs_snapshots +([0-9a-f-]{36}) /g)) {
    for (const arm of ["control", "candidate"] as const) {
      const headers = { "x-service-token": SERVICE_TOKEN };
      const path = `/internal/changes?after=0&limit=1000&user_id=${subject}`;
      const { changes } = (await call(world[arm].baseUrl, { method: "GET", path, headers })).json();
      const { data, ...write } = changes.find((one: Json) => one.kind === "yjs_snapshots" && one.key === key) ?? {};
      const doc = new Y.Doc();
      if (data !== undefined) Y.applyUpdate(doc, Buffer.from(data.state, "base64"));
      lines.push(`${arm}: ${JSON.stringify(write)} ${[...doc.getMap("objects").keys()].sort().join(" ")}`);
    }
  }
  return lines.join("\n");
}

/** What the first call after the change costs someone without open sockets, and that everything is there. */
async function firstCalls(t: TestContext, idle: readonly Student[]): Promise<void> {
  const [first, second]: [number[], number[]] = [[], []];
  for (const student of idle) {
    for (const times of [first, second]) {
      const sinceMs = performance.now();
      const reply = await student.ask("GET", "/api/v1/folders/");
      times.push(performance.now() - sinceMs);
      assert.equal(reply.status, 200, reply.text);
    }
    await student.findsEverything();
  }
  t.diagnostic(`first call after the change ${told(first)}; the next one ${told(second)}`);
}

async function everythingIsFound(students: readonly Student[]): Promise<void> {
  await inTens(students.length, (i) => (students[i] as Student).findsEverything());
}

function startWork(students: readonly Student[], pauseMs: number, over: AbortSignal) {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, over]);
  const running = students.map((one) => one.work(signal, () => pauseMs * (0.5 + Math.random())));
  for (const one of running) one.catch(() => undefined);
  return {
    async end(): Promise<void> {
      stop.abort();
      await Promise.all(running);
      for (const student of students) await student.rest();
    },
  };
}

async function killAndStart(
  { world, students, awayMs }: { world: World; students: readonly Student[]; awayMs: number },
  service: Service,
  arm: "control" | "candidate",
  dataDir: string,
): Promise<Service> {
  service.signal("SIGKILL");
  await service.exited();
  for (const student of students) student.forgetLastMoments();
  await sleep(awayMs / 2);
  const options = {
    dataDir,
    modelUrl: `${world.modelUrl}/v1`,
    env: { PORT: new URL(service.baseUrl).port },
  };
  return arm === "control" ? startControl(options) : startCandidate(options);
}

/** How far behind the relays are while people work. */
function watchLag(world: World, over: AbortSignal) {
  const stop = new AbortController();
  const signal = AbortSignal.any([stop.signal, over]);
  const sinceMs = performance.now();
  const lags: number[] = [];
  const watching = (async () => {
    while (!signal.aborted) {
      const text = await world.admin.metrics();
      for (const from of ["control", "candidate"]) {
        lags.push(metricSum(text, "switchyard_relay_lag_seconds", { from }) * 1_000);
      }
      await sleep(100, undefined, { signal }).catch(() => undefined);
    }
  })();
  watching.catch(() => undefined);
  return {
    async end(t: TestContext, done: number): Promise<void> {
      const seconds = (performance.now() - sinceMs) / 1_000;
      stop.abort();
      await watching;
      t.diagnostic(
        `lag of the relays at ${(done / seconds).toFixed(0)} writing calls and turns a second: ${told(lags)}`,
      );
    },
  };
}

function told(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share: number): string =>
    (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(0);
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${at(1)} ms`;
}
