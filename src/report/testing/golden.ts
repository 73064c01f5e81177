import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Compares with a file beside this one; `UPDATE_GOLDEN=1` writes it, and the review is the test. */
export function assertGolden(name: string, actual: string): void {
  const file = join(import.meta.dirname, name);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, actual);
  const agreed = readFileSync(file, "utf8");
  assert.equal(actual, agreed, `${name} differs; look at it, then write it anew with UPDATE_GOLDEN=1`);
}
