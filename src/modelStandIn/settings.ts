// The environment of the stand-in (contract README §5, services.md §13, faults.md §4), all problems at once.
import { type FaultItem, FaultSyntaxError, parseFaults } from "./faults.ts";

export interface Settings {
  readonly host: string;
  readonly port: number;
  readonly chunkMs: number;
  readonly delayMs: number;
  readonly faults: readonly FaultItem[];
  readonly faultSeed: string;
  readonly canSwitchFaults: boolean;
  /** Other words every time. */
  readonly isVaried: boolean;
}

export const EXIT_FAULTS = 2;
export const EXIT_CONFIGURATION = 3;
export const EXIT_PORT_IN_USE = 4;

/** The process must not start; `exitCode` says why to a launcher. */
export class SettingsError extends Error {
  readonly exitCode: number;
  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}

type Environment = Readonly<Record<string, string | undefined>>;

function integer(env: Environment, name: string, fallback: number, max: number, problems: string[]): number {
  const text = env[name];
  if (text === undefined || text === "") return fallback;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (value <= max) return value;
  problems.push(`${name} must be an integer from 0 to ${max}, not "${text}"`);
  return fallback;
}

function flag(env: Environment, name: string, problems: string[]): boolean {
  const text = env[name] ?? "";
  if (text !== "" && text !== "0" && text !== "1") problems.push(`${name} must be 0 or 1, not "${text}"`);
  return text === "1";
}

function faults(text: string): FaultItem[] {
  try {
    return parseFaults(text);
  } catch (error) {
    if (error instanceof FaultSyntaxError) throw new SettingsError(`STANDIN_FAULTS: ${error.message}`, EXIT_FAULTS);
    throw error;
  }
}

/** Throws SettingsError. Port 0 = a free port, named in the first line of the log. */
export function readSettings(env: Environment): Settings {
  const problems: string[] = [];
  const settings = {
    host: env["HOST"] || "127.0.0.1",
    port: integer(env, "PORT", 8003, 65_535, problems),
    chunkMs: integer(env, "STANDIN_CHUNK_MS", 5, 60_000, problems),
    delayMs: integer(env, "STANDIN_DELAY_MS", 20, 120_000, problems),
    faultSeed: env["FAULT_SEED"] || "0",
    canSwitchFaults: flag(env, "ALLOW_FAULT_HEADERS", problems),
    isVaried: flag(env, "STANDIN_VARIED", problems),
  };
  if (problems.length > 0) throw new SettingsError(problems.join("; "), EXIT_CONFIGURATION);
  return { ...settings, faults: faults(env["STANDIN_FAULTS"] ?? "") };
}
