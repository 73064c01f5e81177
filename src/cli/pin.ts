import type { Command } from "commander";
import { type PinsView, SCHEMA_VERSION } from "../console/index.ts";
import type { Pin } from "../flags/index.ts";
import { type Arm, EXIT, type ExitCode } from "../kernel/index.ts";
import { CliError, usageError } from "./cliError.ts";
import { addCommand, addGroup, onRun, type Registry } from "./command.ts";
import { confirm } from "./confirm.ts";
import { auditFields, type CliContext } from "./context.ts";
import type { CommonOptions } from "./options.ts";
import { age, plural, table } from "./format.ts";
import { parseArm, parseDuration } from "./values.ts";

interface PinOptions extends CommonOptions {
  readonly user?: string;
  readonly unit?: string;
  readonly reason: string;
}
interface AddOptions extends PinOptions {
  readonly user: string;
  readonly arm: Arm;
  readonly until: number;
}

const REASON = "set by hand with the command line";

export function addPins(program: Command, registry: Registry): void {
  const group = addGroup(program, "pin", "exceptions: this user to this arm, for a while", [
    ["switchyard pin add --user u_81 --arm candidate --until 2h", "every unit, for two hours"],
    ["switchyard pin list", "the live ones"],
    ["switchyard pin rm --user u_81", "the flags decide for this user again"],
  ]);
  const add = addCommand(group, {
    name: "add",
    summary: "pins a user to an arm until a time",
    examples: [["switchyard pin add --user u_81 --arm candidate --until 2h", "every unit, for two hours"]],
    isPrintingData: true,
    isAskingAdmin: true,
    isChanging: true,
  })
    .requiredOption("--user <id>", "user id, the token's sub")
    .requiredOption("--arm <arm>", "control or candidate", parseArm)
    .requiredOption("--until <duration>", "how long from now: 2h, 7d; at most 30d", parseDuration)
    .option("--unit <unit>", "this unit only (default: every unit)")
    .option("--reason <text>", "why; it is recorded", REASON);
  onRun<AddOptions>(add, registry, addPin);

  const list = addCommand(group, {
    name: "list",
    summary: "live pins",
    examples: [["switchyard pin list --user u_81", "the pins of one user"]],
    isPrintingData: true,
    isAskingAdmin: true,
  })
    .option("--user <id>", "pins of this user only")
    .option("--unit <unit>", "pins that hold for this unit only");
  onRun<PinOptions>(list, registry, async (context, options) => {
    const admin = await context.admin();
    return printPins(context, matching(await admin.get<PinsView>("/api/pins"), options));
  });

  const remove = addCommand(group, {
    name: "rm [id]",
    summary: "removes one pin, or all of a user",
    examples: [
      ["switchyard pin rm --user u_81", "all pins of this user"],
      ["switchyard pin rm p_4f2a --yes", "the pin with this id, without asking"],
    ],
    isPrintingData: true,
    isAskingAdmin: true,
    isChanging: true,
  })
    .option("--user <id>", "all pins of this user")
    .option("--unit <unit>", "with --user: only those for this unit")
    .option("--reason <text>", "why; it is recorded", REASON);
  onRun<PinOptions>(remove, registry, removePins);
}

async function addPin(context: CliContext, options: AddOptions): Promise<ExitCode> {
  const { user, arm, until, unit = null } = options;
  const admin = await context.admin();
  const where = unit === null ? "every unit" : `unit ${unit}`;
  if (!(await confirm(`Pin ${user} to ${arm} on ${where} for ${age(until)}?`, options.yes === true, context.deps)))
    return unchanged(context);
  const body = { subject: user, arm, unit, forMs: until, ...auditFields(context.deps.env, options.reason) };
  const { pin } = await admin.post<{ pin: Pin }>("/api/pins", body);
  return printPins(context, { schemaVersion: SCHEMA_VERSION, pins: [pin] });
}

async function removePins(
  context: CliContext,
  options: PinOptions,
  [id]: readonly (string | undefined)[],
): Promise<ExitCode> {
  if ((id === undefined) === (options.user === undefined))
    throw usageError("Name one pin by its id, or a user with --user.");
  const admin = await context.admin();
  const view = await admin.get<PinsView>("/api/pins");
  const found = id === undefined ? matching(view, options).pins : view.pins.filter((pin) => pin.id === id);
  if (found.length === 0)
    throw new CliError(EXIT.finding, "No live pin matches.", "See them with: switchyard pin list");
  if (!(await confirm(`Remove ${plural(found.length, "pin")}?`, options.yes === true, context.deps)))
    return unchanged(context);
  for (const pin of found)
    await admin.post("/api/pins/remove", { id: pin.id, ...auditFields(context.deps.env, options.reason) });
  context.out.talk(`Removed ${plural(found.length, "pin")}.`);
  if (context.options.json) context.out.json({ schemaVersion: view.schemaVersion, removed: found });
  return EXIT.fine;
}

function matching(view: PinsView, { user, unit }: PinOptions): PinsView {
  const pins = view.pins.filter(
    (pin) =>
      (user === undefined || pin.subject === user) && (unit === undefined || pin.unit === null || pin.unit === unit),
  );
  return { ...view, pins };
}

function unchanged({ out }: CliContext): ExitCode {
  out.talk("Nothing changed.");
  return EXIT.finding;
}

function printPins({ out, options }: CliContext, view: PinsView): ExitCode {
  if (options.json) out.json(view);
  else if (view.pins.length === 0) out.talk("No live pins.");
  else {
    const rows = view.pins.map((pin) => [
      pin.id,
      pin.subject,
      `${out.armMark(pin.arm)} ${pin.arm}`,
      pin.unit ?? "every unit",
      `until ${new Date(pin.untilMs).toISOString().slice(0, 16).replace("T", " ")} UTC`,
      `"${pin.reason}", by ${pin.actor}`,
    ]);
    out.data(table(rows));
  }
  return EXIT.fine;
}
