import type { Command } from "commander";
import { EXIT, type ExitCode } from "../kernel/index.ts";
import { addCommand, onRun, type Registry } from "./command.ts";
import { loadConfigFile } from "./configFile.ts";
import type { CliContext } from "./context.ts";
import type { RunningProxy } from "./ports.ts";

export function addRun(program: Command, registry: Registry): void {
  const command = addCommand(program, {
    name: "run",
    summary: "proxy and admin listener from the configuration",
    examples: [
      ["switchyard run", "with switchyard.config.yaml of this folder"],
      ["switchyard run --config prod.yaml", "with another file; SIGHUP reads it again, SIGTERM drains"],
    ],
  });
  onRun(command, registry, run);
}

async function run(context: CliContext): Promise<ExitCode> {
  const { deps, out, configFile } = context;
  const loaded = loadConfigFile(configFile, deps.env, out);
  const signals = listenToSignals(context);
  try {
    const running = await deps.startProxy({ options: { file: configFile, env: deps.env }, loaded });
    out.talk(bannerText(deps.version, running));
    signals.hand(running);
    const code = await running.done;
    // "At once" means now: listeners and sockets that still stand would keep the process for the rest of the drain.
    if (code === EXIT.interrupted) process.exit(code);
    return code;
  } finally {
    signals.release();
  }
}

function bannerText(version: string, running: RunningProxy): string {
  const rows = [
    `switchyard ${version}   run   Ctrl-C stops and drains`,
    `  proxy   ${running.address}`,
    `  admin   ${running.adminAddress}`,
    `  metrics ${running.adminAddress}/metrics`,
  ];
  return [
    ...rows,
    ...(running.operateTokenFile === null ? [] : [`  operate token   ${running.operateTokenFile}`]),
  ].join("\n");
}

/**
 * The first signal drains, the second one stops at once; one that comes during the start is kept, and SIGHUP never
 * kills. A supervisor on Windows has no signals and sends a message.
 */
function listenToSignals({ out }: CliContext): { hand(running: RunningProxy): void; release(): void } {
  let running: RunningProxy | null = null;
  const early: NodeJS.Signals[] = [];
  const onStop = (signal: NodeJS.Signals): void => {
    if (running === null && early.push(signal) > 1) process.exit(EXIT.interrupted);
    if (running === null) return;
    out.talk(`${signal}: draining; a second signal stops at once`);
    running.stop(signal);
  };
  const onHangup = (): void => {
    running?.reload().then(
      ({ message }) => out.complain(message),
      (error: unknown) => out.complain(`The configuration was not reloaded: ${messageOf(error)}`),
    );
  };
  const onMessage = (message: unknown): void => void (message === "shutdown" && onStop("SIGTERM"));
  process.on("SIGTERM", onStop).on("SIGINT", onStop).on("SIGHUP", onHangup).on("message", onMessage);
  return {
    hand(started) {
      running = started;
      for (const signal of early.splice(0)) onStop(signal);
    },
    release: () =>
      void process.off("SIGTERM", onStop).off("SIGINT", onStop).off("SIGHUP", onHangup).off("message", onMessage),
  };
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
