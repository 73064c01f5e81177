import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { type History, oneWriter, PEOPLE, twoWriters } from "./history.ts";
import { assertWhole, atRest, play } from "./play.ts";
import { type Rig, startRig } from "./rig.ts";
import { type Parted, part } from "./split.ts";

/** Of all histories, those in which both arms write the same rows. */
const SHARE_OF_SPLITS = 0.2;

let rig: Rig;

async function namesWhatLoses({ relay, people, contested, named }: Parted): Promise<void> {
  assert.deepEqual(named, contested);
  assert.deepEqual(relay.refused, []);
  assert.ok((await relay.counted("switchyard_relay_conflicts_total")) >= contested.length);
  await atRest(rig, relay, people);
}

/** Tells how far it is every so often, when there is long to wait. */
function counting<T>(runs: number, run: (given: T) => Promise<void>): (given: T) => Promise<void> {
  let done = 0;
  const sinceMs = performance.now();
  return async (given) => {
    await run(given);
    done += 1;
    if (runs >= 100 && done % 50 === 0) {
      process.stdout.write(`${done} of ${runs} after ${Math.round((performance.now() - sinceMs) / 1_000)} s\n`);
    }
  };
}

/** `SEED` repeats a run; what failed is printed with seed and path. */
export function checkHistories({ histories }: { readonly histories: number }): void {
  before(async () => {
    rig = await startRig();
  });
  after(() => rig.stop());

  const seed = Number(process.env["SEED"] ?? Date.now() % 2 ** 31);
  const splits = (histories * SHARE_OF_SPLITS) / PEOPLE;
  const plays = histories / PEOPLE - splits;
  if (histories >= 100) process.stdout.write(`seed ${seed}\n`);

  test(`${plays * PEOPLE} random histories of one writer a row end with equal digests and no conflict`, async () => {
    const run = counting(plays, (given: readonly History[]) => play(rig, given, assertWhole));
    await fc.assert(fc.asyncProperty(oneWriter, run), { seed, numRuns: plays, endOnFailure: true });
  });

  test(`${splits * PEOPLE} in which both arms wrote the same rows end alike, and exactly those are named`, async () => {
    const property = fc.asyncProperty(twoWriters, (given) => part(rig, given, namesWhatLoses));
    await fc.assert(property, { seed, numRuns: splits, endOnFailure: true });
  });
}
