// Who is mirrored (shadow S1): by group, the same answer for a group on every process and at every rate above its own.
import { hash } from "node:crypto";

/** Of 10,000 parts a group belongs to one. */
const PARTS = 10_000;

/** Where a group stands among all: 0 … 9,999. */
export const partOf = (salt: string, group: string): number =>
  Number.parseInt(hash("sha256", `${salt}\n${group}`, "hex").slice(0, 8), 16) % PARTS;

/** @param ratePercent 0 … 100, hundredths count */
export function isSampled(salt: string, group: string, ratePercent: number): boolean {
  const parts = Math.round(ratePercent * 100);
  // Nobody and everybody need no hash.
  return parts > 0 && (parts >= PARTS || partOf(salt, group) < parts);
}
