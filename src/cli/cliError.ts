import { EXIT, type ExitCode } from "../kernel/index.ts";

/** Ends a command with a sentence and what to do next (ux.md §1 rule 5). */
export class CliError extends Error {
  readonly exitCode: ExitCode;
  readonly next: string | null;

  constructor(exitCode: ExitCode, message: string, next: string | null = null) {
    super(message);
    this.name = "CliError";
    this.exitCode = exitCode;
    this.next = next;
  }
}

export const usageError = (message: string, next: string | null = null): CliError =>
  new CliError(EXIT.usage, message, next);

const CODES: ReadonlySet<number> = new Set(Object.values(EXIT));

/** Exit code an error brings along, such as `StartError`'s or an application command's; null: the error is our bug. */
export function exitCodeOf(error: unknown): ExitCode | null {
  const code = (error as { exitCode?: unknown } | null)?.exitCode;
  return typeof code === "number" && CODES.has(code) ? (code as ExitCode) : null;
}
