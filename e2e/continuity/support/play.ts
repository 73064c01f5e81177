// Plays histories side by side on both arms, lets the relay come to rest, and looks at what both arms hold.
import assert from "node:assert/strict";
import * as Y from "yjs";
import { eventually } from "../../support/index.ts";
import type { Arm, Digest } from "../../../src/continuity/index.ts";
import { otherArm } from "../../../src/kernel/index.ts";
import { createLearner, type HeldSession, type Learner } from "./learner.ts";
import type { Act, History, Step } from "./history.ts";
import { ARMS, openRelay, type RelayRun, type Rig } from "./rig.ts";

const { signal } = new AbortController();

interface Person {
  readonly learner: Learner;
  readonly history: History;
  arm: Arm;
  hasMoved: boolean;
  /** Sessions on whose boards the arm that was left has drawn: to delete them here would make their boards rows of two writers. */
  readonly drawnLate: Set<string>;
}

const pick = <T>(list: readonly T[], at: number): T | undefined =>
  list.length === 0 ? undefined : list[at % list.length];

/** Sessions that this arm has heard of. */
const sessionOn = ({ held }: Learner, arm: Arm, at: number): string | undefined =>
  pick(
    [...held.sessions].filter(([, { on }]) => on.has(arm)).map(([id]) => id),
    at,
  );

export async function write(learner: Learner, arm: Arm, act: Act): Promise<unknown> {
  const folder = pick([...learner.held.folders.keys()], act.at);
  const session = sessionOn(learner, arm, act.at);
  switch (act.do) {
    case "add folder":
      return learner.addFolder(arm, act.name);
    case "add session":
      return learner.addSession(arm, act.at % 2 === 0 ? folder : undefined);
    case "rename folder":
      return folder === undefined ? undefined : learner.renameFolder(arm, folder, act.name);
    case "drop folder":
      return folder === undefined ? undefined : learner.dropFolder(arm, folder);
    case "drop session":
      return session === undefined ? undefined : learner.dropSession(arm, session);
    case "say":
      return session === undefined ? undefined : learner.say(arm, session, `words ${act.at}`);
    case "log":
      return session === undefined ? undefined : learner.log(arm, session);
    case "draw":
      return session === undefined ? undefined : learner.draw(arm, session, act.object);
    case "erase":
      return session === undefined ? undefined : learner.erase(arm, session, act.by, act.object);
  }
}

async function crash({ arm, how }: Extract<Step, { do: "crash" }>, rig: Rig, relay: RelayRun): Promise<void> {
  const { state } = relay;
  if (how === "no cursor") state.failSaves(1);
  else if (how === "no answer") rig.couriers[otherArm(arm)].lose(1);
  else if (how === "old cursor") state.goBack(arm, 3);
  await relay.restart();
}

async function take(person: Person, step: Step, rig: Rig, relay: RelayRun): Promise<unknown> {
  const { learner } = person;
  relay.clock.advance(50);
  switch (step.do) {
    case "flip":
      await relay.carry(learner.user.sub, person.arm);
      for (const { on } of learner.held.sessions.values()) if (on.has(person.arm)) on.add(otherArm(person.arm));
      person.arm = otherArm(person.arm);
      person.hasMoved = true;
      return;
    case "late":
      return person.hasMoved ? writeLate(person, step.act) : undefined;
    case "relay":
      return relay.clock.advance(250);
    case "crash":
      return crash(step, rig, relay);
    case "deliver":
      rig.couriers[step.arm].habits = step.habits;
      return;
    case "drop session": {
      const session = sessionOn(learner, person.arm, step.at);
      return session !== undefined && person.drawnLate.has(session) ? undefined : write(learner, person.arm, step);
    }
    default:
      return write(learner, person.arm, step);
  }
}

async function writeLate({ learner, arm, drawnLate }: Person, act: Act): Promise<unknown> {
  const left = otherArm(arm);
  const session = sessionOn(learner, left, act.at);
  if (session !== undefined && (act.do === "draw" || act.do === "erase")) drawnLate.add(session);
  return write(learner, left, act);
}

async function live(person: Person, rig: Rig, relay: RelayRun): Promise<void> {
  // An arm makes the account at the first call: at both arms it would be a row of two writers.
  await person.learner.addFolder(person.arm, "first");
  for (const step of person.history) await take(person, step, rig, relay);
  await person.learner.leave();
}

export type Check = (rig: Rig, relay: RelayRun, people: readonly Learner[]) => Promise<void>;

/** The relay may still be under way when the check is called. */
export async function play(rig: Rig, histories: readonly History[], check: Check): Promise<void> {
  const relay = await openRelay(rig);
  const people = histories.map((history, at): Person => {
    const learner = createLearner(rig.urls, rig.issuer.user());
    return { learner, history, arm: at % 2 === 0 ? "control" : "candidate", hasMoved: false, drawnLate: new Set() };
  });
  try {
    await Promise.all(people.map((person) => live(person, rig, relay)));
    await check(
      rig,
      relay,
      people.map(({ learner }) => learner),
    );
  } finally {
    await Promise.all(people.map(({ learner }) => learner.leave()));
    await relay.stop();
  }
}

/** Both arms hold the same of this person. */
async function assertEqual(rig: Rig, { user }: Learner): Promise<Digest> {
  const [control, candidate] = await Promise.all([
    rig.direct.digest(user.sub, "control", signal),
    rig.direct.digest(user.sub, "candidate", signal),
  ]);
  assert.equal(control.fullHash, candidate.fullHash, "the arms differ");
  return control;
}

/** Where they differ, row by row. */
async function assertSameRows(rig: Rig, { user }: Learner): Promise<void> {
  const rows = await Promise.all(ARMS.map((arm) => rig.direct.rows(user.sub, arm, signal)));
  const [left, right] = rows.map((list) =>
    list.map(({ section, key, fingerprint }) => `${section} ${key} ${fingerprint}`),
  );
  assert.deepEqual(left, right, "the arms differ");
}

/** Both feeds are read to their ends, and both arms hold the same of these people. */
export async function atRest(rig: Rig, relay: RelayRun, people: readonly Learner[]): Promise<readonly Digest[]> {
  try {
    return await relay.until(async () => {
      assert.ok(await relay.isAtRest(), "the relay is under way");
      const digests: Digest[] = [];
      for (const learner of people) digests.push(await assertEqual(rig, learner));
      return digests;
    }, 5_000);
  } catch (error) {
    for (const learner of people) await assertSameRows(rig, learner);
    throw error;
  }
}

/** Names of what is on a board. */
export async function boardOf({ ask }: Learner, arm: Arm, id: string): Promise<readonly string[]> {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, (await ask(arm, "GET", `/api/v1/sessions/${id}/whiteboard_snapshot`)).body);
  return [...doc.getMap("objects").keys()].sort();
}

const sum = (sessions: Iterable<HeldSession>, count: (session: HeldSession) => number): number =>
  [...sessions].reduce((all, session) => all + count(session), 0);

/** What one arm holds, and so both, is what the person has done. */
export async function assertHolds(learner: Learner, { sections }: Digest): Promise<void> {
  const { folders, sessions } = learner.held;
  const counts = Object.fromEntries(
    ["folders", "sessions", "session_messages", "yjs_snapshots", "processed_messages"].map((name) => [
      name,
      sections.get(name)?.count ?? 0,
    ]),
  );
  const turns = sum(sessions.values(), (session) => session.turns);
  assert.deepEqual(counts, {
    folders: folders.size,
    sessions: sessions.size,
    session_messages: 2 * turns,
    yjs_snapshots: sum(sessions.values(), ({ hasBoard }) => (hasBoard ? 1 : 0)),
    processed_messages: turns,
  });
  for (const arm of ARMS) {
    const found = (await learner.ask(arm, "GET", "/api/v1/folders/")).json().folders;
    assert.deepEqual(
      new Map(found.map(({ id, name }: { id: string; name: string }) => [id, name])),
      new Map([...folders].sort()),
    );
    for (const [id, { objects, unsure }] of sessions) {
      const board = await boardOf(learner, arm, id);
      assert.deepEqual(
        board.filter((object) => !unsure.has(object)),
        [...objects].filter((object) => !unsure.has(object)).sort(),
      );
    }
  }
}

/** At rest both arms hold what these people have done, nobody's write has lost, and nothing was refused. */
export async function assertWhole(rig: Rig, relay: RelayRun, people: readonly Learner[]): Promise<void> {
  // The last board may be stored a moment after its socket has closed.
  await eventually(async () => {
    const digests = await atRest(rig, relay, people);
    for (const [at, learner] of people.entries()) await assertHolds(learner, digests[at] as Digest);
  });
  assert.deepEqual([relay.conflicts, relay.refused], [[], []]);
  assert.equal(await relay.counted("switchyard_relay_conflicts_total"), 0);
}
