// `npm run bench [-- rest|ws|arms|convex|shadow]`: ratios against peers, side by side in one run (design: performance.md).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { armsPart } from "./arms/part.ts";
import { armsReport } from "./arms/report.ts";
import { convexPart } from "./convex/part.ts";
import { convexReport } from "./convex/report.ts";
import { createSoakPart } from "./convex/soak.ts";
import { readCommit, readMachine } from "./lib/machine.ts";
import type { Part } from "./lib/part.ts";
import { partReport, type ReportInput } from "./lib/report.ts";
import { type Rows, type Section, writeResults } from "./lib/results.ts";
import { VoidMeasurement } from "./lib/void.ts";
import { type Options, type PartName, readOptions, USAGE, UsageError } from "./options.ts";
import { restPart } from "./rest/part.ts";
import { shadowPart } from "./shadow/part.ts";
import { shadowReport } from "./shadow/report.ts";
import { wsPart } from "./ws/part.ts";

interface Measured {
  readonly name: string;
  readonly run: Part;
  readonly report: (input: ReportInput) => string;
}

const PART: Readonly<Record<PartName, Measured>> = {
  rest: { name: "rest", run: restPart, report: partReport },
  ws: { name: "ws", run: wsPart, report: partReport },
  arms: { name: "arms", run: armsPart, report: armsReport },
  convex: { name: "convex", run: convexPart, report: convexReport },
  shadow: { name: "shadow", run: shadowPart, report: shadowReport },
};
const RESULTS_DIR = fileURLToPath(new URL("./results", import.meta.url));

const EXIT = { fine: 0, void: 1, usage: 2 } as const;

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** A soak is a part of its own in the results: it does not replace the figures of `convex`. */
function partsOf({ parts, soakSeconds }: Options): readonly Measured[] {
  if (soakSeconds === null) return parts.map((name) => PART[name]);
  return [{ name: "convex-soak", run: createSoakPart(soakSeconds), report: convexReport }];
}

async function bench(options: Options): Promise<void> {
  const { rounds, seconds } = options;
  const machine = readMachine();
  const commit = readCommit();
  const parts: Record<string, Rows> = {};
  const sections: Section[] = [];
  for (const { name: part, run, report } of partsOf(options)) {
    const dir = mkdtempSync(join(tmpdir(), `switchyard-bench-${part}-`));
    const remove = (): void => rmSync(dir, { recursive: true, force: true });
    process.once("exit", remove); // Ctrl-C ends the run where it stands
    try {
      const result = await run({ dir, rounds, seconds, cores: machine.cores, say });
      parts[part] = result.rows;
      sections.push({ part, text: report({ part, result, machine, commit, rounds, seconds, at: new Date() }) });
    } finally {
      process.off("exit", remove);
      remove();
    }
  }
  const results = { machine, commit, parts };
  writeResults(options.resultsDir, results, sections);
  process.stdout.write(
    options.isJson ? `${JSON.stringify(results, null, 2)}\n` : sections.map(({ text }) => text).join("\n"),
  );
}

try {
  await bench(readOptions(process.argv.slice(2), RESULTS_DIR));
  process.exitCode = EXIT.fine;
} catch (error) {
  if (error instanceof UsageError) {
    say(`${error.message}\n\n${USAGE}`);
    process.exitCode = EXIT.usage;
  } else {
    const isVoid = error instanceof VoidMeasurement;
    say(`${isVoid ? "void: " : ""}${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = EXIT.void;
  }
}
