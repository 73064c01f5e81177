import type { Command } from "commander";
import type { Config, Loaded, LoadOptions } from "../config/index.ts";
import type { FlagControl } from "../flags/index.ts";
import type { ExitCode } from "../kernel/index.ts";
import type { ShadowApplication } from "../shadow/index.ts";

/** What the application tells of its shadow; all empty for one without an application. */
export type CliShadow = Pick<
  ShadowApplication,
  "mirroring" | "rules" | "liveModels" | "checks" | "normalisers" | "conditions" | "statusClass" | "identity"
>;

/** What `app.ts` hands to the command line. */
export interface CliDeps {
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
  /** Read for confirmations only, and only when it is a terminal. */
  readonly stdin: NodeJS.ReadableStream & { isTTY?: boolean };
  readonly stdout: NodeJS.WritableStream & { isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { isTTY?: boolean };
  /**
   * Starts proxy and admin listener. Rejects with `StartError` when something cannot be bound or reached.
   * `done` settles with the exit code after the drain.
   */
  startProxy(source: ConfigSource): Promise<RunningProxy>;
  /** The flags of a configuration that no process runs: `flags list` and `flags set` start it, ask, and stop it. */
  openFlags(config: Config): FlagControl;
  readonly shadow: CliShadow;
  /** Commands of the application (`demo`). */
  readonly applicationCommands: readonly ((program: Command) => void)[];
}

/** A configuration that was loaded, and how it is loaded again: on SIGHUP and when its file is saved (ux.md §4). */
export interface ConfigSource {
  readonly options: LoadOptions;
  readonly loaded: Loaded;
}

export interface RunningProxy {
  readonly address: string;
  readonly adminAddress: string;
  readonly operateTokenFile: string | null;
  readonly done: Promise<ExitCode>;
  /** First call drains, second one stops at once (exit 130). */
  stop(signal: string): void;
  /** SIGHUP: reads the configuration again and applies it whole or not at all; the sentence says which. */
  reload(): Promise<{ readonly isApplied: boolean; readonly message: string }>;
}

/** Something that is needed cannot be bound or reached: exit 4, with the sentence that says what and how to fix it. */
export class StartError extends Error {
  readonly exitCode: ExitCode;
  constructor(message: string, exitCode: ExitCode, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "StartError";
    this.exitCode = exitCode;
  }
}
