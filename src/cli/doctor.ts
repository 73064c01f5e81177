import type { Command } from "commander";
import { SCHEMA_VERSION } from "../console/index.ts";
import { type ExitCode, systemClock } from "../kernel/index.ts";
import { addCommand, onRun, type Registry } from "./command.ts";
import { loadConfigFile } from "./configFile.ts";
import type { CliContext } from "./context.ts";
import { askAll, type Checked, type CheckState, exitCodeOf } from "./doctor/check.ts";
import { checksOf } from "./doctor/checks.ts";
import { plural, table } from "./format.ts";
import type { Output } from "./output.ts";

export function addDoctor(program: Command, registry: Registry): void {
  const command = addCommand(program, {
    name: "doctor",
    summary: "asks the world that the configuration speaks of: backends, guards, stores, clocks; changes nothing",
    examples: [
      ["switchyard doctor", "what is wrong, and what to do about it; exit 1 when something is"],
      ["switchyard doctor --json", "every check for machines"],
    ],
    isPrintingData: true,
    isAskingAdmin: true,
  });
  onRun(command, registry, doctor);
}

async function doctor(context: CliContext): Promise<ExitCode> {
  const { configFile, deps, out, options } = context;
  const { config } = loadConfigFile(configFile, deps.env, out);
  const clock = systemClock;
  const checked = await askAll(checksOf({ config, context, clock }), clock);
  const count = (state: CheckState): number => checked.filter((one) => one.state === state).length;
  const [problems, warnings] = [count("fail"), count("warn")];
  if (options.json) out.json({ schemaVersion: SCHEMA_VERSION, checks: checked, problems, warnings });
  else out.data(`${checkedText(checked, out)}\n${plural(problems, "problem")}, ${plural(warnings, "warning")}`);
  return exitCodeOf(checked);
}

const WORDS: Readonly<Record<CheckState, string>> = { ok: "ok", warn: "warning", fail: "problem" };

/** A line each; below what is not well stands what to do. */
function checkedText(checked: readonly Checked[], out: Output): string {
  const rows = checked.map(({ state, name, what }) => [
    state === "fail" ? out.alarm(WORDS[state]) : WORDS[state],
    name,
    what,
  ]);
  const lines = table(rows).split("\n");
  return checked.map(({ fix }, at) => lines[at] + (fix === null ? "" : `\n           fix    ${fix}`)).join("\n");
}
