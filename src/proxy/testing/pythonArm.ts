import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startLineProcess } from "./lineProcess.ts";

const PYTHON = fileURLToPath(new URL("../../../legacy/.venv/bin/python", import.meta.url));

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
  const seen: string[] = [];
  const script = fileURLToPath(new URL("recordingArm.py", import.meta.url));
  const { port, stop } = await startLineProcess(PYTHON, [script, parser], (line) => {
    const { method, path } = line as { method: string; path: string };
    seen.push(`${method} ${path}`);
  });
  return { url: `http://127.0.0.1:${port}`, seen, stop };
}
