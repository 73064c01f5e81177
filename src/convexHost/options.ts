// The command line (embedded-convex §2) and the environment file of the functions (§3.5). Pure.
import { parseArgs } from "node:util";

export interface ServeOptions {
  readonly command: "serve";
  readonly functionsDir: string;
  readonly dataDir: string;
  /** 0: any that is free. */
  readonly port: number;
  readonly listen: string;
  readonly envFile: string | null;
  /** Where clients reach the host, without a "/" at the end; null: where it listens. For the URLs of files. */
  readonly url: string | null;
  /** Origins of pages that may call, besides those that need no permission. */
  readonly origins: readonly string[];
  /** Every mutation runs twice. */
  readonly isDeterminismChecked: boolean;
  /** Reloads the functions when their files change. */
  readonly isWatching: boolean;
}

export interface CopyOptions {
  readonly command: "export" | "import";
  readonly dataDir: string;
  /** Where the snapshot is written to, or read from. */
  readonly snapshotDir: string;
}

export type Options = ServeOptions | CopyOptions;

/** Everything that is wrong with the configuration; exit code 3. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

export const USAGE = `usage: main.ts -- --functions <dir> --data <dir> [--port 8004] [--listen 127.0.0.1] [--env-file <file>]
                  [--url <url>] [--origin <origin>]... [--check-determinism] [--watch]
       main.ts export <dir> --data <dir>
       main.ts import <dir> --data <dir>`;

const FLAGS = {
  functions: { type: "string" },
  data: { type: "string" },
  port: { type: "string" },
  listen: { type: "string" },
  "env-file": { type: "string" },
  url: { type: "string" },
  origin: { type: "string", multiple: true },
  "check-determinism": { type: "boolean" },
  watch: { type: "boolean" },
} as const;
type Flag = keyof typeof FLAGS;

const PORT_DEFAULT = 8004;
const LISTEN_DEFAULT = "127.0.0.1";
const COPY_FLAGS: readonly string[] = ["data"];

interface Given {
  readonly values: Partial<Record<Flag, string | boolean | string[]>>;
  readonly positionals: readonly string[];
}

/**
 * Reads `process.argv.slice(2)`. A first "--" is passed over: Node looks for an `--env-file` of its own in all arguments
 * before a "--", also behind the script's name, and would load the functions' variables into the process.
 * @throws ConfigError with every problem
 */
export function parseOptions(argv: readonly string[]): Options {
  const problems: string[] = [];
  const given = readFlags(argv[0] === "--" ? argv.slice(1) : argv, problems);
  const [command = "serve", ...rest] = given.positionals;
  const options =
    command === "export" || command === "import"
      ? readCopy(command, rest, given, problems)
      : readServe(given, problems);
  if (problems.length > 0) throw new ConfigError(problems);
  return options;
}

function readFlags(argv: readonly string[], problems: string[]): Given {
  const { values, positionals, tokens } = parseArgs({
    args: [...argv],
    options: FLAGS,
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const flag = Object.hasOwn(FLAGS, token.name) ? FLAGS[token.name as Flag] : undefined;
    if (flag === undefined) problems.push(`${token.rawName}: expected one of --${Object.keys(FLAGS).join(", --")}`);
    else if (flag.type === "boolean" && token.value !== undefined) problems.push(`${token.rawName}: expected no value`);
    else if (flag.type === "string" && !token.value) problems.push(`${token.rawName}: expected a value`);
    else if (seen.has(token.name) && !("multiple" in flag)) problems.push(`${token.rawName}: given twice`);
    seen.add(token.name);
  }
  return { values: values as Given["values"], positionals };
}

function readCopy(
  command: "export" | "import",
  rest: readonly string[],
  given: Given,
  problems: string[],
): CopyOptions {
  const [snapshotDir = "", ...more] = rest;
  if (snapshotDir === "" || more.length > 0) problems.push(`${command}: expected one directory`);
  for (const name of Object.keys(given.values)) {
    if (Object.hasOwn(FLAGS, name) && !COPY_FLAGS.includes(name)) problems.push(`--${name}: not used by ${command}`);
  }
  return { command, snapshotDir, dataDir: required(given, "data", problems) };
}

function readServe(given: Given, problems: string[]): ServeOptions {
  for (const word of given.positionals)
    problems.push(`${JSON.stringify(word)}: expected "export", "import" or flags only`);
  const origins = given.values.origin;
  const url = text(given, "url");
  return {
    command: "serve",
    functionsDir: required(given, "functions", problems),
    dataDir: required(given, "data", problems),
    port: readPort(given, problems),
    listen: text(given, "listen") ?? LISTEN_DEFAULT,
    envFile: text(given, "env-file"),
    url: url === null ? null : readOrigin("url", url, problems),
    origins: (Array.isArray(origins) ? origins : []).map((origin) => readOrigin("origin", origin, problems)),
    isDeterminismChecked: given.values["check-determinism"] === true,
    isWatching: given.values.watch === true,
  };
}

function text(given: Given, flag: Flag): string | null {
  const value = given.values[flag];
  return typeof value === "string" && value !== "" ? value : null;
}

function required(given: Given, flag: Flag, problems: string[]): string {
  const value = text(given, flag);
  // A flag without its value has been complained about already.
  if (value === null && given.values[flag] === undefined) problems.push(`--${flag}: missing`);
  return value ?? "";
}

function readPort(given: Given, problems: string[]): number {
  const value = text(given, "port");
  if (value === null) return PORT_DEFAULT;
  const port = /^\d{1,5}$/.test(value) ? Number(value) : Number.NaN;
  if (port <= 65_535) return port;
  problems.push(`--port: expected a number from 0 to 65535, got ${JSON.stringify(value)}`);
  return PORT_DEFAULT;
}

function readOrigin(flag: Flag, value: string | boolean, problems: string[]): string {
  const url = URL.canParse(String(value)) ? new URL(String(value)) : null;
  if (url !== null && url.origin === value && /^https?:$/.test(url.protocol)) return url.origin;
  problems.push(`--${flag}: expected an origin such as http://localhost:5173, got ${JSON.stringify(value)}`);
  return "";
}
