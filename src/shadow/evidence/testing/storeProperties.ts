// What holds for a store whatever is saved, and whenever it is cut off, summed and read.
import assert from "node:assert/strict";
import fc from "fast-check";
import { seeded } from "../../testing/seeded.ts";
import type { Difference, Severity } from "../../words.ts";
import { Families } from "../families.ts";
import { LogHistogram } from "../logHistogram.ts";
import type { FamilyRow, MinuteRow, RouteTotals } from "../model.ts";
import { totalsOf } from "../totals.ts";
import { CAMPAIGN, checkpoint, DAY_MS } from "./rows.ts";
import type { Place } from "./storeContract.ts";

type It = (sentence: string, body: (place: Place) => Promise<void>) => void;

const REAL = { isArmsApart: true, isControlStable: true, isCandidateStable: true };
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ see: fc.nat(2), group: fc.nat(9), isAccepted: fc.boolean(), severity: fc.nat(2) }),
  },
  { weight: 2, arbitrary: fc.record({ recheck: fc.nat(2), group: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ test: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.constant("save" as const) },
  { weight: 2, arbitrary: fc.constant("restart" as const) },
  { weight: 1, arbitrary: fc.constant("kill" as const) },
  { weight: 1, arbitrary: fc.constant("expire" as const) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

const SEVERITIES: readonly Severity[] = ["extra", "value", "breaking"];
const newFamilies = (): Families<string> => new Families({ random: seeded(3), onDrop: () => {} });

function apply(families: Families<string>, one: Exclude<Step, string>, atMs: number): void {
  const named = (at: number) => [...families.all].find(({ key }) => key.template === `$.${at}`);
  if ("see" in one) {
    const [template, severity] = [`$.${one.see}`, SEVERITIES[one.severity] ?? "value"];
    const difference: Difference = {
      template,
      path: template,
      kind: "value",
      severity,
      control: null,
      candidate: null,
    };
    const acceptedBy = one.isAccepted ? "rule" : null;
    const seen = { route: "GET /", difference, acceptedBy, group: `g${one.group}`, build: "2.0", atMs };
    const [family] = families.see("GET /", [seen], "2.0", atMs);
    family?.offerSample(`g${one.group}`, () => "sample");
  } else if ("recheck" in one) named(one.recheck)?.recheck(REAL, `g${one.group}`);
  else named(one.test)?.confirmByTest();
}

const shown = (families: Families<string>): readonly FamilyRow[] =>
  [...families.all].map(({ row: { memory: _, ...row } }) => row).sort((one, other) => (one.name < other.name ? -1 : 1));

export function storeProperties(it: It, numRuns: number): void {
  it("however often it is started again, a campaign's families are those of one that never was", async ({ open }) => {
    let campaigns = 0;
    const property = fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const campaign = { ...CAMPAIGN, id: `p${++campaigns}`, unit: `u${campaigns}` };
      let [store, run, atMs] = [open(), 0, DAY_MS];
      let here = newFamilies();
      const [sure, whole] = [newFamilies(), newFamilies()];
      const done: [Exclude<Step, string>, number][] = [];
      let savedSteps = 0;
      const save = async (): Promise<void> => {
        const { rows, saved } = here.unsaved();
        await store.save(checkpoint({ campaign, process: `run-${run}`, atMs, families: rows }));
        saved();
        savedSteps = done.length;
      };
      const begin = async (): Promise<void> => {
        run += 1;
        store = open({ now: () => atMs });
        here = newFamilies();
        here.restore(await store.resume(campaign));
      };
      for (const one of [...steps, "save" as const]) {
        atMs += 1_000;
        if (one === "save") await save();
        else if (one === "expire") {
          atMs += 2 * 3_600_000;
          await store.expire(atMs);
        } else if (one === "restart") {
          await save();
          await store.close();
          await begin();
        } else if (one === "kill") {
          done.length = savedSteps; // the rest is lost with it
          await begin();
        } else {
          apply(here, one, atMs);
          done.push([one, atMs]);
        }
      }
      for (const [one, at] of done) apply(whole, one, at);
      assert.deepEqual(await store.families(campaign.id), shown(whole));
      sure.restore(await store.resume(campaign));
      assert.deepEqual(
        [...sure.all].map(({ name, state, confirmedBy, samples }) => [name, state, confirmedBy, samples.seen]),
        [...whole.all]
          .map(({ name, state, confirmedBy, samples }) => [name, state, confirmedBy, samples.seen])
          .sort(([one = ""], [other = ""]) => (String(one) < String(other) ? -1 : 1)),
      );
      await store.close();
    });
    await fc.assert(property, { numRuns, endOnFailure: false });
  });

  it("whenever hours and days are summed and minutes go, every window of whole hours stays what it was", async ({
    open,
  }) => {
    const store = open();
    let campaigns = 0;
    const minute = fc.record({
      at: fc.nat({ max: 4 * 1_440 }),
      process: fc.constantFrom("a", "b"),
      route: fc.constantFrom("GET /x", "GET /y"),
      sampled: fc.integer({ min: 1, max: 9 }),
    });
    const rounds = fc.array(fc.tuple(fc.array(minute, { maxLength: 8 }), fc.nat({ max: 3 })), { maxLength: 6 });
    const windows = fc.array(fc.tuple(fc.nat({ max: 100 }), fc.nat({ max: 100 })), { minLength: 1, maxLength: 5 });
    // Time never goes back in one store: each campaign lies behind the one before.
    let baseMinutes = 0;
    const property = fc.asyncProperty(rounds, windows, fc.boolean(), async (all, asked, isLong) => {
      const campaign = { ...CAMPAIGN, id: `p${++campaigns}` };
      baseMinutes += 80 * 1_440;
      const saved = new Map<string, MinuteRow>();
      const check = async (): Promise<void> => {
        for (const [from, length] of asked) {
          const [start, end] = [baseMinutes + from * 60, baseMinutes + (from + length) * 60];
          const rows = [...saved.values()].filter(({ minute: at }) => at >= start && at < end);
          const found = await store.totals(campaign.id, { fromMs: start * 60_000, toMs: end * 60_000 });
          assert.deepEqual(found, expected(rows));
        }
      };
      for (const [minutes, days] of all) {
        const rows = new Map<string, MinuteRow>();
        for (const { at, process, route, sampled } of minutes) {
          const row = minuteRow(process, baseMinutes + at, route, sampled);
          rows.set(JSON.stringify([process, at, route]), row);
        }
        for (const [name, row] of rows) saved.set(name, row);
        await store.save(
          checkpoint({ campaign, process: "a", atMs: baseMinutes * 60_000, minutes: [...rows.values()] }),
        );
        await store.expire((baseMinutes + (days + 1) * 1_440) * 60_000);
        await check();
      }
      if (!isLong) return;
      for (const days of [33, 34, 40]) {
        await store.expire((baseMinutes + days * 1_440) * 60_000);
        await check();
      }
    });
    await fc.assert(property, { numRuns });
    await store.close();
  });
}

function minuteRow(process: string, minute: number, route: string, sampled: number): MinuteRow {
  const histogram = new LogHistogram();
  for (let at = 0; at < sampled; at++) histogram.observe(sampled * 7);
  const { counts } = histogram;
  const latency = { control: counts, candidate: sampled % 2 === 0 ? counts : {} };
  return { process, minute, route, sampled, verdicts: { identical: sampled }, notCompared: {}, latency };
}

const expected = (rows: readonly MinuteRow[]): readonly RouteTotals[] =>
  totalsOf(rows.map(({ process: _, minute: __, ...row }) => row));
