// Starts the candidate service alone, with this process's environment, and before it the embedded host when CONVEX_URL
// names no deployment. Ctrl-C or SIGTERM ends the service in order, then the host.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { runOnProjectNode } from "./lib/project.mjs";

runOnProjectNode();

const { startCandidate } = await import("../src/app.ts");
const entry = fileURLToPath(new URL("../src/convexBackend/main.ts", import.meta.url));
const HOST_PORT = 8004;

/** The service's own lines go to standard output; the host's beside them. */
const logHost = (event) => process.stderr.write(`${JSON.stringify(event)}\n`);
const passSignals = (child) => {
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => child.kill(signal));
};

try {
  const { service, host } = await startCandidate({
    env: process.env,
    hostPort: HOST_PORT,
    onHostEvent: logHost,
    startService: async (env) => {
      const child = spawn(process.execPath, [entry], { stdio: "inherit", env });
      passSignals(child);
      return { ended: once(child, "exit") };
    },
  });
  const [code, signal] = await service.ended;
  await host?.stop();
  process.exitCode = code ?? (signal === "SIGINT" ? 130 : 1);
} catch (error) {
  process.stderr.write(`candidate: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error?.exitCode ?? 1;
}
