import type { Command } from "commander";
import type { FlagsView, FlagView } from "../console/index.ts";
import { EXIT, type ExitCode } from "../kernel/index.ts";
import { Unreachable } from "./adminClient.ts";
import { usageError } from "./cliError.ts";
import { addCommand, addGroup, onRun, type Registry } from "./command.ts";
import { loadConfigFile } from "./configFile.ts";
import { confirm } from "./confirm.ts";
import { actorName, auditFields, type CliContext } from "./context.ts";
import type { CommonOptions } from "./options.ts";
import { viewOf, withFlagFile } from "./flagFile.ts";
import { age, percent, table } from "./format.ts";
import { parsePercent } from "./values.ts";

interface SetOptions extends CommonOptions {
  readonly reason: string;
}

const SUMMARY = "the share of each unit's subjects that the candidate serves";

export function addFlags(program: Command, registry: Registry): void {
  const group = addGroup(program, "flags", SUMMARY, [
    ["switchyard flags list", "every unit's flag and share"],
    ["switchyard flags set orders 25", "a quarter of the subjects to the candidate"],
  ]);
  const list = addCommand(group, {
    name: "list",
    summary: "every unit's flag and share",
    examples: [
      ["switchyard flags list", "what the running process decides by; without one, what the flag file says"],
      ["switchyard flags list --json", "the same for machines"],
    ],
    isPrintingData: true,
    isAskingAdmin: true,
  });
  onRun(list, registry, (context) => withFlags(context, async ({ view }) => print(context, view)));

  const set = addCommand(group, {
    name: "set",
    summary: "sets the share of a unit's subjects that the candidate serves",
    examples: [
      ["switchyard flags set orders 25", "a quarter of the subjects, from their next call on"],
      ["switchyard flags set orders 0 --yes", "everyone back to control, without asking"],
    ],
    isPrintingData: true,
    isAskingAdmin: true,
    isChanging: true,
  })
    .argument("<unit>", "a unit of the configuration")
    .argument("<percent>", "0 to 100, at most one decimal", parsePercent)
    .option("--reason <text>", "why; it is recorded", "set by hand with the command line");
  onRun<SetOptions, [string, number]>(set, registry, setShare);
}

/** Where the flags are: in the running process, or (nothing listens, and nobody named an address) in the flag file. */
interface FlagPlace {
  readonly view: FlagsView;
  /** Ends a sentence that says what was written where. */
  readonly name: string;
  set(flag: FlagView, share: number, reason: string): Promise<unknown>;
}

async function withFlags(context: CliContext, work: (place: FlagPlace) => Promise<ExitCode>): Promise<ExitCode> {
  const { deps, options, out } = context;
  const admin = await context.admin();
  let view: FlagsView;
  try {
    view = await admin.get<FlagsView>("/api/flags");
  } catch (error) {
    const isNobodyThere = error instanceof Unreachable && error.isRefused && options.adminUrl === undefined;
    if (!isNobodyThere) throw error;
    out.talk(`No process answers at ${admin.url}: working on the flag file.`);
    return withFile(context, work);
  }
  const name = `by the process at ${admin.url}; subjects move at their next call`;
  const set: FlagPlace["set"] = ({ unit }, share, reason) =>
    admin.post("/api/flags", { unit, percent: share, ...auditFields(deps.env, reason) });
  return work({ view, name, set });
}

async function withFile(
  { deps, out, configFile }: CliContext,
  work: (place: FlagPlace) => Promise<ExitCode>,
): Promise<ExitCode> {
  const { config } = loadConfigFile(configFile, deps.env, out);
  return withFlagFile(config, deps, (flags) => {
    const name = `in the flag file ${config.flags.file}; the next start reads it`;
    const actor = `person:${actorName(deps.env) ?? "unknown"}`;
    return work({
      view: viewOf(config, flags),
      name,
      set: ({ flag }, share) => flags.writer.setExposure(flag, share, actor),
    });
  });
}

async function setShare(context: CliContext, options: SetOptions, [unit, share]: [string, number]): Promise<ExitCode> {
  const { deps, out } = context;
  return withFlags(context, async ({ view, name, set }) => {
    const before = changeable(view, unit);
    const question = `Set ${unit} from ${percent(before.exposurePercent)} to ${percent(share)}?`;
    if (!(await confirm(question, options.yes === true, deps))) {
      out.talk("Nothing changed.");
      return EXIT.finding;
    }
    await set(before, share, options.reason);
    out.talk(`Written ${name}.`);
    const { schemaVersion } = view;
    const after = { ...before, exposurePercent: share };
    if (options.json) out.json({ schemaVersion, ...after, beforePercent: before.exposurePercent });
    else out.data(table([row(after)]));
    return EXIT.fine;
  });
}

function changeable(view: FlagsView, unit: string): FlagView {
  const found = view.flags.find((flag) => flag.unit === unit);
  const names = view.flags.filter((flag) => flag.fixed === null).map((flag) => flag.unit);
  const next = names.length === 0 ? "No unit is decided by a flag." : `Units decided by a flag: ${names.join(", ")}.`;
  if (!found) throw usageError(`There is no unit "${unit}".`, next);
  if (found.fixed !== null) throw usageError(`The configuration fixes unit "${unit}" on ${found.fixed}.`, next);
  return found;
}

function print({ out, options }: CliContext, view: FlagsView): ExitCode {
  if (options.json) {
    out.json(view);
    return EXIT.fine;
  }
  out.data(table(view.flags.map(row)));
  const { data } = view;
  out.talk(`from ${data.source}, ${data.dataAgeMs === null ? "never any usable data" : `${age(data.dataAgeMs)} old`}`);
  return EXIT.fine;
}

const row = (flag: FlagView): readonly string[] => [
  flag.unit,
  flag.fixed === null ? `${percent(flag.exposurePercent)} on candidate` : `fixed on ${flag.fixed}`,
  flag.fixed === null ? flag.flag : "",
];
