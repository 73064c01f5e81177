// One person at both arms while no relay runs, and which rows both arms have written by then.
import assert from "node:assert/strict";
import type { Arm } from "../../../src/continuity/index.ts";
import type { Split } from "./history.ts";
import { call, canonicalJson, type Json, SERVICE_TOKEN } from "../../support/index.ts";
import { createLearner, type Learner } from "./learner.ts";
import { atRest, write } from "./play.ts";
import { ARMS, openRelay, originOf, type RelayRun, type Rig } from "./rig.ts";

const { signal } = new AbortController();
/** Rows that stand for themselves: all others go when their session goes, whoever has written them. */
const ALONE = ["accounts", "folders", "sessions"];

interface Row {
  readonly section: string;
  readonly name: string;
  readonly isDeleted: boolean;
  readonly end: string;
}

/** What this arm itself has written behind a place in its feed. */
async function writtenBy(rig: Rig, { user }: Learner, arm: Arm, after: number): Promise<readonly Row[]> {
  const path = `/internal/changes?after=${after}&limit=1000&user_id=${user.sub}`;
  const reply = await call(rig.urls[arm], { method: "GET", path, headers: { "x-service-token": SERVICE_TOKEN } });
  return (reply.json().changes as Json[])
    .filter(({ origin }) => origin === originOf(arm))
    .map(({ kind, key, op, data }) => {
      const end = canonicalJson({ op, data });
      return { section: kind, name: `${kind} ${key}`, isDeleted: op === "delete", end };
    });
}

/** Sections in which it is certain who has lost: two boards merge, and so nobody does. */
function isCertain(rows: readonly Row[]): (name: string) => boolean {
  const hasGone = rows.some(({ section, isDeleted }) => section === "sessions" && isDeleted);
  return (name) => {
    const [section = ""] = name.split(" ");
    return hasGone ? ALONE.includes(section) : section !== "yjs_snapshots";
  };
}

/** Written by both, and not to the same end. */
function contestedIn(control: readonly Row[], candidate: readonly Row[]): string[] {
  const ends = new Map(candidate.map(({ name, end }) => [name, end]));
  return control.filter(({ name, end }) => ends.has(name) && ends.get(name) !== end).map(({ name }) => name);
}

async function spread(learner: Learner, split: Split): Promise<void> {
  for (const session of learner.held.sessions.values()) for (const arm of ARMS) session.on.add(arm);
  await Promise.all(
    ARMS.map(async (arm) => {
      for (const act of split[arm]) await write(learner, arm, act);
    }),
  );
  await learner.leave();
}

/** What each arm has written of these people since, by itself. */
const writtenSince = (rig: Rig, people: readonly Learner[], ends: readonly number[]): Promise<(readonly Row[])[]> =>
  Promise.all(
    ARMS.map(async (arm, at) => {
      const rows = people.map((learner) => writtenBy(rig, learner, arm, ends[at] ?? 0));
      return (await Promise.all(rows)).flat();
    }),
  );

export interface Parted {
  readonly relay: RelayRun;
  readonly people: readonly Learner[];
  /** `section key`, sorted. */
  readonly contested: readonly string[];
  /** Of what the relay has told. */
  readonly named: readonly string[];
}

/** Resolves when the relay has read both feeds to their ends. */
export async function part(rig: Rig, splits: readonly Split[], check: (parted: Parted) => Promise<void>) {
  const relay = await openRelay(rig);
  const people = splits.map(() => createLearner(rig.urls, rig.issuer.user()));
  const all = (work: (learner: Learner, split: Split) => Promise<void>): Promise<unknown> =>
    Promise.all(splits.map((split, at) => work(people[at] as Learner, split)));
  try {
    await all(async (learner, { before }) => {
      await learner.addFolder("control", "first");
      for (const act of before) await write(learner, "control", act);
      await learner.leave();
    });
    await atRest(rig, relay, people);
    const ends = await Promise.all(ARMS.map((arm) => rig.direct.end(arm, signal)));
    await all(spread);
    const [control = [], candidate = []] = await writtenSince(rig, people, ends);
    await relay.until(async () => assert.ok(await relay.isAtRest()));
    const certain = isCertain([...control, ...candidate]);
    const named = new Set(relay.conflicts.map(({ section, key }) => `${section} ${key}`));
    await check({
      relay,
      people,
      contested: contestedIn(control, candidate).filter(certain).sort(),
      named: [...named].filter(certain).sort(),
    });
  } finally {
    await Promise.all(people.map((learner) => learner.leave()));
    await relay.stop();
  }
}
