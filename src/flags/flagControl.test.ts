import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { chmod, mkdtemp, readFile, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createManualClock, systemClock } from "../kernel/index.ts";
import { createFlagControl, type FlagControlOptions, type LocalFlagControl } from "./flagControl.ts";
import type { FlagProblem, FlagState } from "./ports.ts";

const UNITS = [
  { id: "tutoring", flag: "switchyard.tutoring" },
  { id: "__proto__", flag: "__proto__" },
] as const;
const [TUTORING, PROTO] = UNITS;

async function until(what: string, isTrue: () => boolean | Promise<boolean>, deadlineMs = 5_000): Promise<void> {
  const end = Date.now() + deadlineMs;
  while (!(await isTrue())) {
    if (Date.now() > end) assert.fail(`not within ${deadlineMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Stopped before their folder is removed. */
const running = new WeakMap<TestContext, LocalFlagControl[]>();

async function room(t: TestContext): Promise<{ dir: string; options: FlagControlOptions; problems: FlagProblem[] }> {
  const dir = await mkdtemp(join(tmpdir(), "flags-"));
  t.after(async () => {
    await Promise.all((running.get(t) ?? []).map((control) => control.stop()));
    await rm(dir, { recursive: true, force: true });
  });
  const problems: FlagProblem[] = [];
  const options = {
    flags: { source: "file", file: join(dir, "flags.json") },
    units: UNITS,
    stateDir: dir,
    env: {},
    clock: systemClock,
    onProblem: (problem: FlagProblem) => void problems.push(problem),
    signals: new EventEmitter(),
  } as const;
  return { dir, options, problems };
}

async function started(t: TestContext, options: FlagControlOptions) {
  const control = createFlagControl(options);
  running.set(t, [...(running.get(t) ?? []), control]);
  await control.start();
  return control;
}

const armOf = (state: FlagState, subject: string, unit: (typeof UNITS)[number] = TUTORING, nowMs = Date.now()) =>
  state.decide(unit, subject, nowMs).arm;
const read = (file: string): Promise<string> => readFile(file, "utf8").catch(() => "");
const audit = async (dir: string): Promise<Record<string, unknown>[]> =>
  (await read(join(dir, "audit.jsonl")))
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("a first start makes a private flag file with every unit at 0 % and the arming flag on", async (t) => {
  const { options } = await room(t);
  const control = await started(t, options);
  const document = JSON.parse(await readFile(options.flags.file, "utf8")) as {
    features: { name: string; enabled: boolean }[];
  };
  assert.deepEqual(
    document.features.map(({ name, enabled }) => [name, enabled]),
    [
      ["switchyard.armed", true],
      ["switchyard.tutoring", true],
      ["__proto__", true],
    ],
  );
  assert.equal((await stat(options.flags.file)).mode & 0o777, 0o600);
  assert.equal(control.state.decide(TUTORING, "u", Date.now()).ruleId, "unit:tutoring@0");
  assert.deepEqual(control.problems, []);
});

test("a unit whose arm is fixed gets no flag", async (t) => {
  const { options } = await room(t);
  await started(t, {
    ...options,
    units: [...UNITS, { id: "accounts", flag: "switchyard.accounts", fixed: "control" }],
  });
  assert.doesNotMatch(await readFile(options.flags.file, "utf8"), /accounts/);
});

test("an exposure that was set holds when the call returns, raises the epoch and is in the audit", async (t) => {
  const { dir, options } = await room(t);
  const control = await started(t, options);
  const seen: number[] = [];
  control.onChange(({ data }) => seen.push(data.epoch));
  const before = control.state;
  await control.writer.setExposure(TUTORING.flag, 100, "person:ann");
  assert.equal(armOf(control.state, "u"), "candidate");
  assert.equal(armOf(before, "u"), "control", "the state from before is untouched");
  assert.ok(Object.isFrozen(control.state) && Object.isFrozen(control.state.data));
  assert.equal(control.state.data.epoch, before.data.epoch + 1);
  assert.deepEqual(seen, [before.data.epoch + 1]);
  const [line] = await audit(dir);
  assert.deepEqual(
    [line?.event, line?.actor, line?.flag, line?.percent],
    ["flags.set", "person:ann", TUTORING.flag, 100],
  );
  assert.equal((await stat(join(dir, "audit.jsonl"))).mode & 0o777, 0o600);
});

test("a subject and a unit called __proto__ are ordinary names (security J8)", async (t) => {
  const { options } = await room(t);
  const control = await started(t, options);
  const untilMs = Date.now() + 60_000;
  await control.writer.setExposure("__proto__", 100, "person:ann");
  assert.equal(armOf(control.state, "u", PROTO), "candidate");
  assert.equal(armOf(control.state, "u", TUTORING), "control");
  await control.addPin({ subject: "__proto__", unit: "__proto__", arm: "control", reason: "r", actor: "a", untilMs });
  assert.equal(armOf(control.state, "__proto__", PROTO), "control");
  assert.equal(control.state.decide(TUTORING, "constructor", Date.now()).reason, "flag-off");
});

test("each change swaps one frozen state and raises the epoch by one", async (t) => {
  const { options } = await room(t);
  const control = await started(t, options);
  await control.writer.setExposure(TUTORING.flag, 100, "a");
  const untilMs = Date.now() + 60_000;
  let last = control.state.data.epoch;
  const rises = async (what: string, act: () => Promise<unknown>) => {
    await act();
    assert.equal(control.state.data.epoch, last + 1, what);
    last++;
  };
  await rises("kill", () => control.kill("L0", "drill", "ann"));
  assert.equal(control.state.decide(TUTORING, "u", Date.now()).ruleId, "kill:L0");
  await rises("kill L1", () => control.kill("L1", "drill", "ann"));
  await rises("clear L0", () => control.clearKill("L0", "over", "ann"));
  assert.equal(control.state.decide(TUTORING, "u", Date.now()).ruleId, "kill:L1");
  await rises("clear L1", () => control.clearKill("L1", "over", "ann"));
  assert.equal(armOf(control.state, "u"), "candidate");
  await rises("pin", () =>
    control.addPin({ subject: "u", unit: null, arm: "control", reason: "r", actor: "a", untilMs }),
  );
  assert.equal(armOf(control.state, "u"), "control");
  const id = control.state.data.overrides.pins[0]?.id ?? "";
  await rises("unpin", () => control.removePin(id, "ann"));
  await rises("exposure", () => control.writer.setExposure(TUTORING.flag, 12.5, "ann"));
  assert.equal(await control.removePin(id, "ann"), false);
  await control.clearKill("L0", "not on", "ann");
  assert.equal(control.state.data.epoch, last, "nothing changed, nothing rose");
});

test("kills and pins stay over a restart, each is on disk when its call returns", async (t) => {
  const { dir, options } = await room(t);
  const first = await started(t, options);
  const pin = await first.addPin({
    subject: "u",
    unit: "tutoring",
    arm: "candidate",
    reason: "bug 7",
    actor: "ann",
    untilMs: Date.now() + 60_000,
  });
  await first.kill("L0", "errors rise", "ann");
  // No stop: the process might as well have died here.
  const second = await started(t, options);
  assert.deepEqual(second.state.data.overrides, first.state.data.overrides);
  assert.equal(second.state.decide(TUTORING, "u", Date.now()).reason, "kill-switch");
  await second.clearKill("L0", "fixed", "ben");
  assert.equal(second.state.decide(TUTORING, "u", Date.now()).ruleId, `pin:${pin.id}`);
  assert.equal((await stat(join(dir, "overrides.json"))).mode & 0o777, 0o600);
  const lines = await audit(dir);
  assert.deepEqual(
    lines.map(({ event, actor, reason }) => [event, actor, reason]),
    [
      ["pin.add", "ann", "bug 7"],
      ["kill.on", "ann", "errors rise"],
      ["kill.off", "ben", "fixed"],
    ],
  );
  assert.ok(!JSON.stringify(lines).includes('"u"'), "the audit names no subject");
});

test("the file KILL switches everything to control within a second and stays until a person clears it", async (t) => {
  const { dir, options } = await room(t);
  const control = await started(t, options);
  await control.writer.setExposure(TUTORING.flag, 100, "a");
  const file = join(dir, "KILL");
  // Whole at once: a file that is seen while it is still empty kills as well, but without its reason.
  await writeFile(`${file}.new`, "database on fire\nsecond line\n");
  await rename(`${file}.new`, file);
  await until("KILL seen", () => armOf(control.state, "u") === "control", 1_000);
  const [kill] = control.state.data.overrides.kills;
  assert.deepEqual([kill?.layer, kill?.reason, kill?.actor], ["L1", "database on fire second line", "file"]);
  await rm(file);
  await until("recorded", async () => (await read(join(dir, "overrides.json"))).includes("on fire"));
  const again = await started(t, options);
  assert.equal(armOf(again.state, "u"), "control", "after a restart without the file");
  await again.clearKill("L1", "fire is out", "ann");
  assert.equal(armOf(again.state, "u"), "candidate");
});

test("a KILL file that was there before the start holds from the first decision", async (t) => {
  const { dir, options } = await room(t);
  await writeFile(join(dir, "KILL"), "");
  const clock = createManualClock();
  const control = await started(t, { ...options, clock });
  assert.equal(control.state.decide(TUTORING, "u", Date.now()).ruleId, "kill:L1");
  await control.clearKill("L1", "checked", "ann");
  assert.ok(!(await readdir(dir)).includes("KILL"), "clearing removes the file");
  const { confirmedAtMs } = control.state.data.reading;
  clock.advance(2_000);
  await until("checked again", () => control.state.data.reading.confirmedAtMs > confirmedAtMs);
  assert.deepEqual(control.state.data.overrides.kills, []);
});

test("SIGUSR2 switches L1 on, also for the next start", async (t) => {
  const { dir, options } = await room(t);
  const control = await started(t, options);
  (options.signals as EventEmitter).emit("SIGUSR2");
  await until("L1 on", () => control.state.data.overrides.kills[0]?.layer === "L1", 1_000);
  await until("on disk", async () => (await readdir(dir)).includes("KILL"));
});

test("L4 holds while the variable is set, cannot be cleared and is not written down", async (t) => {
  const { dir, options } = await room(t);
  const forced = await started(t, { ...options, env: { SWITCHYARD_FORCE_CONTROL: "1" } });
  assert.equal(forced.state.decide(TUTORING, "u", Date.now()).ruleId, "kill:L4");
  await assert.rejects(forced.clearKill("L4", "please", "ann"), { code: "KILL_FORCED" });
  await forced.addPin({
    subject: "u",
    unit: null,
    arm: "candidate",
    reason: "r",
    actor: "a",
    untilMs: Date.now() + 60_000,
  });
  assert.doesNotMatch(await readFile(join(dir, "overrides.json"), "utf8"), /L4/);
  const free = await started(t, options);
  assert.equal(free.state.decide(TUTORING, "u", Date.now()).reason, "pinned");
});

test("a corrupt overrides file refuses to start and says what to do", async (t) => {
  const { dir, options } = await room(t);
  await writeFile(join(dir, "overrides.json"), '{"version":1,"kills":[{"layer":"L0","reason":"secret-subject');
  const control = createFlagControl(options);
  await assert.rejects(control.start(), (error: Error) => {
    assert.match(error.message, /overrides\.json cannot be read .* Repair it; or move it away/);
    assert.doesNotMatch(error.message, /secret-subject/);
    return true;
  });
});

test("an expired pin is swept from state and disk by the clock", async (t) => {
  const { dir, options } = await room(t);
  const clock = createManualClock();
  const control = await started(t, { ...options, clock });
  await control.addPin({
    subject: "u",
    unit: null,
    arm: "candidate",
    reason: "r",
    actor: "a",
    untilMs: clock.now() + 500,
  });
  assert.equal(control.state.decide(TUTORING, "u", clock.now()).reason, "pinned");
  assert.equal(
    control.state.decide(TUTORING, "u", clock.now() + 500).reason,
    "flag-off",
    "ignored even before the sweep",
  );
  const { epoch } = control.state.data;
  clock.advance(1_000);
  await until("swept", () => control.state.data.overrides.pins.length === 0);
  assert.equal(control.state.data.epoch, epoch + 1);
  assert.match(await readFile(join(dir, "overrides.json"), "utf8"), /"pins": \[\]/);
});

test("pins and kills without a reason, a future, a known unit or a proper subject are refused", async (t) => {
  const { options } = await room(t);
  const control = await started(t, options);
  const good = {
    subject: "u",
    unit: null,
    arm: "candidate",
    reason: "r",
    actor: "a",
    untilMs: Date.now() + 60_000,
  } as const;
  const bad = [
    { reason: " " },
    { actor: "" },
    { untilMs: Date.now() - 1 },
    { untilMs: Number.NaN },
    { untilMs: Date.now() + 31 * 86_400_000 },
    { unit: "no-such-unit" },
    { subject: "" },
    { subject: "a\nb" },
    { subject: "x".repeat(129) },
    { arm: "both" as never },
  ];
  for (const part of bad)
    await assert.rejects(control.addPin({ ...good, ...part }), { code: "PIN_REFUSED" }, JSON.stringify(part));
  await assert.rejects(control.kill("L0", "", "ann"), { code: "KILL_REFUSED" });
  await assert.rejects(control.kill("L6" as never, "r", "ann"), { code: "KILL_REFUSED" });
  await assert.rejects(control.clearKill("L0", "", "ann"), { code: "KILL_REFUSED" });
  assert.equal(control.state.data.overrides.pins.length, 0);
});

test("when the disk refuses, a kill holds and says so, anything else is not done; the record is retried", async (t) => {
  const { dir, options } = await room(t);
  const clock = createManualClock();
  const stateDir = join(dir, "state");
  const control = await started(t, { ...options, stateDir, clock });
  await control.writer.setExposure(TUTORING.flag, 100, "a");
  // A folder that is gone refuses writes for root as well, which permissions would not.
  await rename(stateDir, join(dir, "away"));
  await assert.rejects(
    control.kill("L0", "errors rise", "ann"),
    /The kill holds, but it could not be recorded \(ENOENT\)/,
  );
  assert.equal(armOf(control.state, "u"), "control");
  const pin = {
    subject: "u",
    unit: null,
    arm: "candidate",
    reason: "r",
    actor: "a",
    untilMs: clock.now() + 60_000,
  } as const;
  await assert.rejects(control.addPin(pin), { code: "STATE_WRITE" });
  await assert.rejects(control.clearKill("L0", "over", "ann"), { code: "STATE_WRITE" });
  await assert.rejects(control.writer.setExposure(TUTORING.flag, 50, "ann"), { code: "STATE_WRITE" });
  assert.deepEqual([control.state.data.overrides.pins.length, armOf(control.state, "u")], [0, "control"]);
  await rename(join(dir, "away"), stateDir);
  clock.advance(1_000);
  await until("kill recorded", async () => (await read(join(stateDir, "overrides.json"))).includes("errors rise"));
  await until("audited", async () => (await audit(stateDir)).some(({ event }) => event === "kill.on"));
});

test("an unreadable flag file at start falls back to the last known flags, marked stale by their own age", async (t) => {
  const { options, problems } = await room(t);
  const clock = createManualClock(Date.now());
  const first = await started(t, { ...options, clock });
  await first.writer.setExposure(TUTORING.flag, 100, "a");
  await first.stop();
  await writeFile(options.flags.file, '{"version":2,"featu');
  const later = createManualClock(clock.now() + 60_000);
  const second = await started(t, { ...options, clock: later });
  const decision = second.state.decide(TUTORING, "u", later.now());
  assert.deepEqual(
    [decision.arm, decision.isStale, second.state.data.reading.source],
    ["candidate", true, "last-known"],
  );
  assert.deepEqual(
    problems.map(({ code }) => code),
    ["flag-file"],
  );
});

test("no usable flags at all means control, with the reason", async (t) => {
  const { options } = await room(t);
  await writeFile(options.flags.file, "not json");
  const control = await started(t, options);
  assert.equal(control.state.decide(TUTORING, "u", Date.now()).reason, "flags-stale");
  assert.equal(await readFile(options.flags.file, "utf8"), "not json", "nothing was written over");
});

test("an invalid unit flag keeps its last valid definition, is named, and can still be switched off", async (t) => {
  const { options, problems } = await room(t);
  const clock = createManualClock(Date.now());
  const control = await started(t, { ...options, clock });
  await control.writer.setExposure(TUTORING.flag, 100, "a");
  const put = async (feature: Record<string, unknown>) => {
    const { epoch } = control.state.data;
    await writeFile(
      options.flags.file,
      JSON.stringify({ version: 2, features: [{ name: TUTORING.flag, ...feature }] }),
    );
    await until("read", () => control.state.data.epoch > epoch);
  };
  const bad = [
    { name: "flexibleRollout", parameters: { rollout: "150", stickiness: "userId", groupId: "switchyard" } },
  ];
  await put({ enabled: true, strategies: bad });
  assert.equal(control.state.decide(TUTORING, "u", clock.now()).ruleId, "unit:tutoring@100");
  assert.deepEqual(
    problems.map(({ code, flag }) => [code, flag]),
    [["flag-invalid", TUTORING.flag]],
  );
  await put({ enabled: false, strategies: bad });
  assert.equal(armOf(control.state, "u"), "control");
  await put({ enabled: true, strategies: bad });
  assert.equal(armOf(control.state, "u"), "control", "what was switched off stays off until it is valid");
  await put({ enabled: true, strategies: [{ ...bad[0], parameters: { rollout: "100", stickiness: "default" } }] });
  assert.equal(armOf(control.state, "u"), "candidate");
  assert.deepEqual(control.problems, []);
});

test("quiet flags stay fresh without a new epoch, and other processes hear of it every 10 s", async (t) => {
  const { options } = await room(t);
  const clock = createManualClock(Date.now());
  const control = await started(t, { ...options, clock });
  const heard: [number, boolean][] = [];
  control.onChange((state) => heard.push([state.data.epoch, state.decide(TUTORING, "u", clock.now()).isStale]));
  const { epoch } = control.state.data;
  for (let second = 0; second < 40; second++) {
    const { confirmedAtMs } = control.state.data.reading;
    await until("timers wait", () => clock.pending >= 2);
    clock.advance(1_000);
    await until("renewed", () => control.state.data.reading.confirmedAtMs > confirmedAtMs);
  }
  assert.equal(control.state.decide(TUTORING, "u", clock.now()).isStale, false);
  assert.deepEqual(
    heard,
    Array.from({ length: 4 }, () => [epoch, false]),
  );
});

test("a state folder that others can read is reported", async (t) => {
  const { dir, options, problems } = await room(t);
  await chmod(dir, 0o755);
  await started(t, options);
  assert.deepEqual(
    problems.map(({ code }) => code),
    ["state-folder"],
  );
});

test("a listener that throws disturbs neither the change nor the other listeners", async (t) => {
  const { options, problems } = await room(t);
  const control = await started(t, options);
  let heard = 0;
  control.onChange(() => assert.fail("boom"));
  const off = control.onChange(() => void heard++);
  await control.kill("L0", "r", "a");
  off();
  await control.clearKill("L0", "r", "a");
  assert.deepEqual([heard, problems.map(({ code }) => code)], [1, ["listener"]]);
});
