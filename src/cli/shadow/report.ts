import { writeFileSync } from "node:fs";
import { type Command, Option } from "commander";
import { EXIT, type ExitCode } from "../../kernel/index.ts";
import { buildReport, exitCodeOf, REPORT_FORMATS, REPORT_WRITERS, type ReportFormat } from "../../report/index.ts";
import { CliError, usageError } from "../cliError.ts";
import { addCommand, onRun, type Registry } from "../command.ts";
import type { CliContext } from "../context.ts";
import { parseDuration } from "../values.ts";
import { type ChosenOptions, withCampaign } from "./chosen.ts";
import { reportInput } from "./reportInput.ts";

interface ReportOptions extends ChosenOptions {
  readonly since?: number;
  readonly format?: ReportFormat;
  readonly out?: string;
}

export function addShadowReport(parent: Command, registry: Registry): void {
  const command = addCommand(parent, {
    name: "report [unit]",
    summary: "may the candidate serve? exit 0 when ready, 1 when not, or when there is not enough data",
    examples: [
      ["switchyard shadow report", "the newest campaign, as Markdown"],
      ["switchyard shadow report orders --since 24h", "its last day only"],
      ["switchyard shadow report --format html --out report.html", "one file for a browser"],
      ["switchyard shadow report --format junit --out report.xml", "for a pipeline; the exit code is the gate"],
    ],
    isPrintingData: true,
  })
    .option("--unit <unit>", "the same as the argument; needed where several units have evidence")
    .option("--campaign <id>", "another than the newest, by the beginning of its id")
    .option("--since <duration>", "this long before the end of the evidence: 2h, 7d (default: all)", parseDuration)
    .addOption(new Option("--format <format>", "how it is written (default: md)").choices(REPORT_FORMATS))
    .option("--out <file>", "into this file instead of stdout");
  onRun<ReportOptions>(command, registry, report);
}

async function report(
  context: CliContext,
  options: ReportOptions,
  [argument]: readonly (string | undefined)[],
): Promise<ExitCode> {
  const { format = options.json ? "json" : "md", unit = argument } = options;
  if (options.json && format !== "json")
    throw usageError(`--json and --format ${format} ask for two things; give one.`);
  if (argument !== undefined && unit !== argument) throw usageError("Two units are named; give one.");
  return withCampaign(context, { ...options, ...(unit === undefined ? {} : { unit }) }, async (chosen) => {
    const made = buildReport(await reportInput(context, chosen, options.since ?? null));
    const text = REPORT_WRITERS[format].write(made);
    if (options.out === undefined) context.out.data(text.replace(/\n$/, ""));
    else {
      write(options.out, text);
      context.out.talk(`${made.head.readiness.state}: written to ${options.out}.`);
    }
    return exitCodeOf(made);
  });
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unwritable";
    throw new CliError(EXIT.unreachable, `${file} cannot be written (${code}).`, "Name another file with --out.");
  }
}
