import assert from "node:assert/strict";
import { after } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { systemClock } from "../../../kernel/index.ts";
import { type CassetteOptions, createCassette } from "../cassette.ts";
import type { CassetteMiss } from "../ports.ts";
import { keyOf } from "./keys.ts";
import { type Answer, startProvider, until } from "./provider.ts";

const HERE = { host: "127.0.0.1", port: 0 };

/** A cassette before a provider of the test; both end with the file. */
export async function startCassette(answer: Answer, options: Partial<CassetteOptions> = {}) {
  const provider = await startProvider(answer);
  const counted: Record<string, number> = {};
  const misses: CassetteMiss[] = [];
  const logged: string[] = [];
  const count = (name: string): void => void (counted[name] = (counted[name] ?? 0) + 1);
  const make = (more: Partial<CassetteOptions> = {}) =>
    createCassette({
      provider: provider.url,
      record: HERE,
      replay: HERE,
      keyOf,
      clock: systemClock,
      counters: { replayed: count, dropped: count },
      log: (type, fields) => void logged.push(`${type} ${JSON.stringify(fields)}`),
      onMiss: (miss) => void misses.push(miss),
      ...options,
      ...more,
    });
  const cassette = make();
  const addresses = await cassette.start();
  after(async () => {
    await cassette.close();
    await provider.stop();
  });
  /** What is counted when all is: a replay is when its end has left, which the caller may have seen a moment before. */
  const counts = async (expected: Readonly<Record<string, number>>): Promise<void> => {
    await until(() => isDeepStrictEqual(counted, expected)).catch(() => assert.deepEqual(counted, expected));
  };
  return { provider, cassette, make, counted, counts, misses, logged, ...addresses };
}
