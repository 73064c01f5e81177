import { TARGETS, type Result, type TargetName } from "../harness/index.ts";
import { NOT_YET } from "./notYet.ts";

const COLUMNS: Record<TargetName, string> = {
  "control-sqlite": "control (SQLite)",
  "control-postgres": "control (PostgreSQL)",
  candidate: "candidate",
  "proxy-control": "proxy → control",
  "proxy-candidate": "proxy → candidate",
};

const CELLS: Record<Result["outcome"], string> = { pass: "pass", fail: "**fail**", "not yet": "not yet", "n/a": "–" };

export interface FileResults {
  readonly file: string;
  readonly results: readonly Result[];
}

function byText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function rows(results: readonly Result[]): string[] {
  const items = new Map<string, Map<TargetName, Result>>();
  for (const result of results) {
    const key = `${result.id}\t${result.sentence}`;
    const cells = items.get(key) ?? new Map<TargetName, Result>();
    cells.set(result.target, result);
    items.set(key, cells);
  }
  return [...items.keys()].sort(byText).map((key) => {
    const [id, sentence] = key.split("\t");
    const cells = TARGETS.map((target) => {
      const result = items.get(key)?.get(target);
      return result ? CELLS[result.outcome] : "not run";
    });
    return `| ${id} | ${(sentence ?? "").replaceAll("|", "\\|")} | ${cells.join(" | ")} |`;
  });
}

function reasons(results: readonly Result[]): string[] {
  const later = new Set(
    results.filter((r) => r.outcome === "not yet").map((r) => `- ${COLUMNS[r.target]}: ${r.id}, ${r.reason ?? ""}`),
  );
  return [...later].sort(byText);
}

/** The whole of docs/parity.md: no times, no addresses, the same text for the same outcome. */
export function renderParity(files: readonly FileResults[]): string {
  const head = `| Item | What must hold | ${TARGETS.map((t) => COLUMNS[t]).join(" | ")} |\n|---|---|${TARGETS.map(() => "---").join("|")}|`;
  const sections = [...files]
    .filter(({ results }) => results.length > 0)
    .sort((a, b) => byText(a.file, b.file))
    .map(({ file, results }) => `## ${file.replace(".test.ts", "")}\n\n${head}\n${rows(results).join("\n")}\n`);
  const later = reasons(files.flatMap(({ results }) => results));
  return [
    "# Parity\n",
    "Every item of the wire contract, held against both arms and against the proxy at each flag position. Written by",
    "`npm run test:contract`; expected values come from the contract. `–` means that the item cannot be seen there",
    "(a fault switch is an arm's, a close-code table the proxy's).\n",
    sections.join("\n"),
    later.length > 0 ? `## Reasons for \`not yet\` above\n\n${later.join("\n")}\n` : "",
    "## Not built yet\n",
    "| Item | What | control | candidate | proxy |\n|---|---|---|---|---|",
    ...NOT_YET.map(([id, what]) => `| ${id} | ${what} | not yet | not yet | not yet |`),
    "",
  ]
    .filter((part, index, all) => !(part === "" && all[index - 1] === ""))
    .join("\n");
}
