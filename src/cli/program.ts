import { Command, CommanderError } from "commander";
import { EXIT, type ExitCode } from "../kernel/index.ts";
import { CliError, exitCodeOf } from "./cliError.ts";
import { examplesText, type Registry } from "./command.ts";
import { addConfigShow } from "./configShow.ts";
import { addData } from "./data.ts";
import { addDoctor } from "./doctor.ts";
import { addExplain } from "./explain.ts";
import { addFlags } from "./flags.ts";
import { addKill } from "./kill.ts";
import { addPins } from "./pin.ts";
import type { CliDeps } from "./ports.ts";
import { addRun } from "./run.ts";
import { addShadow } from "./shadow.ts";
import { addStatus } from "./status.ts";
import { addValidate } from "./validate.ts";

const HELP_WIDTH = 100;

const EXAMPLES = [
  ["switchyard run", "start proxy and admin listener from switchyard.config.yaml"],
  ["switchyard status", "where every unit is served"],
  ['switchyard explain --user u_81 --route "GET /x"', "which arm serves this user, and why"],
  ['switchyard kill on --reason "…"', "everything to control, now"],
] as const;

const EXIT_TEXT = `
Exit codes:
  0 fine    1 a finding    2 wrong usage    3 invalid configuration    4 cannot reach or bind something
  5 rolled back while waiting    70 a bug of ours    130 stopped without draining`;

/** Runs one command line; resolves with the exit code and never throws. */
export async function runCli(argv: readonly string[], deps: CliDeps): Promise<ExitCode> {
  let code: ExitCode = EXIT.fine;
  const program = createProgram({ deps, finish: (result) => (code = result) });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    return report(error, deps);
  }
}

function createProgram(registry: Registry): Command {
  const { deps } = registry;
  const program = new Command("switchyard")
    .description("Move users from one backend to another, a few at a time, with proof and an automatic way back.")
    .version(deps.version, "-V, --version", "print the version")
    .helpCommand("help [command]", "help of a command")
    .exitOverride()
    .showHelpAfterError("Help: add --help")
    .configureOutput({
      writeOut: (text) => void deps.stdout.write(text),
      writeErr: (text) => void deps.stderr.write(text),
      getOutHelpWidth: () => HELP_WIDTH,
      getErrHelpWidth: () => HELP_WIDTH,
    });
  program.addHelpText("before", examplesText(EXAMPLES)).addHelpText("after", EXIT_TEXT);
  const own = [
    addRun,
    addValidate,
    addDoctor,
    addConfigShow,
    addStatus,
    addExplain,
    addFlags,
    addPins,
    addKill,
    addData,
    addShadow,
  ];
  for (const add of own) add(program, registry);
  for (const add of deps.applicationCommands) add(program);
  return program;
}

function report(error: unknown, deps: CliDeps): ExitCode {
  const say = (text: string): void => void deps.stderr.write(`${text}\n`);
  // Commander has printed its own sentence, or the help that was asked for.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.usage;
  if (error instanceof CliError) {
    say(error.message);
    if (error.next !== null) say(error.next);
    return error.exitCode;
  }
  const code = exitCodeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code !== null) {
    say(message);
    return code;
  }
  say(`This is a bug of switchyard ${deps.version}: ${error instanceof Error ? (error.stack ?? message) : message}`);
  say("Please report it with the lines above and the command that was run.");
  return EXIT.internal;
}
