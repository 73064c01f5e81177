import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { within } from "./wait.ts";

export interface LineProcess {
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts a process that says its port in its first JSON line; `onLine` gets the lines behind it. */
export async function startLineProcess(
  command: string,
  args: readonly string[],
  onLine: (line: unknown) => void = () => {},
): Promise<LineProcess> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "ignore"] });
  const { promise: listening, resolve } = Promise.withResolvers<number>();
  createInterface({ input: child.stdout }).on("line", (line) => {
    const said = JSON.parse(line) as { port?: number };
    if (said.port === undefined) onLine(said);
    else resolve(said.port);
  });
  return {
    port: await within(`${command} listens`, listening, 15_000),
    async stop() {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}
