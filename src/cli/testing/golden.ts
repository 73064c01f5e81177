import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Compares with a file beside this one; `UPDATE_GOLDEN=1` writes it, and the review is the test. */
export function assertGolden(name: string, actual: string): void {
  const file = join(import.meta.dirname, name);
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, actual);
  assert.equal(
    actual,
    readFileSync(file, "utf8"),
    `${name} differs; look at it, then write it anew with UPDATE_GOLDEN=1`,
  );
}

/** Numbers that are null until two samples, or a first request, gave one: which it is depends on the second of asking. */
const UNTIL_MEASURED: ReadonlySet<string> = new Set(["requestsPerSecond", "errorRatio", "p95Ms"]);

/** The shape of a JSON value as text: keys and kinds, no values. An array has the shape of its items. */
export function shapeOf(value: unknown, indent = ""): string {
  if (value === null) return "null";
  if (Array.isArray(value)) {
    const shapes = [...new Set(value.map((item) => shapeOf(item, indent)))];
    return shapes.length === 0 ? "[]" : `[${shapes.join(" | ")}]`;
  }
  if (typeof value !== "object") return typeof value;
  const rows = Object.entries(value).map(([key, item]) => {
    const isOpen = UNTIL_MEASURED.has(key) && (item === null || typeof item === "number");
    return `${indent}  ${key}: ${isOpen ? "number | null" : shapeOf(item, `${indent}  `)}`;
  });
  return rows.length === 0 ? "{}" : `{\n${rows.join("\n")}\n${indent}}`;
}
