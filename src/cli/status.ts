import { setTimeout as sleep } from "node:timers/promises";
import type { Command } from "commander";
import type { StatusView } from "../console/index.ts";
import { EXIT, type ExitCode } from "../kernel/index.ts";
import type { AdminClient } from "./adminClient.ts";
import { CliError, usageError } from "./cliError.ts";
import { addCommand, onRun, type Registry } from "./command.ts";
import type { CliContext } from "./context.ts";
import type { CommonOptions } from "./options.ts";
import { statusText } from "./statusText.ts";

interface StatusOptions extends CommonOptions {
  readonly watch?: boolean;
}

const WATCH_MS = 2_000;

export function addStatus(program: Command, registry: Registry): void {
  const command = addCommand(program, {
    name: "status [unit]",
    summary: "where every unit is served, with rates, errors and sockets of both arms",
    examples: [
      ["switchyard status", "all units once"],
      ["switchyard status orders --watch", "one unit, again every 2 s until Ctrl-C"],
      ["switchyard status --json", "for machines; exit 1 while not ready"],
    ],
    isPrintingData: true,
    isAskingAdmin: true,
  }).option("--watch", "print again every 2 s");
  onRun<StatusOptions>(command, registry, async (context, options, [unit]) => {
    const admin = await context.admin();
    return options.watch ? watch(context, admin, unit) : once(context, admin, unit);
  });
}

async function once(context: CliContext, admin: AdminClient, unit: string | undefined): Promise<ExitCode> {
  const view = await read(admin, unit);
  if (context.options.json) context.out.json(view);
  else context.out.data(statusText(view, context.out));
  return view.readiness.isReady ? EXIT.fine : EXIT.finding;
}

async function read(admin: AdminClient, unit: string | undefined): Promise<StatusView> {
  const view = await admin.get<StatusView>("/api/status");
  if (unit === undefined) return view;
  const units = view.units.filter((row) => row.unit === unit);
  if (units.length === 0)
    throw usageError(`There is no unit "${unit}".`, `Units: ${view.units.map((row) => row.unit).join(", ")}.`);
  return { ...view, units };
}

/** Keeps the last data and says so while the process does not answer; a restart is no reason to stop watching. */
async function watch(context: CliContext, admin: AdminClient, unit: string | undefined): Promise<ExitCode> {
  const { out, options } = context;
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once("SIGINT", onSignal);
  process.once("SIGTERM", onSignal);
  try {
    while (!stop.signal.aborted) {
      try {
        const view = await read(admin, unit);
        if (options.json) context.deps.stdout.write(`${JSON.stringify(view)}\n`);
        else
          out.data(`${out.isTerminal ? "\u001b[H\u001b[J" : ""}${statusText(view, out)}${out.isTerminal ? "" : "\n"}`);
      } catch (error) {
        if (!(error instanceof CliError) || error.exitCode !== EXIT.unreachable) throw error;
        out.complain(`${error.message} What stands above is old; asking again.`);
      }
      await sleep(WATCH_MS, undefined, { signal: stop.signal }).catch(() => undefined);
    }
    return EXIT.fine;
  } finally {
    process.removeListener("SIGINT", onSignal);
    process.removeListener("SIGTERM", onSignal);
  }
}
