import assert from "node:assert/strict";
import cluster from "node:cluster";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Config } from "../config/index.ts";
import { systemClock } from "../kernel/index.ts";
import { createClusterDataPlane } from "./clusterDataPlane.ts";
import type { DataPlane } from "./dataPlane.ts";
import { NOTHING_REMOVED } from "./proxy.ts";
import { createTestFlags, SOCKET_ROUTES, type TestFlags } from "./session/testing/socketProxy.ts";
import { text, WireClient } from "./session/testing/wire.ts";
import { startWsArm, type WsArm } from "./session/testing/wsArm.ts";
import { type FixtureOptions, type LoggedEvent, testConfig } from "./testing/proxyFixture.ts";
import { tokenFor } from "./testing/tokens.ts";
import { until, within } from "./testing/wait.ts";

const START_MS = 20_000; // two processes on a machine that others use too
const RETRY = { code: 1012, reason: "handoff:retry" };

let control: WsArm;
let candidate: WsArm;
before(async () => {
  cluster.setupPrimary({
    exec: fileURLToPath(new URL("./session/testing/clusterWorker.ts", import.meta.url)),
    execArgv: [],
  });
  [control, candidate] = await Promise.all([startWsArm(), startWsArm()]);
});
after(async () => {
  for (const plane of planes) plane.stop();
  await Promise.all([control.stop(), candidate.stop()]);
});
const planes: DataPlane[] = [];

interface Running {
  readonly plane: DataPlane;
  readonly flags: TestFlags;
  readonly config: Config;
  readonly events: LoggedEvent[];
}

function create(options: Partial<FixtureOptions> = {}): Running {
  const config = testConfig({
    control: control.url,
    candidate: candidate.url,
    routes: SOCKET_ROUTES,
    limits: { closeSpread: "1ms", closes: "100000/s", socketsPerSubject: 200 },
    ...options,
    sections: {
      workers: 2,
      log: { level: "silent" },
      drain: { delay: "0ms", exchanges: "1s", sockets: "100ms" },
      ...options.sections,
    },
  });
  const flags = createTestFlags(config, {});
  const events: LoggedEvent[] = [];
  const plane = createClusterDataPlane({
    config,
    flags,
    subjectKey: Buffer.alloc(32, 1),
    version: "test",
    seats: null,
    clock: systemClock,
    log: { exchange() {}, event: (type, fields, level = "info") => void events.push({ type, level, fields }) },
  });
  planes.push(plane);
  return { plane, flags, config, events };
}

const pids = (): number[] => Object.values(cluster.workers ?? {}).map((worker) => worker?.process.pid ?? 0);
const count = async (plane: DataPlane): Promise<number> => (await plane.metrics()).length;

async function openAll(port: number, n: number, subject = "ada"): Promise<WireClient[]> {
  const clients = await Promise.all(
    Array.from({ length: n }, () => WireClient.open(port, "/ws/1", { token: tokenFor(subject) })),
  );
  for (const { reply } of clients) assert.equal(reply.status, 101);
  return clients;
}

test("two workers serve one port, a flag change reaches both, and one that is killed comes back", async (t) => {
  const { plane, flags, config, events } = create();
  const { port } = await within("the start", plane.start(), START_MS);
  assert.equal(pids().length, 2);

  await t.test("both serve, and are asked as one", async () => {
    const clients = await openAll(port, 8);
    assert.equal((await plane.socketsOf("ada")).length, 8);
    assert.deepEqual(await plane.socketsOf("bob"), []);
    assert.equal(await count(plane), 2);
    assert.deepEqual(
      (await plane.arms()).map(({ arm }) => arm),
      ["control", "candidate"],
    );
    assert.deepEqual(await plane.removeSamples("ada"), [NOTHING_REMOVED, NOTHING_REMOVED]);
    for (const client of clients) client.end();
    await until("the closes are known", async () => (await plane.socketsOf("ada")).length === 0);
  });

  await t.test("a flag change closes the sockets of both workers", async () => {
    const clients = await openAll(port, 8);
    const others = await openAll(port, 4, "bob");
    flags.setPins({ ada: "candidate" });
    for (const client of clients) {
      assert.deepEqual(await client.closed(), RETRY);
      client.end();
    }
    const before = candidate.handshakes.length;
    for (const client of await openAll(port, 8)) client.end();
    assert.equal(candidate.handshakes.length - before, 8, "all of them, so both workers");
    for (const client of others) {
      assert.equal(client.close, null);
      client.end();
    }
  });

  await t.test(
    "kill -9 of one: its sockets are cut, the other serves, a new one starts with the flags of now",
    async () => {
      const clients = await openAll(port, 16, "bob");
      const [victim = 0] = pids();
      process.kill(victim, "SIGKILL");
      await until("its share of the sockets is cut, the rest is open", async () => {
        const cut = clients.filter(({ raw }) => raw.isClosed).length;
        return cut > 0 && cut + (await plane.socketsOf("bob")).length === clients.length;
      });
      flags.setPins({ ada: "candidate", eve: "candidate" }); // while one is missing
      const survivors = clients.filter(({ raw }) => !raw.isClosed);
      for (const client of survivors) {
        client.send(text("still here"));
        await client.sees("the echo", () => client.messages.length === 1);
      }
      await until("two workers serve again", async () => (await count(plane)) === 2, START_MS);
      assert.ok(!pids().includes(victim));
      assert.deepEqual(
        events.filter(({ type }) => type === "worker.died").map(({ fields }) => [fields["pid"], fields["signal"]]),
        [[victim, "SIGKILL"]],
      );
      const before = candidate.handshakes.length;
      for (const client of await openAll(port, 8, "eve")) client.end();
      assert.equal(candidate.handshakes.length - before, 8, "the new worker decides like the old one");
      for (const client of survivors) client.end();
    },
  );

  await t.test("a new configuration reaches both", async () => {
    plane.reconfigure({ ...config, limits: { ...config.limits, socketsPerSubjectMax: 1 } });
    let replies: number[] = [];
    await until("the third socket of a subject is refused by whichever worker", async () => {
      const clients = await Promise.all(
        [1, 2, 3, 4].map(() => WireClient.open(port, "/ws/1", { token: tokenFor("carl") })),
      );
      replies = clients.map(({ reply }) => reply.status).sort();
      for (const client of clients) client.end();
      await until("all are closed", async () => (await plane.socketsOf("carl")).length === 0);
      return replies.filter((status) => status === 101).length <= 2;
    });
    assert.deepEqual(replies, [101, 101, 429, 429]);
    plane.reconfigure(config);
  });

  await t.test("the drain closes 1012 on both, then the processes are gone", async () => {
    const clients = await openAll(port, 8, "dora");
    const done = plane.drain();
    await Promise.all(
      clients.map(async (client) => {
        assert.deepEqual(await client.closed(), RETRY);
        client.end();
      }),
    );
    await within("the drain", done, 8_000);
    assert.deepEqual(pids(), []);
    await assert.rejects(WireClient.open(port, "/ws/1"), /ECONNREFUSED|ECONNRESET/);
    assert.equal(
      events.filter(({ type }) => type === "worker.died").length,
      1,
      "an end that was asked for is no death",
    );
  });
});

test("a port that is taken rejects the start by its code and leaves no process behind", async () => {
  const holder = await startWsArm();
  const { plane, events } = create({ sections: { listen: `127.0.0.1:${holder.port}` } });
  await within(
    "the refusal",
    assert.rejects(plane.start(), (error: NodeJS.ErrnoException) => error.code === "EADDRINUSE"),
    START_MS,
  );
  plane.stop();
  await until("no worker is left", () => pids().length === 0, START_MS);
  assert.ok(events.filter(({ type }) => type === "worker.died").length <= 2, "it is not tried again and again");
  await holder.stop();
});

test("a worker that hangs while it drains is not waited for", async () => {
  const { plane } = create({ sections: { drain: { delay: "0ms", exchanges: "50ms", sockets: "50ms" } } });
  await within("the start", plane.start(), START_MS);
  for (const pid of pids()) process.kill(pid, "SIGSTOP");
  // What it holds of a person it will store: nobody may be told that all is gone.
  const removed = await plane.removeSamples("ada");
  assert.deepEqual(
    removed.map(({ failure }) => failure),
    ["silent", "silent"],
  );
  await within("the drain", plane.drain(), 9_000);
  await until("they are gone", () => pids().length === 0);
});
