import type { Command } from "commander";
import { ConfigProblems, explainEffective, type Loaded, loadConfig } from "../config/index.ts";
import { SCHEMA_VERSION } from "../console/index.ts";
import { EXIT, type ExitCode } from "../kernel/index.ts";
import { CliError } from "./cliError.ts";
import { addCommand, addGroup, onRun, type Registry } from "./command.ts";
import type { CliContext } from "./context.ts";
import type { CommonOptions } from "./options.ts";

export function addConfigShow(program: Command, registry: Registry): void {
  const group = addGroup(program, "config", "the configuration as it takes effect", [
    ["switchyard config show --effective", "defaults, file and variables merged, with the origin of every value"],
  ]);
  const show = addCommand(group, {
    name: "show",
    summary: "merged configuration with the origin of every value, secrets masked",
    examples: [
      ["switchyard config show --effective", "defaults, file and variables merged"],
      ["switchyard config show --effective --json", "the same for machines"],
    ],
    isPrintingData: true,
    // The option names the only view there is; it stays required, so that a later view of the file alone needs no new default.
  }).requiredOption("--effective", "what really takes effect");
  onRun<CommonOptions>(show, registry, async (context) => printEffective(context));
}

function printEffective({ out, options, deps, configFile }: CliContext): ExitCode {
  const { effective } = load(configFile, deps.env);
  if (options.json) out.json({ schemaVersion: SCHEMA_VERSION, file: configFile, values: effective });
  else out.data(explainEffective(effective));
  return EXIT.fine;
}

function load(file: string, env: NodeJS.ProcessEnv): Loaded {
  try {
    return loadConfig({ file, env });
  } catch (error) {
    if (error instanceof ConfigProblems) throw new CliError(EXIT.configuration, error.message);
    throw error;
  }
}
