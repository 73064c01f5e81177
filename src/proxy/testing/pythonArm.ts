import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { within } from "./wait.ts";

const PYTHON = new URL("../../../legacy/.venv/bin/python", import.meta.url).pathname;

/** Whether the Python service's libraries are installed here. */
export const hasPython = existsSync(PYTHON);

/** The Python arm's own server in front of an application that only writes down what it was asked. */
export interface PythonArm {
  readonly url: string;
  /** Method and path of each request, in order. */
  readonly seen: string[];
  stop(): Promise<void>;
}

/** `parser` is the server's: `h11` is strict Python, `httptools` is the C parser it prefers. */
export async function startPythonArm(parser: "h11" | "httptools"): Promise<PythonArm> {
  const script = new URL("recordingArm.py", import.meta.url).pathname;
  const child = spawn(PYTHON, [script, parser], { stdio: ["ignore", "pipe", "ignore"] });
  const lines = createInterface({ input: child.stdout });
  const seen: string[] = [];
  const { promise: listening, resolve } = Promise.withResolvers<string>();
  lines.on("line", (line) => {
    const said = JSON.parse(line) as { port: number } | { method: string; path: string };
    if ("port" in said) resolve(`http://127.0.0.1:${said.port}`);
    else seen.push(`${said.method} ${said.path}`);
  });
  const url = await within("the Python server listens", listening, 10_000);
  return {
    url,
    seen,
    async stop() {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    },
  };
}
