// The data commands against the real admin listener; only what the relays would tell is given by the test.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type AdminChange, type AdminPorts, createAdmin } from "../console/index.ts";
import { CarrierError, type DataControl } from "../continuity/index.ts";
import { type Arm, systemClock } from "../kernel/index.ts";
import type { CliResult } from "./testing/cliHarness.ts";
import { capture } from "./testing/captured.ts";

interface Bench {
  readonly control: { -readonly [K in keyof DataControl]: DataControl[K] };
  readonly changes: AdminChange[];
  ask(...args: readonly string[]): Promise<CliResult>;
}

const relay = (from: Arm) =>
  ({ from, cursor: 42, isWhole: true, lagMs: 180, conflicts: 0, blockedBy: null, failure: null }) as const;
const NOBODY = { atCandidate: {}, changing: 0, putOff: {} } as const;
const equal = (subject: string) => ({ subject, isEqual: true, sections: [], rows: [] });
const differing = (subject: string) =>
  ({
    subject,
    isEqual: false,
    sections: [{ section: "orders", control: 2, candidate: 1 }],
    rows: [{ section: "orders", key: "o-17", what: "only on control" }],
  }) as const;

async function start(t: TestContext, isOff = false): Promise<Bench> {
  const stateDir = await mkdtemp(join(tmpdir(), "switchyard-data-"));
  const changes: AdminChange[] = [];
  const control: Bench["control"] = {
    status: { relays: [relay("control"), relay("candidate")], copies: [], seats: NOBODY, exposureProblem: null },
    armOf: () => "control",
    copy: () => Promise.resolve({ applied: 3, skipped: 1, conflicts: [], refused: [], cursor: 42 }),
    copyAll: () => undefined,
    verify: (subject) => Promise.resolve(equal(subject)),
    repair: (subject) => Promise.resolve(equal(subject)),
    subjects: (_arm, after) =>
      Promise.resolve(
        Array.from({ length: 250 }, (_, i) => `u${String(i).padStart(3, "0")}`)
          .filter((one) => one > (after ?? ""))
          .slice(0, 100),
      ),
  };
  const ports = {
    data: isOff ? null : control,
    totals: () => Promise.resolve([]),
    hashSubject: (subject: string) => `h${subject.length}`,
    record: (change: AdminChange) => void changes.push(change),
  } as unknown as AdminPorts;
  const listen = { host: "127.0.0.1", port: 0 };
  const admin = createAdmin({
    admin: { listen, viewToken: null, operateToken: null, isMetricsOpen: true },
    stateDir,
    ports,
    clock: systemClock,
  });
  const { url, operateTokenFile } = await admin.listen();
  t.after(async () => {
    await admin.close();
    await rm(stateDir, { recursive: true, force: true });
  });
  const token = (await readFile(operateTokenFile ?? "", "utf8")).trim();
  const env = { SWITCHYARD_TOKEN: token, USER: "ada" };
  return { control, changes, ask: (...args) => capture(["data", ...args, "--admin-url", url], { env }) };
}

test("status shows both relays, and exit 1 says that one is behind", async (t) => {
  const bench = await start(t);
  const good = await bench.ask("status");
  assert.equal(good.code, 0, good.stderr);
  assert.match(good.stdout, /from control {4}lag 180 ms {2}0 conflicts {2}everything is at the other arm {2}at 42/);
  const blockedBy = { section: "orders", key: "o-17", reason: "later: order busy" };
  bench.control.status = {
    relays: [
      { ...relay("control"), isWhole: false, lagMs: null, blockedBy },
      { ...relay("candidate"), failure: "candidate: no answer" },
    ],
    copies: [{ from: "control", startedAtMs: 1, through: "u7", done: 7, isRunning: true, failure: null }],
    exposureProblem: "not everything is there",
    seats: { atCandidate: { shop: 1_234, news: 0 }, changing: 2, putOff: { "not-copied": 3 } },
  };
  const bad = await bench.ask("status");
  assert.equal(bad.code, 1);
  assert.match(bad.stdout, /held up: from control: orders o-17: later: order busy/);
  assert.match(bad.stdout, /behind: from candidate: candidate: no answer/);
  assert.match(bad.stdout, /copy from control: 7 users done, running/);
  assert.match(bad.stdout, /not ready: not everything is there/);
  assert.match(good.stdout, /served by candidate: nobody; on their way: 0\n/);
  assert.match(bad.stdout, /served by candidate: 1.234 \(shop\); on their way: 2, put off: 3 not-copied\n/);
  assert.deepEqual(JSON.parse((await bench.ask("status", "--json")).stdout).relays[0].blockedBy, blockedBy);
});

test("verify names what differs by section and key; a sample is the same users each time", async (t) => {
  const bench = await start(t);
  assert.deepEqual([(await bench.ask("verify", "--user", "u_81")).stdout], ["u_81: both arms hold the same\n"]);
  bench.control.verify = (subject) => Promise.resolve(subject === "u007" ? differing(subject) : equal(subject));
  const one = await bench.ask("verify", "--user", "u007");
  assert.equal(one.code, 1);
  assert.match(one.stdout, /orders {2}control 2 {2}candidate 1\n +orders {2}o-17 {2}only on control/);
  const all = await bench.ask("verify", "--json");
  const whole = JSON.parse(all.stdout) as { seen: number; verified: number; different: { subject: string }[] };
  assert.deepEqual(
    [all.code, whole.seen, whole.verified, whole.different.map(({ subject }) => subject)],
    [1, 250, 250, ["u007"]],
  );
  const asked: string[] = [];
  bench.control.verify = (subject) => (asked.push(subject), Promise.resolve(equal(subject)));
  await bench.ask("verify", "--sample", "10%");
  const first = asked.splice(0);
  await bench.ask("verify", "--sample", "10%");
  assert.deepEqual(asked, first);
  assert.ok(first.length > 5 && first.length < 60, `${first.length} of 250`);
});

test("a difference that the relay is about to close is none", async (t) => {
  const bench = await start(t);
  let looks = 0;
  bench.control.verify = (subject) => Promise.resolve(++looks < 3 ? differing(subject) : equal(subject));
  const { code, stdout } = await bench.ask("verify", "--user", "u_81");
  assert.deepEqual([code, stdout, looks], [0, "u_81: both arms hold the same\n", 3]);
});

test("copy --all shows how far it is until it is through", async (t) => {
  const bench = await start(t);
  let looks = 0;
  bench.control.copyAll = (from) => {
    Object.defineProperty(bench.control, "status", {
      get: () => {
        looks += 1;
        const copies =
          looks > 3 ? [] : [{ from, startedAtMs: 1, through: "u", done: looks * 10, isRunning: true, failure: null }];
        return { relays: [relay("control"), relay("candidate")], copies };
      },
    });
  };
  const answer = await bench.ask("copy", "--all", "--yes");
  assert.equal(answer.code, 0, answer.stderr);
  assert.match(answer.stderr, /20 users copied\n30 users copied\n/);
  assert.equal(answer.stdout, "all users are copied\n");
  assert.deepEqual(
    bench.changes.map(({ event, actor, details }) => [event, actor, details["subject"], details["from"]]),
    [["data.copy", "person:ada", "all", "control"]],
  );
  assert.equal((await bench.ask("copy", "--yes")).code, 2, "whom?");
});

test("copy and repair of one user are recorded without the name, and an arm that is away is told", async (t) => {
  const bench = await start(t);
  assert.equal((await bench.ask("copy", "--user", "u_81", "--from", "candidate", "--yes")).code, 0);
  assert.equal((await bench.ask("repair", "--user", "u_81", "--yes")).code, 0);
  assert.doesNotMatch(JSON.stringify(bench.changes), /u_81/);
  bench.control.repair = () => Promise.reject(new CarrierError("unavailable", "candidate", "candidate: no answer"));
  const away = await bench.ask("repair", "--user", "u_81", "--yes");
  assert.deepEqual([away.code, away.stdout], [4, ""]);
  assert.match(away.stderr, /candidate: no answer\./);
});

test("without a continuity in the configuration every data command says what to set", async (t) => {
  const bench = await start(t, true);
  for (const words of [["status"], ["verify", "--user", "u"], ["copy", "--all", "--yes"]]) {
    const { code, stderr } = await bench.ask(...words);
    assert.equal(code, 1, words.join(" "));
    assert.match(stderr, /continuity\.tokenEnv/);
  }
});
