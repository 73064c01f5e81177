import type { Command } from "commander";
import { type ConfigProblem, ConfigProblems, formatProblems, loadConfig } from "../config/index.ts";
import { SCHEMA_VERSION } from "../console/index.ts";
import { EXIT, type ExitCode } from "../kernel/index.ts";
import { addCommand, onRun, type Registry } from "./command.ts";
import type { CliContext } from "./context.ts";
import { rulesOfFiles } from "./shadow/unitSetting.ts";

export function addValidate(program: Command, registry: Registry): void {
  const command = addCommand(program, {
    name: "validate [file]",
    summary: "checks the configuration and its rule files only; no network",
    examples: [
      ["switchyard validate", "switchyard.config.yaml of this folder"],
      ["switchyard validate prod.yaml --json", "another file, every problem as JSON; exit 3 when there is one"],
    ],
    isPrintingData: true,
  });
  onRun(command, registry, async (context, _options, [file]) => validate(context, file ?? context.configFile));
}

function validate({ out, deps, options }: CliContext, file: string): ExitCode {
  const judged = judge(file, deps);
  const isValid = judged.every((one) => one.isValid);
  if (options.json) {
    const problems = judged.flatMap((one) => one.problems.map((problem) => ({ file: one.file, ...problem })));
    out.json({ schemaVersion: SCHEMA_VERSION, file, isValid, problems });
  } else {
    const told = judged.filter(({ problems }) => problems.length > 0);
    out.data(
      told.length === 0 ? `${file}: fine` : told.map((one) => formatProblems(one.file, one.problems)).join("\n"),
    );
  }
  return isValid ? EXIT.fine : EXIT.configuration;
}

interface Judged {
  readonly file: string;
  readonly isValid: boolean;
  readonly problems: readonly ConfigProblem[];
}

/** The configuration, and of a good one the rule files that it names and that cannot be used. */
function judge(file: string, { env, shadow }: CliContext["deps"]): readonly Judged[] {
  try {
    const { config, warnings } = loadConfig({ file, env });
    const wrong = rulesOfFiles(config, shadow).problems.map(
      (one): Judged => ({ file: one.file, isValid: false, problems: one.problems }),
    );
    return [{ file, isValid: true, problems: warnings }, ...wrong];
  } catch (error) {
    if (error instanceof ConfigProblems) return [{ file, isValid: false, problems: error.problems }];
    throw error;
  }
}
