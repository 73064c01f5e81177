import { PassThrough, Writable } from "node:stream";
import { runCli } from "../index.ts";
import type { CliDeps } from "../ports.ts";
import type { CliResult } from "./cliHarness.ts";

/** A stream that keeps what is written. */
export class Sink extends Writable {
  text = "";
  isTTY: boolean;

  constructor(isTTY = false) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

export interface CaptureOptions {
  readonly env?: NodeJS.ProcessEnv;
  /** Both ends are a terminal, and this is typed. */
  readonly typed?: string;
  readonly deps?: Partial<CliDeps>;
}

/** A plain service has none. */
export const NO_APPLICATION: CliDeps["shadow"] = {
  mirroring: [],
  rules: [],
  liveModels: null,
  checks: [],
  normalisers: {},
  conditions: {},
  statusClass: String,
  identity: { mode: "declared", templates: [] },
};

/** Runs a command line in this process; the streams are the only thing that is not the real one. */
export async function capture(
  argv: readonly string[],
  { env = {}, typed, deps }: CaptureOptions = {},
): Promise<CliResult> {
  const isTTY = typed !== undefined;
  const [stdout, stderr] = [new Sink(isTTY), new Sink(isTTY)];
  const stdin = Object.assign(new PassThrough(), { isTTY });
  if (typed !== undefined) stdin.write(typed);
  const code = await runCli(argv, {
    version: "0.1.0",
    env,
    stdin,
    stdout,
    stderr,
    startProxy: () => Promise.reject(new Error("this test starts no proxy")),
    openFlags: () => {
      throw new Error("this test opens no flags");
    },
    shadow: NO_APPLICATION,
    applicationCommands: [],
    ...deps,
  });
  return { code, stdout: stdout.text, stderr: stderr.text };
}
