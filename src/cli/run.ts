import type { Command } from "commander";
import type { ExitCode } from "../kernel/index.ts";
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
  const load = () => loadConfigFile(configFile, deps.env, out);
  const running = await deps.startProxy(await load(), { file: configFile, reload: load });
  const release = listenToSignals(running, context);
  try {
    out.talk(bannerText(deps.version, running));
    return await running.done;
  } finally {
    release();
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

/** The first signal drains, the second one stops at once; a supervisor on Windows has no signals and sends a message. */
function listenToSignals(running: RunningProxy, { out }: CliContext): () => void {
  const onStop = (signal: NodeJS.Signals): void => {
    out.talk(`${signal}: draining; a second signal stops at once`);
    running.stop(signal);
  };
  const onHangup = (): void => {
    running.reload().then(
      ({ message }) => out.complain(message),
      (error: unknown) =>
        out.complain(`The configuration was not reloaded: ${error instanceof Error ? error.message : String(error)}`),
    );
  };
  const onMessage = (message: unknown): void => {
    if (message === "shutdown") onStop("SIGTERM");
  };
  process.on("SIGTERM", onStop).on("SIGINT", onStop).on("SIGHUP", onHangup).on("message", onMessage);
  return () => {
    process.off("SIGTERM", onStop).off("SIGINT", onStop).off("SIGHUP", onHangup).off("message", onMessage);
  };
}
