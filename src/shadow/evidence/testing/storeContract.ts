// What every store of evidence does, whatever is behind it.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { EvidenceError } from "../evidenceError.ts";
import type { BodyRow, EvidenceReader, EvidenceStore, FamilyPart } from "../model.ts";
import type { BodiesOptions } from "../sqlBodies.ts";
import {
  CAMPAIGN,
  checkpoint,
  DAY_MS,
  EVER,
  FAMILY,
  memoryOf,
  minutesOf,
  RESUMED,
  rowOf,
  sample,
  sampledOf,
} from "./rows.ts";
import { storeProperties } from "./storeProperties.ts";

export interface Place {
  /** Another one on the same rows. */
  open(options?: { bodies?: BodiesOptions; now?: () => number }): EvidenceStore;
  reader(): EvidenceReader;
  /** Changes rows behind its back. */
  tamper(sql: string): Promise<void>;
}

/** Runs are dead to others after this at the latest. */
export const DEAD_MS = 5_000;

/** @param place a new and empty one; null: there is none here, and the test has said so */
export function storeContract(name: string, place: (t: TestContext) => Promise<Place | null>, numRuns: number): void {
  const it = (sentence: string, body: (one: Place) => Promise<void>): void =>
    void test(`${name}: ${sentence}`, async (t) => {
      const one = await place(t);
      if (one !== null) await body(one);
    });

  it("saving a minute again replaces it, processes add up, a window is exact to the minute", async ({ open }) => {
    const store = open();
    await store.save(checkpoint({ minutes: minutesOf("run-1", 60_000, 3) }));
    await store.save(checkpoint({ minutes: minutesOf("run-1", 60_000, 5) }));
    await store.save(checkpoint({ process: "run-2", minutes: minutesOf("run-2", 120_000, 7) }));
    assert.equal(await sampledOf(store, 0, 1e9), 12);
    assert.equal(await sampledOf(store, 0, 120_000), 5);
    assert.equal(await sampledOf(store, 120_000, 180_000), 7);
    assert.deepEqual(await store.totals("other", EVER), []);
    await store.close();
  });

  it("a run's families replace its own and add up with those of others", async ({ open }) => {
    const store = open();
    await store.save(checkpoint({ families: [{ ...FAMILY, differing: 2 }] }));
    await store.save(checkpoint({ families: [FAMILY] }));
    const other: FamilyPart = { ...FAMILY, differing: 4, lastSeenMs: 9, memory: memoryOf("bob", "eve") };
    await store.save(checkpoint({ process: "run-2", families: [other] }));
    assert.deepEqual(await store.families("c1"), [{ ...rowOf(FAMILY), differing: 7, groups: 3, lastSeenMs: 9 }]);
    const { families, campaign } = await store.resume(CAMPAIGN);
    assert.equal(families[0]?.memory.offered, 4);
    assert.deepEqual(campaign, CAMPAIGN);
    assert.deepEqual(await store.resume({ id: "c2", unit: "other" }), RESUMED);
    await store.close();
  });

  it("families and samples are read as they were last saved; a person's samples can be removed", async ({ open }) => {
    const store = open();
    await store.save(checkpoint({ families: [FAMILY], samples: [sample(0, "ann"), sample(1, "bob")] }));
    const twice = [sample(1, "joe"), sample(1, "eve")];
    await store.save(checkpoint({ families: [{ ...FAMILY, differing: 9 }], samples: twice }));
    assert.deepEqual(await store.families("c1"), [{ ...rowOf(FAMILY), differing: 9 }]);
    const of = (place: number, group: string) => ({ ...sample(place, group), process: "run-1" });
    assert.deepEqual(await store.samples("c1", "f1"), [of(0, "ann"), of(1, "eve")]);
    assert.deepEqual([...(await store.resume(CAMPAIGN)).seats], [["f1", [{ group: "ann" }, { group: "eve" }]]]);
    assert.deepEqual(await store.removeGroup(() => "ann"), { samples: 1, campaigns: ["c1"] });
    assert.deepEqual(await store.samples("c1", "f1"), [of(1, "eve")]);
    assert.deepEqual(await store.campaigns("tutoring"), [CAMPAIGN]);
    assert.deepEqual(await store.campaigns("other"), []);
    assert.ok((await store.bytes()) > 0);
    await store.close();
  });

  it("shadow P5: a person has another name in each campaign, and is found in all of them", async ({ open }) => {
    const store = open();
    const other = { ...CAMPAIGN, id: "c2", unit: "orders" };
    await store.save(checkpoint({ families: [FAMILY], samples: [sample(0, "ann-c1"), sample(1, "ann-c2")] }));
    const samples = [sample(0, "ann-c2"), sample(1, "ann-c2"), sample(2, "bob-c2")];
    await store.save(checkpoint({ campaign: other, families: [FAMILY], samples }));
    const removed = await store.removeGroup((campaign) => `ann-${campaign}`);
    assert.deepEqual(removed, { samples: 3, campaigns: ["c1", "c2"] });
    const groupsOf = async (campaign: string) => (await store.samples(campaign, "f1")).map(({ group }) => group);
    assert.deepEqual([await groupsOf("c1"), await groupsOf("c2")], [["ann-c2"], ["bob-c2"]]);
    assert.deepEqual(await store.removeGroup((campaign) => `ann-${campaign}`), { samples: 0, campaigns: [] });
    await store.close();
  });

  it("a campaign that nobody has begun begins with the families of its unit's campaign before", async ({ open }) => {
    const store = open();
    const [one, two, other] = [
      { ...CAMPAIGN, id: "b1" },
      { ...CAMPAIGN, id: "b2", candidateBuild: "3.0", startedMs: 2_000 },
      { ...CAMPAIGN, id: "b3", unit: "other" },
    ];
    await store.save(checkpoint({ campaign: one, families: [FAMILY], atMs: 9_000 }));
    await store.save(checkpoint({ campaign: other, families: [{ ...FAMILY, name: "f9" }], atMs: 9_999 }));
    const { carried, compared, campaign } = await store.resume(two);
    assert.deepEqual([campaign, carried, compared.size], [null, { families: [rowOf(FAMILY)], leftOut: 0 }, 0]);
    const unseen: FamilyPart = {
      ...FAMILY,
      differing: 0,
      groups: 0,
      isCarried: true,
      memory: { ...memoryOf(), sinceMs: null },
    };
    const minutes = minutesOf("run-1", 60_000, 600);
    await store.save(checkpoint({ campaign: two, families: [unseen], minutes, atMs: 10_000 }));
    const again = await store.resume(two);
    assert.deepEqual(again.carried.families, [], "it was begun");
    assert.deepEqual([again.families.map(({ isCarried }) => isCarried), again.compared.get("GET /")], [[true], 600]);
    // Two processes have looked for it, neither of them often enough: the third campaign knows of both.
    const others = minutesOf("run-2", 60_000, 600);
    await store.save(
      checkpoint({ campaign: two, process: "run-2", families: [unseen], minutes: others, atMs: 11_000 }),
    );
    const [gone] = (await store.resume({ id: "b4", unit: CAMPAIGN.unit })).carried.families;
    assert.deepEqual([gone?.state, gone?.fixed, gone?.firstBuild], ["fixed", { atMs: 11_000, build: "3.0" }, "2.0"]);
    await store.close();
  });

  it("groups are those of the last checkpoint of each run, also after its end", async ({ open, reader }) => {
    const store = open();
    const groups = { waiting: 3, seeded: 2, diverged: 1 };
    await store.save(checkpoint({ process: "p.1", groups: { ...groups, waiting: 9 }, atMs: 5_000 }));
    await store.save(checkpoint({ process: "p.1", groups, atMs: 6_000 }));
    const read = reader();
    const told = async () =>
      (await read.groups("c1")).map(({ savedMs, isEnded, groups: own }) => [savedMs, isEnded, own]);
    assert.deepEqual(await told(), [[6_000, false, groups]]);
    await store.save(checkpoint({ process: "p.1", groups, atMs: 7_000, isEnded: true }));
    assert.deepEqual(await told(), [[7_000, true, groups]]);
    assert.equal((await read.groups("c1")).length, 1);
    assert.deepEqual(await read.groups("other"), []);
    await read.close();
    await store.close();
  });

  it("names may hold whatever bodies hold, and be long", async ({ open }) => {
    const store = open();
    const name = JSON.stringify(["GET /", `$.\u0000\ud800'"?$1${"k".repeat(50_000)}`, "value", null, null]);
    const odd = { ...sample(0, "ann"), family: name, body: { text: "\u0000\ud800?" } };
    await store.save(checkpoint({ families: [{ ...FAMILY, name }], samples: [odd] }));
    assert.equal((await store.families("c1"))[0]?.name, name);
    assert.deepEqual((await store.samples("c1", name))[0]?.body, odd.body);
    await store.close();
  });

  it("shadow A2: a run that never ended leaves a gap from its last checkpoint on, an orderly one none", async ({
    open,
  }) => {
    const store = open();
    await store.save(checkpoint({ process: "run-1", atMs: 10_000 }));
    const next = open({ now: () => 25_000 });
    await next.save(checkpoint({ process: "run-2", atMs: 20_000 }));
    await next.save(checkpoint({ process: "run-2", atMs: 21_000 }));
    assert.deepEqual(await next.gaps("c1"), [{ process: "run-1", fromMs: 10_000, toMs: 20_000 }]);
    await next.close();
    const last = open();
    await last.save(checkpoint({ process: "run-3", atMs: 40_000 }));
    assert.equal((await last.gaps("c1")).length, 1);
    await store.save(checkpoint({ process: "run-1", atMs: 41_000 }));
    assert.deepEqual(await last.gaps("c1"), [], "it was alive, and has kept what it counted");
    for (const one of [last, store]) await one.close();
  });

  it("shadow A2: a campaign that another has replaced ends, also if its process is killed later", async ({ open }) => {
    const killed = open();
    const other = { ...CAMPAIGN, id: "c2", candidateBuild: "3.0" };
    await killed.save(checkpoint({ atMs: 10_000 }));
    await killed.save(checkpoint({ atMs: 11_000, isEnded: true }));
    await killed.save(checkpoint({ campaign: other, process: "run-2", atMs: 12_000 }));
    const next = open();
    for (const campaign of [CAMPAIGN, other]) {
      await next.save(checkpoint({ campaign, process: "run-3", atMs: 100_000 }));
    }
    assert.deepEqual(await next.gaps("c1"), []);
    assert.deepEqual(await next.gaps("c2"), [{ process: "run-2", fromMs: 12_000, toMs: 100_000 }]);
    for (const one of [next, killed]) await one.close();
  });

  it("shadow A2: several campaigns end with their process, each", async ({ open }) => {
    const store = open({ now: () => 7_000 });
    const other = { ...CAMPAIGN, id: "c2", unit: "realtime" };
    for (const campaign of [CAMPAIGN, other, CAMPAIGN]) await store.save(checkpoint({ campaign, process: "run-1" }));
    await store.close();
    const next = open();
    for (const campaign of [CAMPAIGN, other]) {
      await next.save(checkpoint({ campaign, process: "run-2", atMs: 20_000 }));
      assert.deepEqual(await next.gaps(campaign.id), []);
    }
    await next.close();
  });

  it("shadow §14: samples go after 7 days, minutes become hours after 30, hours go after 400", async ({ open }) => {
    const store = open();
    const minutes = [0, 60_000, 3_600_000].flatMap((atMs) => minutesOf("run-1", atMs, 2));
    const samples = [sample(0, "ann", 0), sample(1, "ann", 5 * DAY_MS)];
    await store.save(checkpoint({ atMs: 5 * DAY_MS, minutes, families: [FAMILY], samples }));
    await store.expire(8 * DAY_MS);
    assert.deepEqual(await store.samples("c1", "f1"), [{ ...sample(1, "ann", 5 * DAY_MS), process: "run-1" }]);
    assert.equal(await sampledOf(store, 0, 60_000), 2);
    await store.expire(31 * DAY_MS);
    await store.expire(31 * DAY_MS);
    assert.equal(await sampledOf(store, 0, 60_000), 4, "the whole hour");
    assert.equal(await sampledOf(store, 0, 7_200_000), 6);
    await store.save(checkpoint({ atMs: 5 * DAY_MS, process: "late", minutes: minutesOf("late", 120_000, 1) }));
    for (let round = 0; round < 3; round++) {
      assert.equal(await sampledOf(store, 0, 7_200_000), 7, "what comes late is added");
      assert.equal(await sampledOf(store, 0, DAY_MS), 7);
      await store.expire(31 * DAY_MS);
    }
    await store.expire(402 * DAY_MS);
    assert.equal(await sampledOf(store, 0, 7_200_000), 0);
    await store.close();
  });

  it("a campaign of which nothing came for 400 days goes, and a family that was fixed so long ago", async ({
    open,
  }) => {
    const store = open();
    const other = { ...CAMPAIGN, id: "c2" };
    const fixed: FamilyPart = { ...FAMILY, name: "f2", state: "fixed", lastSeenMs: DAY_MS };
    const back: FamilyPart = { ...FAMILY, name: "f3", state: "fixed", lastSeenMs: DAY_MS };
    const families = [FAMILY, fixed, back];
    await store.save(checkpoint({ atMs: DAY_MS, families, minutes: minutesOf("run-1", DAY_MS, 1) }));
    await store.save(checkpoint({ atMs: DAY_MS, campaign: other, families, samples: [sample(0, "ann", DAY_MS)] }));
    const seen: FamilyPart = { ...back, state: "regressed", lastSeenMs: 2 * DAY_MS };
    await store.save(checkpoint({ atMs: 300 * DAY_MS, process: "run-2", families: [seen] }));
    await store.expire(402 * DAY_MS);
    assert.deepEqual(await store.campaigns(), [CAMPAIGN]);
    assert.deepEqual(
      (await store.families("c1")).map(({ name }) => name),
      ["f1", "f3"],
    );
    assert.deepEqual(await store.families("c2"), []);
    await store.expire(701 * DAY_MS);
    assert.deepEqual(await store.campaigns(), []);
    assert.deepEqual(await store.resume(CAMPAIGN), RESUMED);
    await store.close();
  });

  it("runs that are over become one, and what they say together stays; one that comes back after that is refused", async ({
    open,
  }) => {
    const store = open();
    for (let run = 0; run < 40; run++) {
      const process = `run-${run}`;
      const part: FamilyPart = { ...FAMILY, differing: 1, lastSeenMs: run, memory: memoryOf(`g${run}`) };
      const samples = [sample(0, `g${run}`, DAY_MS)];
      const isEnded = run < 39;
      await store.save(checkpoint({ atMs: DAY_MS, process, families: [part], samples, isEnded }));
    }
    const [families, samples] = [await store.families("c1"), await store.samples("c1", "f1")];
    assert.equal(families[0]?.differing, 40);
    assert.equal(samples.length, 12);
    await store.expire(DAY_MS + 2 * 3_600_000);
    await store.expire(DAY_MS + 3 * 3_600_000);
    assert.deepEqual(await store.families("c1"), families);
    assert.equal((await store.samples("c1", "f1")).length, 12);
    const refused = store.save(checkpoint({ atMs: DAY_MS, process: "run-3", families: [FAMILY] }));
    await assert.rejects(refused, (error) => error instanceof EvidenceError && error.code === "over");
    await store.save(checkpoint({ atMs: DAY_MS, process: "run-39" }));
    assert.deepEqual(await store.families("c1"), families);
    const shown = new Set((await store.samples("c1", "f1")).map(({ group }) => group));
    let stored = 0;
    for (let run = 0; run < 40; run++) {
      const { samples: removed } = await store.removeGroup(() => `g${run}`);
      assert.ok(removed === 1 || !shown.has(`g${run}`));
      stored += removed;
    }
    assert.equal(stored, 13, "twelve of those that are over, one of the other");
    await store.close();
  });

  it("reports are read by another who writes nothing", async ({ open, reader }) => {
    const store = open();
    await store.save(checkpoint({ families: [FAMILY], minutes: minutesOf("run-1", 60_000, 3) }));
    const other = reader();
    assert.equal((await other.totals("c1", EVER))[0]?.sampled, 3);
    assert.equal((await other.families("c1")).length, 1);
    await other.close();
    await store.close();
  });

  const key = new Uint8Array(32).fill(7);
  const body = (place: number, more: Partial<BodyRow> = {}): BodyRow => ({
    campaign: "c1",
    family: "f1",
    process: "run-1",
    place,
    group: "ann",
    atMs: 5_000,
    body: { control: { status: "ok" }, candidate: ["…", place] },
    ...more,
  });

  it("shadow P2: a body opens with its key at its place only, else nothing of it is told", async ({ open, tamper }) => {
    const store = open({ bodies: { key } });
    await store.bodies?.save(body(0));
    await store.bodies?.save(body(1));
    assert.deepEqual(await store.bodies?.body(body(1)), { atMs: 5_000, body: body(1).body });
    assert.equal(await store.bodies?.body(body(2)), null);
    const unreadable = (error: unknown): boolean => error instanceof EvidenceError && error.code === "unreadable";
    const other = open({ bodies: { key: new Uint8Array(32).fill(8) } });
    await assert.rejects(other.bodies?.body(body(1)) ?? Promise.resolve(), unreadable);
    await tamper("UPDATE bodies SET sealed = (SELECT sealed FROM bodies b WHERE b.place = 0) WHERE place = 1");
    await assert.rejects(store.bodies?.body(body(1)) ?? Promise.resolve(), unreadable);
    await tamper("UPDATE bodies SET at_ms = 1 WHERE place = 0");
    await assert.rejects(store.bodies?.body(body(0)) ?? Promise.resolve(), unreadable);
    assert.equal(open().bodies, null);
    assert.throws(() => open({ bodies: { key: new Uint8Array(16) } }), /32 bytes: this one has 16/);
    for (const one of [store, other]) await one.close();
  });

  it("bodies are a ring by bytes: the oldest go, and are counted; all ways out are", async ({ open }) => {
    const store = open({ bodies: { key, bytesMax: 10_000 } });
    const { bodies } = store;
    assert.ok(bodies);
    let gone = 0;
    for (let at = 0; at < 100; at++) gone += await bodies.save(body(at, { body: "x".repeat(970), group: `g${at}` }));
    assert.equal(gone, 90);
    assert.equal(await bodies.bytes(), 10_000);
    assert.equal(await bodies.body(body(89)), null);
    assert.ok(await bodies.body(body(90)));
    assert.equal(await bodies.save(body(200, { body: "x".repeat(20_000) })), 1, "no ring is large enough");
    assert.equal(await bodies.save(body(99, { body: "x".repeat(470) })), 0, "in its own place");
    assert.equal(await bodies.bytes(), 9_500);
    assert.deepEqual(await store.removeGroup(() => "g90"), { samples: 0, campaigns: [] }, "it had no sample");
    assert.equal(await bodies.bytes(), 8_500);
    await store.save(checkpoint({ samples: [sample(91, "ann")] }));
    assert.equal(await bodies.body(body(91)), null, "another sample has its place");
    await store.expire(8 * DAY_MS);
    assert.equal(await bodies.bytes(), 0);
    await store.close();
  });

  storeProperties(it, numRuns);
}
