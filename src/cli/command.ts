import { type Command, Option } from "commander";
import type { ExitCode } from "../kernel/index.ts";
import { type CliContext, createContext } from "./context.ts";
import { type CommonOptions, DEFAULT_CONFIG_FILE } from "./options.ts";
import type { CliDeps } from "./ports.ts";
import { parseAdminUrl } from "./values.ts";

export interface Registry {
  readonly deps: CliDeps;
  /** Called by the action that ran, with its exit code. */
  readonly finish: (code: ExitCode) => void;
}

export interface CommandSpec {
  /** Name and arguments as commander writes them: `set <unit> <percent>`. */
  readonly name: string;
  readonly summary: string;
  /** Help starts with them (ux.md §3): what to type, and what it does. */
  readonly examples: readonly (readonly [command: string, effect: string])[];
  readonly isPrintingData?: boolean;
  readonly isAskingAdmin?: boolean;
  readonly isChanging?: boolean;
}

/** Adds a command with its examples and the common options that have an effect on it. */
export function addCommand(parent: Command, spec: CommandSpec): Command {
  const command = parent.command(spec.name).summary(spec.summary).description(spec.summary).allowExcessArguments(false);
  command.addHelpText("before", examplesText(spec.examples));
  command.option("--config <file>", "configuration file", DEFAULT_CONFIG_FILE);
  if (spec.isAskingAdmin) {
    command.addOption(
      new Option(
        "--admin-url <url>",
        "admin address of the running process (default: from the configuration)",
      ).argParser(parseAdminUrl),
    );
  }
  if (spec.isPrintingData) command.option("--json", "print JSON with a schemaVersion");
  if (spec.isChanging) command.option("--yes", "do not ask; needed where no terminal is");
  command.option("--quiet", "no talk on stderr, only what went wrong");
  return command;
}

/** A command that only holds others. */
export function addGroup(parent: Command, name: string, summary: string, examples: CommandSpec["examples"]): Command {
  return parent.command(name).summary(summary).description(summary).addHelpText("before", examplesText(examples));
}

export function examplesText(examples: CommandSpec["examples"]): string {
  const width = Math.max(...examples.map(([command]) => command.length));
  return `Examples:\n${examples.map(([command, effect]) => `  ${command.padEnd(width)}   ${effect}`).join("\n")}\n`;
}

/** Wraps a command's work: its own options and its parsed arguments in, exit code out. */
export function onRun<O extends CommonOptions, A extends readonly unknown[] = readonly (string | undefined)[]>(
  command: Command,
  registry: Registry,
  work: (context: CliContext, options: O, args: A) => Promise<ExitCode>,
): void {
  command.action(async (...given: unknown[]) => {
    const args = given.slice(0, command.registeredArguments.length) as unknown as A;
    const options = command.opts<O>();
    registry.finish(await work(createContext(registry.deps, explicitOnly(command, options)), options, args));
  });
}

/** `--config` with its default is not the same as a file that somebody named: only the latter must exist. */
function explicitOnly(command: Command, options: CommonOptions): CommonOptions {
  if (command.getOptionValueSource("config") !== "default") return options;
  const { config: _default, ...rest } = options;
  return rest;
}
