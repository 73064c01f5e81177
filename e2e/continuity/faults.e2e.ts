import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import type { Arm, Continuity } from "../../src/continuity/index.ts";
import { otherArm } from "../../src/kernel/index.ts";
import { call, eventually, metricSum, nonce, SERVICE_TOKEN, startProxy } from "../support/index.ts";
import { GOOD_HABITS } from "./support/courier.ts";
import { createLearner, type Learner } from "./support/learner.ts";
import { age } from "./support/legacyStore.ts";
import { assertHolds, assertWhole, atRest, boardOf } from "./support/play.ts";
import { ARMS, openRelay, type RelayRun, type Rig, startRig } from "./support/rig.ts";

let rig: Rig;
before(async () => {
  rig = await startRig();
});
after(() => rig.stop());

const person = (): Learner => createLearner(rig.urls, rig.issuer.user());

/** Switches faults of an arm on for as long as the work takes. */
async function withFaults<T>(arm: Arm, faults: string, work: () => Promise<T>): Promise<T> {
  const put = async (body: string): Promise<void> => {
    const headers = { "x-service-token": SERVICE_TOKEN, "content-type": "text/plain" };
    const reply = await call(rig.urls[arm], { method: "PUT", path: "/internal/faults", headers, body });
    assert.equal(reply.status, 204, reply.text);
  };
  await put(faults);
  try {
    return await work();
  } finally {
    await put("");
  }
}

async function withRelay(work: (relay: RelayRun) => Promise<void>): Promise<void> {
  const relay = await openRelay(rig);
  try {
    await work(relay);
  } finally {
    await relay.stop();
  }
}

/** At rest, and nobody's write has lost. */
async function holdsAll(relay: RelayRun, ...people: readonly Learner[]): Promise<void> {
  await Promise.all(people.map((learner) => learner.leave()));
  await assertWhole(rig, relay, people);
}

/** A folder, a session with two turns, a note and a board. */
async function lives(learner: Learner, arm: Arm): Promise<string> {
  await learner.addFolder(arm, "first");
  const session = await learner.addSession(arm);
  for (const text of ["one", "two"]) await learner.say(arm, session, text);
  await learner.log(arm, session);
  await learner.draw(arm, session, "a");
  return session;
}

test("a feed that has expired while the relay was away: it says so, copies everybody, and is whole again", () =>
  withRelay(async (relay) => {
    const [ann, bob] = [person(), person()];
    await lives(ann, "control");
    await holdsAll(relay, ann);
    await relay.continuity.stop();
    await ann.addFolder("control", "meanwhile");
    await lives(bob, "control");
    await bob.leave();
    await rig.arms.control.stop();
    age(rig.dirs.control, 8);
    await rig.startAgain("control");
    // The arm looks for what is too old in the background.
    const headers = { "x-service-token": SERVICE_TOKEN };
    const oldest = { method: "GET", path: "/internal/changes?after=0", headers };
    await eventually(async () => assert.equal((await call(rig.urls.control, oldest)).status, 410));
    await relay.restart();
    await relay.until(() => assert.ok(relay.events.some(([name]) => name === "copy.done")));
    assert.match(JSON.stringify(relay.events), /"fault":"expired"/);
    assert.equal(relay.continuity.status.relays[0]?.isWhole, true);
    await holdsAll(relay, ann, bob);
  }));

test("kill -9 of an arm in the middle of a copy of everybody: it goes on where it was", () =>
  withRelay(async (relay) => {
    const people = Array.from({ length: 6 }, person);
    await Promise.all(people.map((learner) => lives(learner, "control")));
    await Promise.all(people.map((learner) => learner.leave()));
    const copies = (): Continuity["status"]["copies"][number] | undefined => relay.continuity.status.copies[0];
    // What comes again and again takes long enough to end in the middle of it.
    rig.couriers.candidate.habits = { ...GOOD_HABITS, isTwice: true, isRepeating: true };
    relay.continuity.copyAll("control");
    await relay.until(() => assert.ok((copies()?.done ?? 0) >= 4));
    rig.arms.candidate.signal("SIGKILL");
    await rig.arms.candidate.exited();
    rig.couriers.candidate.habits = GOOD_HABITS;
    const { done } = copies()!;
    await relay.until(() => assert.match(copies()?.failure ?? "", /no answer/));
    assert.ok(copies()!.done >= done);
    await rig.startAgain("candidate");
    await relay.until(() => assert.equal(copies(), undefined));
    await holdsAll(relay, ...people);
  }));

test("a relay killed between apply and cursor does it again, which changes nothing", async () => {
  const people = [person(), person()];
  const ports = { controlUrl: rig.urls.control, candidateUrl: rig.couriers.candidate.url };
  const proxy = await startProxy({ ...ports, everyoneOn: "control" });
  let metrics: string;
  try {
    const applied = rig.couriers.candidate.keep();
    for (const learner of people) await lives(learner, "control");
    await applied;
    proxy.signal("SIGKILL");
    await proxy.exited();
  } finally {
    await proxy.stop();
  }
  const env = { SWITCHYARD__STATE_DIR: proxy.stateDir };
  const again = await startProxy({ ...ports, everyoneOn: "control", env });
  try {
    await withRelay(async (relay) => {
      await Promise.all(people.map((learner) => learner.leave()));
      // This relay begins at the end of the feeds: what comes is brought by the proxy's.
      await eventually(() => holdsAll(relay, ...people), 8_000, 100);
    });
    metrics = await (await fetch(`${again.adminUrl}/metrics`)).text();
  } finally {
    await again.stop();
  }
  assert.equal(metricSum(metrics, "switchyard_relay_conflicts_total"), 0);
  assert.equal(metricSum(metrics, "switchyard_relay_rows_total", { outcome: "refused" }), 0);
});

for (const arm of ARMS) {
  test(`lost-write at ${arm}: what was answered and never stored is at neither arm`, () =>
    withRelay(async (relay) => {
      const ann = person();
      await lives(ann, arm);
      const lost = await withFaults(arm, "lost-write", () =>
        ann.ask(arm, "POST", "/api/v1/folders/", { name: "lost" }),
      );
      assert.equal(lost.status, 201);
      await holdsAll(relay, ann);
    }));

  test(`stale-read at ${arm}: the relay brings what is, whatever the arm shows its callers`, () =>
    withRelay(async (relay) => {
      const ann = person();
      await ann.addFolder(arm, "first");
      await atRest(rig, relay, [ann]);
      await withFaults(arm, "stale-read:1:60000", async () => {
        await lives(ann, arm);
        const seen = await ann.ask(arm, "GET", "/api/v1/folders/");
        assert.deepEqual(seen.json().folders, [], "the fault is on");
        await ann.leave();
        await atRest(rig, relay, [ann]);
      });
      await holdsAll(relay, ann);
    }));

  test(`double-effect at ${arm}: doubled rows come over as they are`, () =>
    withRelay(async (relay) => {
      const ann = person();
      await lives(ann, arm);
      const key = { "idempotency-key": nonce() };
      await withFaults(arm, "double-effect", async () => {
        const ids = [];
        for (let i = 0; i < 2; i++) {
          ids.push((await ann.ask(arm, "POST", "/api/v1/folders/", { name: "twice" }, key)).json().id);
        }
        for (const id of ids) ann.held.folders.set(id, "twice");
      });
      assert.equal(ann.held.folders.size, 3);
      await holdsAll(relay, ann);
    }));

  test(`clock-skew of 90 s at ${arm}: the later write stands, whatever its time says`, () =>
    withRelay(async (relay) => {
      const ann = person();
      await withFaults(arm, "clock-skew:1:90", async () => {
        await lives(ann, arm);
        const [folder] = [...ann.held.folders.keys()] as [string];
        for (const [at, name] of ["ahead", "of the true clock", "ahead again", "last"].entries()) {
          const writer = at % 2 === 0 ? arm : otherArm(arm);
          await ann.renameFolder(writer, folder, name);
          await relay.carry(ann.user.sub, writer);
        }
      });
      await holdsAll(relay, ann);
    }));
}

test("a feed of the candidate that has expired: everybody is copied", () =>
  withRelay(async (relay) => {
    const people = [person(), person()];
    for (const learner of people) await lives(learner, "candidate");
    rig.couriers.candidate.refuse(410, 1);
    await relay.until(() => assert.ok(relay.events.some(([name]) => name === "copy.done")));
    await holdsAll(relay, ...people);
  }));

test("a carry in small pages takes messages whose session stands behind them in the feed", () =>
  withRelay(async (relay) => {
    const ann = person();
    await lives(ann, "control");
    await ann.leave();
    rig.couriers.control.habits = { ...rig.couriers.control.habits, pageMax: 1 };
    await relay.carry(ann.user.sub, "control");
    await holdsAll(relay, ann);
  }));

test("pages in another order, in parts, twice and again from the beginning change nothing", () =>
  withRelay(async (relay) => {
    const people = { control: person(), candidate: person() };
    const habits = { pageMax: 3, isShuffled: true, isTwice: true, isRepeating: true };
    for (const arm of ARMS) rig.couriers[arm].habits = habits;
    for (const arm of ARMS) {
      const session = await lives(people[arm], arm);
      relay.clock.advance(250);
      await people[arm].erase(arm, session, arm, "a");
      await people[arm].draw(arm, session, "b");
    }
    await holdsAll(relay, people.control, people.candidate);
  }));

test("a write that the other arm has seen and gone on from is no conflict when the relay comes with it late", () =>
  withRelay(async (relay) => {
    for (const arm of ARMS) {
      const ann = person();
      await ann.addFolder(arm, "first");
      await relay.carry(ann.user.sub, arm);
      await ann.renameFolder(otherArm(arm), [...ann.held.folders.keys()][0]!, "second");
      await holdsAll(relay, ann);
    }
  }));

test("a write that loses against another arm's later ones is named, however many they are", () =>
  withRelay(async (relay) => {
    for (const [loser, winner] of [ARMS, ARMS.toReversed()] as [Arm, Arm][]) {
      const ann = person();
      await ann.addFolder(loser, "first");
      await atRest(rig, relay, [ann]);
      const [key] = [...ann.held.folders.keys()] as [string];
      relay.conflicts.length = 0;
      // What has lost is no longer in the feed when the relay reads it there.
      rig.couriers[loser].refuse(503, 3);
      await ann.renameFolder(loser, key, "lost");
      for (const name of ["kept", "kept at last"]) await ann.renameFolder(winner, key, name);
      const [digest] = await atRest(rig, relay, [ann]);
      await assertHolds(ann, digest!);
      assert.deepEqual([...new Set(relay.conflicts.map((row) => `${row.section} ${row.key}`))], [`folders ${key}`]);
    }
    assert.ok((await relay.counted("switchyard_relay_conflicts_total")) >= 2);
  }));

test("a session that one arm deletes and the other goes on with stays, with its board, on both", () =>
  withRelay(async (relay) => {
    for (const [deleting, living] of [ARMS, ARMS.toReversed()] as [Arm, Arm][]) {
      const ann = person();
      const session = await lives(ann, deleting);
      await ann.leave();
      await atRest(rig, relay, [ann]);
      for (const text of ["and", "so", "on"]) await ann.say(living, session, text);
      await ann.ask(deleting, "DELETE", `/api/v1/sessions/${session}`);
      await ann.leave();
      await atRest(rig, relay, [ann]);
      assert.ok(relay.conflicts.some(({ section, key }) => section === "sessions" && key === session));
      for (const arm of ARMS) assert.deepEqual(await boardOf(ann, arm, session), [`${deleting} a`]);
    }
  }));
