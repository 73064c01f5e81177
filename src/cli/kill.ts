import { type Command, Option } from "commander";
import type { KillsView } from "../console/index.ts";
import { KILL_LAYERS } from "../flags/index.ts";
import { EXIT, type ExitCode } from "../kernel/index.ts";
import { usageError } from "./cliError.ts";
import { addCommand, addGroup, onRun, type Registry } from "./command.ts";
import { confirm } from "./confirm.ts";
import { auditFields, type CliContext } from "./context.ts";
import type { CommonOptions } from "./options.ts";

interface KillOptions extends CommonOptions {
  readonly reason: string;
  readonly layer?: string;
}

export function addKill(program: Command, registry: Registry): void {
  const group = addGroup(program, "kill", "kill switch: everything to control", [
    ['switchyard kill on --reason "errors on the candidate"', "everything to control, now"],
    ['switchyard kill off --reason "repaired"', "the flags decide again"],
  ]);
  const on = addCommand(group, {
    name: "on",
    summary: "everything to control, now; never asks",
    examples: [
      ['switchyard kill on --reason "errors on the candidate"', "every new call and handshake goes to control"],
    ],
    isPrintingData: true,
    isAskingAdmin: true,
  }).requiredOption("--reason <text>", "why; it is recorded and shown");
  onRun<KillOptions>(on, registry, switchOn);

  const off = addCommand(group, {
    name: "off",
    summary: "clears one kill layer, so that the flags decide again",
    examples: [
      ['switchyard kill off --reason "repaired"', "clears the only active layer"],
      ['switchyard kill off --layer L0 --reason "repaired" --yes', "clears this one, without asking"],
    ],
    isPrintingData: true,
    isAskingAdmin: true,
    isChanging: true,
  })
    .requiredOption("--reason <text>", "why; it is recorded and shown")
    .addOption(new Option("--layer <layer>", "which layer; needed when several are active").choices(KILL_LAYERS));
  onRun<KillOptions>(off, registry, switchOff);
}

async function switchOn(context: CliContext, options: KillOptions): Promise<ExitCode> {
  const admin = await context.admin();
  const body = { layer: "L0", ...auditFields(context.deps.env, options.reason) };
  return print(context, await admin.post<KillsView>("/api/kill", body));
}

async function switchOff(context: CliContext, options: KillOptions): Promise<ExitCode> {
  const admin = await context.admin();
  const { kills } = await admin.get<KillsView>("/api/kill");
  const layer = options.layer ?? onlyLayer(kills.map((kill) => kill.layer));
  if (layer === null) {
    context.out.talk("The kill switch is already off.");
    return print(context, await admin.get<KillsView>("/api/kill"));
  }
  const isAgreed = await confirm(
    `Clear kill layer ${layer}, so that the flags decide again?`,
    options.yes === true,
    context.deps,
  );
  if (!isAgreed) {
    context.out.talk("Nothing changed.");
    return EXIT.finding;
  }
  const body = { layer, ...auditFields(context.deps.env, options.reason) };
  return print(context, await admin.post<KillsView>("/api/kill/clear", body));
}

/** Each layer is cleared by itself (rollout.md §1.5): whoever set the other one had a reason of their own. */
function onlyLayer(active: readonly string[]): string | null {
  if (active.length > 1)
    throw usageError(
      `${active.length} kill layers are active: ${active.join(", ")}.`,
      "Clear each by itself, with --layer.",
    );
  return active[0] ?? null;
}

function print({ out, options }: CliContext, view: KillsView): ExitCode {
  if (options.json) out.json(view);
  else if (view.kills.length === 0) out.data(`kill switch off   epoch ${view.epoch}   the flags decide`);
  else {
    const rows = view.kills.map((kill) => `  ${kill.layer}   "${kill.reason}", by ${kill.actor}`);
    out.data(
      [`${out.alarm("kill switch ON")}   epoch ${view.epoch}   everything is served by control`, ...rows].join("\n"),
    );
  }
  return EXIT.fine;
}
