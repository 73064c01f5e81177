import type { Command } from "commander";
import { type ConfigProblem, ConfigProblems, formatProblems, loadConfig } from "../config/index.ts";
import { SCHEMA_VERSION } from "../console/index.ts";
import { EXIT, type ExitCode } from "../kernel/index.ts";
import { addCommand, onRun, type Registry } from "./command.ts";
import type { CliContext } from "./context.ts";

export function addValidate(program: Command, registry: Registry): void {
  const command = addCommand(program, {
    name: "validate [file]",
    summary: "checks the configuration only; no network",
    examples: [
      ["switchyard validate", "switchyard.config.yaml of this folder"],
      ["switchyard validate prod.yaml --json", "another file, every problem as JSON; exit 3 when there is one"],
    ],
    isPrintingData: true,
  });
  onRun(command, registry, async (context, _options, [file]) => validate(context, file ?? context.configFile));
}

function validate({ out, deps, options }: CliContext, file: string): ExitCode {
  const { isValid, problems } = judge(file, deps.env);
  if (options.json) out.json({ schemaVersion: SCHEMA_VERSION, file, isValid, problems });
  else out.data(problems.length === 0 ? `${file}: fine` : formatProblems(file, problems));
  return isValid ? EXIT.fine : EXIT.configuration;
}

function judge(
  file: string,
  env: NodeJS.ProcessEnv,
): { readonly isValid: boolean; readonly problems: readonly ConfigProblem[] } {
  try {
    return { isValid: true, problems: loadConfig({ file, env }).warnings };
  } catch (error) {
    if (error instanceof ConfigProblems) return { isValid: false, problems: error.problems };
    throw error;
  }
}
