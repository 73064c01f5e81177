import { readFileSync } from "node:fs";
import { parse } from "yaml";
import { ConfigProblems, formatProblems, type Loaded, loadConfig } from "../config/index.ts";
import { EXIT } from "../kernel/index.ts";
import { CliError } from "./cliError.ts";
import type { Output } from "./output.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** The configuration for a command; warnings go to stderr, every problem at once is exit 3. */
export function loadConfigFile(file: string, env: Env, out: Pick<Output, "complain">): Loaded {
  try {
    const loaded = loadConfig({ file, env });
    if (loaded.warnings.length > 0) out.complain(formatProblems(file, loaded.warnings));
    return loaded;
  } catch (error) {
    if (error instanceof ConfigProblems) throw new CliError(EXIT.configuration, error.message);
    throw error;
  }
}

export interface AdminPlace {
  readonly listen: string;
  readonly stateDir: string;
}

const DEFAULTS: AdminPlace = { listen: "127.0.0.1:9901", stateDir: "data/switchyard" };

/**
 * Where the running process is asked. Read without the schema's judgement, because whoever pulls the kill switch may
 * have neither the secrets nor a faultless file at hand: anything unreadable means the defaults.
 */
export function readAdminPlace(file: string, isExplicit: boolean, env: Env): AdminPlace {
  const tree = readTree(file, isExplicit);
  const admin = tree["admin"];
  const listen = typeof admin === "object" && admin !== null ? (admin as Record<string, unknown>)["listen"] : undefined;
  return {
    listen: env["SWITCHYARD__ADMIN__LISTEN"] ?? textOr(listen, DEFAULTS.listen),
    stateDir: env["SWITCHYARD__STATE_DIR"] ?? textOr(tree["stateDir"], DEFAULTS.stateDir),
  };
}

const textOr = (value: unknown, fallback: string): string =>
  typeof value === "string" && value !== "" ? value : fallback;

function readTree(file: string, isExplicit: boolean): Record<string, unknown> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (!isExplicit) return {};
    const code = (error as NodeJS.ErrnoException).code ?? "unreadable";
    throw new CliError(
      EXIT.configuration,
      `${file} cannot be read (${code}).`,
      "Name the configuration with --config <file>.",
    );
  }
  try {
    const tree: unknown = parse(text, { maxAliasCount: 100 });
    return typeof tree === "object" && tree !== null ? (tree as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
