import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "./machine.ts";

/** What performance.md fixes for every row; "more is better" holds for every ratio. */
export interface Row {
  readonly ratios: Readonly<Record<string, number>>;
  readonly spread: Readonly<Record<string, readonly [min: number, max: number]>>;
  readonly absolute: number;
  readonly unit: string;
}

export type Rows = Readonly<Record<string, Row>>;

export interface Results {
  readonly machine: Machine;
  readonly commit: string;
  readonly parts: Readonly<Record<string, Rows>>;
}

/** One part as a text of its own, between two marks, so that another run can replace it alone. */
export interface Section {
  readonly part: string;
  readonly text: string;
}

const HEADER = `# Benchmarks

Written by \`npm run bench\`. Every figure is a ratio measured side by side in one run; parts may come from different runs.
`;

const startMark = (part: string): string => `<!-- part ${part} -->`;
const endMark = (part: string): string => `<!-- end of ${part} -->`;

/** Parts of earlier runs stay until the same part runs again. */
export function mergeResults(earlier: unknown, now: Results): Results {
  const before = (earlier as Partial<Results> | null)?.parts;
  const isKnown = typeof before === "object" && before !== null && !Array.isArray(before);
  return { ...now, parts: { ...(isKnown ? before : {}), ...now.parts } };
}

export function mergeReport(earlier: string, sections: readonly Section[]): string {
  let report = earlier.startsWith(HEADER) ? earlier : HEADER;
  for (const { part, text } of sections) {
    const block = `${startMark(part)}\n${text.trim()}\n\n${endMark(part)}`;
    const from = report.indexOf(startMark(part));
    const to = report.indexOf(endMark(part));
    const isThere = from >= 0 && to > from;
    report = isThere
      ? report.slice(0, from) + block + report.slice(to + endMark(part).length)
      : `${report.trimEnd()}\n\n${block}\n`;
  }
  return report;
}

/** Writes both files, each whole or not at all. */
export function writeResults(dir: string, now: Results, sections: readonly Section[]): Results {
  mkdirSync(dir, { recursive: true });
  const json = join(dir, "latest.json");
  const markdown = join(dir, "latest.md");
  const merged = mergeResults(readJson(json), now);
  replace(json, `${JSON.stringify(merged, null, 2)}\n`);
  replace(markdown, mergeReport(readText(markdown), sections));
  return merged;
}

function replace(file: string, text: string): void {
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, text);
  renameSync(temporary, file);
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // the first run
  }
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readText(file));
  } catch {
    return null; // the first run, or a file that nobody can use
  }
}
