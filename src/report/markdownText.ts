// Names of others inside of Markdown (GitHub's dialect): shown as they are, whatever is in them, and on one line.
import { clean } from "./markup.ts";

const CHARS_MAX = 120;

function oneLine(text: string): string {
  const line = clean(text).replace(/\s+/g, " ").trim();
  return line.length > CHARS_MAX ? `${line.slice(0, CHARS_MAX - 1).replace(/[\ud800-\udbff]$/, "")}…` : line;
}

/** Outside of code. An underscore inside of a word means nothing; an `@` would call somebody. */
export const plain = (text: string): string =>
  oneLine(text)
    .replace(/[\\`*[\]<>|~&#]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, "\\$&")
    .replaceAll("@", "&#64;");

/** As code; not for cells of tables, which a bar ends even there. */
export function code(text: string): string {
  const line = oneLine(text);
  const longest = Math.max(0, ...(line.match(/`+/g) ?? []).map((run) => run.length));
  if (line === "") return "–";
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `${fence}${line}${fence}` : `${fence} ${line} ${fence}`;
}

export type Align = "left" | "right";

/** Columns that line up before they are rendered, too. */
export function table(
  head: readonly string[],
  aligns: readonly Align[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = head.map((cell, at) => Math.max(3, cell.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const padded = (cell: string, at: number): string => {
    const width = at === head.length - 1 ? 0 : (widths[at] ?? 0);
    return aligns[at] === "right" ? cell.padStart(width) : cell.padEnd(width);
  };
  const rule = head.map((cell, at) => {
    const dashes = "-".repeat(at === head.length - 1 ? cell.length + 2 : (widths[at] ?? 0) + 2);
    return aligns[at] === "right" ? `${dashes.slice(1)}:` : dashes;
  });
  const line = (cells: readonly string[]): string => `| ${cells.map(padded).join(" | ")} |`;
  return [line(head), `|${rule.join("|")}|`, ...rows.map(line)];
}
