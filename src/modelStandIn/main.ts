// Process entry of the stand-in model: `node src/modelStandIn/main.ts`, configured by its environment only.
import { type Log, type StandIn, startStandIn } from "./httpServer.ts";
import { EXIT_CONFIGURATION, EXIT_PORT_IN_USE, readSettings, SettingsError } from "./settings.ts";

const log: Log = (line) => {
  process.stdout.write(`${JSON.stringify({ time: new Date().toISOString(), ...line })}\n`);
};

function exitCodeOf(error: unknown): number {
  if (error instanceof SettingsError) return error.exitCode;
  return (error as NodeJS.ErrnoException).code === "EADDRINUSE" ? EXIT_PORT_IN_USE : EXIT_CONFIGURATION;
}

function stopOn(signal: NodeJS.Signals, standIn: StandIn): void {
  process.once(signal, () => {
    void standIn.stop().then(() => {
      log({ level: "info", msg: "stopped" });
      process.exitCode = 0;
    });
  });
}

try {
  const standIn = await startStandIn(readSettings(process.env), log);
  const { host, port } = standIn;
  process.stdout.write(`${JSON.stringify({ msg: "listening", service: "model-stand-in", host, port })}\n`);
  stopOn("SIGTERM", standIn);
  stopOn("SIGINT", standIn);
} catch (error) {
  process.stderr.write(`model stand-in: ${(error as Error).message}\n`);
  process.exitCode = exitCodeOf(error);
}
