import { createRequire } from "node:module";
import type { Subject } from "../kernel/index.ts";

/** One group for all units: the same early subjects meet every new handler (rollout.md §1.2). */
export const GROUP_ID = "switchyard";

interface Murmur {
  readonly x86: { hash32(text: string, seed: number): number };
}

// Resolved from the SDK's own place, so that both hash with the same copy: a second version of the package in the
// tree must never split the cohorts.
const requireHere = createRequire(import.meta.url);
const murmur = createRequire(requireHere.resolve("unleash-client"))("murmurhash3js") as Murmur;

/** Unleash's hash of an id within a group: murmur3 x86 32 bit, seed 0. */
export const hashOf = (groupId: string, id: string): number => murmur.x86.hash32(`${groupId}:${id}`, 0);

/** 0 … 999. The digits are ordered so that whole percents give exactly Unleash's result (rollout.md §1.2). */
export const rank = (hash: number): number => (hash % 100) * 10 + (Math.floor(hash / 100) % 10);

export const isInCohort = (hash: number, percent: number): boolean => rank(hash) < Math.round(percent * 10);

/** Rank of a subject in the group all units share. */
export const rankOf = (subject: Subject): number => rank(hashOf(GROUP_ID, subject));
