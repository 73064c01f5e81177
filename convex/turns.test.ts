import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { api } from "./_generated/api.js";
import type { Id } from "./_generated/dataModel.js";
import { KEPT_MS } from "./model/idempotency.ts";
import { LEASE_MS } from "./model/leases.ts";
import { createTest, NOW, type TestUser } from "./test.setup.ts";

const HERE = { instance: "here", holds: true };
const THERE = { instance: "there", holds: true };

/** The clock that leases run by. */
function deploymentClock(context: TestContext) {
  let now = NOW;
  context.mock.method(Date, "now", () => now);
  return {
    tick(ms: number) {
      now += ms;
    },
  };
}

async function withSession() {
  const { t, user, service } = createTest();
  const ann = user("ann");
  await ann.mutation(api.sessions.create, { id: "s1", spareId: "", folderId: null, now: NOW });
  const opened = await ann.query(api.turns.open, { id: "s1" });
  assert.ok(opened);
  return { t, user, service, ann, session: opened.session };
}

const log = (row: number) => ({
  id: `log${row}`,
  row,
  content: "hi",
  contentType: "user_input",
  eventType: "user_message",
});

async function begun(ann: TestUser, session: Id<"sessions">, row: number, more: object = {}) {
  const turn = await ann.mutation(api.turns.begin, {
    session,
    now: NOW,
    ...HERE,
    log: log(row),
    userText: "hi",
    ...more,
  });
  assert.ok(turn.status === "ready", turn.status);
  return turn;
}

const finish = (turnNo: number, more: object = {}) => ({
  now: NOW,
  instance: HERE.instance,
  framesJson: '["{}"]',
  contextJson: '{"a":1}',
  conceptEvents: [],
  reply: { turnNo, text: "answer", payloadJson: "{}" },
  ...more,
});

test("effect, reply and remembered frames commit together and number the rows without a gap", async () => {
  const { ann, session } = await withSession();
  const turn = await begun(ann, session, 1, { clientMessageId: "m1" });
  assert.equal(turn.latestTurnNo, 1);
  const processed = turn.processed ?? undefined;
  const end = { session, clientMessageId: "m1", ...(processed && { processed }), actionsJson: "[1]" };
  assert.equal((await ann.mutation(api.turns.finish, { ...finish(2), ...end })).status, "stored");
  const rows = await ann.query(api.messages.below, { id: "s1", limit: 10 });
  assert.deepEqual(
    rows?.map((row) => [row.turnNo, row.role, row.snapshotIndex]),
    [
      [1, "user", null],
      [2, "assistant", 2],
    ],
  );
  const repeat = await ann.mutation(api.turns.begin, {
    session,
    now: NOW,
    ...HERE,
    clientMessageId: "m1",
    log: log(2),
    userText: "hi",
  });
  assert.deepEqual(repeat, { status: "repeat", framesJson: '["{}"]' });
});

test("a turn that failed leaves its user row and log row, and a repeat of its id doubles neither", async () => {
  const { ann, session } = await withSession();
  await begun(ann, session, 1, { clientMessageId: "m1" });
  const again = await begun(ann, session, 2, { clientMessageId: "m1" });
  assert.deepEqual([again.latestTurnNo, again.inputTurnNo, again.logRows, again.isInputReused], [1, 1, 1, true]);
  assert.equal((await ann.query(api.logs.list, { id: "s1", limit: 10 }))?.interactions.length, 1);
});

test("a repeat of an id is forgotten after a day", async () => {
  const { ann, session } = await withSession();
  const turn = await begun(ann, session, 1, { clientMessageId: "m1" });
  const processed = turn.processed ?? undefined;
  await ann.mutation(api.turns.finish, {
    session,
    ...finish(2),
    clientMessageId: "m1",
    ...(processed && { processed }),
  });
  const later = await begun(ann, session, 2, { clientMessageId: "m1", now: NOW + KEPT_MS });
  assert.equal(later.latestTurnNo, 3);
});

test("a begin that counts log rows wrongly is told the right number and changes nothing", async () => {
  const { ann, session } = await withSession();
  await begun(ann, session, 1);
  const stale = await ann.mutation(api.turns.begin, { session, now: NOW, ...HERE, log: log(1), userText: "hi" });
  assert.deepEqual(stale, { status: "stale", logRows: 1 });
  assert.equal((await ann.query(api.messages.below, { id: "s1", limit: 10 }))?.length, 1);
});

test("a finish whose turn number is taken stores nothing", async () => {
  const { ann, session } = await withSession();
  await begun(ann, session, 1);
  assert.equal((await ann.mutation(api.turns.finish, { session, ...finish(2) })).status, "stored");
  assert.equal((await ann.mutation(api.turns.finish, { session, ...finish(2) })).status, "stale");
});

test("the analysis is claimed once, with its job in the same transaction", async () => {
  const { t, ann, session } = await withSession();
  const { reply: _, ...end } = finish(1, { claimJobId: "job1" });
  await begun(ann, session, 1);
  assert.equal((await ann.mutation(api.turns.finish, { session, ...end })).status, "stored");
  assert.equal((await ann.mutation(api.turns.finish, { session, ...end, claimJobId: "job2" })).status, "stale");
  const jobs = await t.run((ctx) => ctx.db.query("jobs").collect());
  assert.deepEqual(
    jobs.map((job) => [job.publicId, job.kind, job.status]),
    [["job1", "session_analysis", "queued"]],
  );
  assert.equal((await ann.query(api.sessions.get, { id: "s1" }))?.analysis_status, "processing");
});

test("rows the caller holds are not read again, and those before an older input always are", async () => {
  const { ann, session } = await withSession();
  const first = await begun(ann, session, 1, { clientMessageId: "m1", knownThrough: 0 });
  assert.equal(first.messages, null);
  await begun(ann, session, 2, { knownThrough: 1 });
  const repeat = await begun(ann, session, 3, { clientMessageId: "m1", knownThrough: 2 });
  assert.deepEqual(repeat.messages, []);
});

test("a foreign or deleted session has gone", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { t, user, ann, session } = await withSession();
  const turn = { session, now: NOW, ...HERE };
  assert.equal((await user("bob").mutation(api.turns.begin, turn)).status, "gone");
  await begun(ann, session, 1);
  await ann.mutation(api.sessions.remove, { id: "s1", now: NOW, instance: "here" });
  assert.equal((await ann.mutation(api.turns.begin, turn)).status, "gone");
  await t.finishAllScheduledFunctions(() => context.mock.timers.runAll());
  const left = await t.run(async (ctx) => [
    ...(await ctx.db.query("sessionMessages").collect()),
    ...(await ctx.db.query("interactionLogs").collect()),
    ...(await ctx.db.query("sessionContexts").collect()),
  ]);
  assert.deepEqual(left, []);
});

test("one instance runs a session's turns at a time; another waits until it is finished, given up or out of time", async (context) => {
  const clock = deploymentClock(context);
  const { ann, user, service, session } = await withSession();
  const there = { session, now: NOW, ...THERE, log: log(1), userText: "hi" };
  const busyUntil = () => service.query(api.turns.busyUntil, { id: "s1" });
  assert.equal(await busyUntil(), 0);
  await begun(ann, session, 1);
  assert.equal(await busyUntil(), NOW + LEASE_MS);
  assert.deepEqual(await ann.mutation(api.turns.begin, there), { status: "busy" });
  assert.deepEqual(await ann.mutation(api.turns.begin, { ...there, holds: false }), { status: "busy" });
  const removal = { id: "s1", now: NOW, instance: "there" };
  assert.deepEqual(await ann.mutation(api.sessions.remove, removal), { outcome: "busy" });
  assert.equal((await ann.query(api.messages.below, { id: "s1", limit: 10 }))?.length, 1);

  clock.tick(LEASE_MS - 1);
  assert.equal(await ann.mutation(api.turns.renew, { session, instance: "here" }), true);
  assert.equal(await user("bob").mutation(api.turns.renew, { session, instance: "here" }), false);
  clock.tick(LEASE_MS - 1);
  assert.deepEqual(await ann.mutation(api.turns.begin, there), { status: "busy" });
  await ann.mutation(api.turns.release, { session, instance: "there" });
  assert.deepEqual(await ann.mutation(api.turns.begin, there), { status: "busy" });
  await ann.mutation(api.turns.release, { session, instance: "here" });
  assert.equal(await busyUntil(), 0);
  assert.equal((await ann.mutation(api.turns.begin, { ...there, log: log(2) })).status, "ready");
});

test("what an instance that was too slow would have stored is refused once another has taken the session", async (context) => {
  const clock = deploymentClock(context);
  const { ann, session } = await withSession();
  await begun(ann, session, 1);
  clock.tick(LEASE_MS + 1);
  await begun(ann, session, 2, THERE);
  assert.equal(await ann.mutation(api.turns.renew, { session, instance: "here" }), false);
  assert.equal((await ann.mutation(api.turns.finish, { session, ...finish(3) })).status, "stale");
  const end = { session, ...finish(3), instance: "there" };
  assert.equal((await ann.mutation(api.turns.finish, end)).status, "stored");
});

test("an instance that ran out of time with nobody waiting stores its turn all the same", async (context) => {
  const clock = deploymentClock(context);
  const { ann, session } = await withSession();
  await begun(ann, session, 1);
  clock.tick(10 * LEASE_MS);
  assert.equal((await ann.mutation(api.turns.finish, { session, ...finish(2) })).status, "stored");
});
