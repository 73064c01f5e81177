import type { Command } from "commander";
import { StartError } from "../cli/index.ts";
import { readSecret } from "../config/index.ts";
import { EXIT } from "../kernel/index.ts";
import type { ListenAddress } from "../shadow/index.ts";
import { startCassetteProcess } from "./cassetteProcess.ts";

export interface CassetteCommandDeps {
  readonly version: string;
  readonly env: NodeJS.ProcessEnv;
  /** Ends the process at once with this code. */
  exit(code: number): void;
}

interface Options {
  readonly record: string;
  readonly replay: string;
  readonly provider: string;
  readonly admin: string;
  readonly missesTokenEnv?: string;
  readonly liveTokens?: string;
}

/** `switchyard cassette`: records the model calls of the serving arms, and answers the shadow targets with them (shadow §12). */
export function registerCassette(program: Command, { version, env, exit }: CassetteCommandDeps): void {
  program
    .command("cassette")
    .summary(
      "model calls of the serving arms, recorded, and given to the shadow targets: deterministic, no extra tokens",
    )
    .description(
      "Runs two model endpoints: OPENAI_BASE_URL of both serving arms is --record, of both shadow targets --replay.\n" +
        "Recordings stay in memory, for ten minutes. Log lines are JSON; SIGTERM stops it.",
    )
    .option("--record <address>", "where calls are passed on and recorded", "127.0.0.1:8005")
    .option("--replay <address>", "where recorded calls are answered", "127.0.0.1:8006")
    .option("--provider <url>", "base URL of the models that calls are passed on to", "http://127.0.0.1:8003/v1")
    .option("--admin <address>", "where GET /livez and GET /metrics answer", "127.0.0.1:8007")
    .option(
      "--misses-token-env <name>",
      "variable with the token for GET /misses at --replay, which the proxy reads; otherwise anybody may read it",
    )
    .option(
      "--live-tokens <number>",
      "shadow targets ask the models themselves, for at most so many tokens an hour, instead of being answered from recordings",
    )
    .action(async (options: Options) => {
      const stopped = firstSignal(() => exit(EXIT.interrupted));
      const cassette = await startCassetteProcess({
        version,
        provider: options.provider,
        record: parseAddress("record", options.record),
        replay: parseAddress("replay", options.replay),
        admin: parseAddress("admin", options.admin),
        missesToken: tokenOf(options.missesTokenEnv, env),
        liveTokensPerHour: tokensOf(options.liveTokens),
      });
      await stopped;
      await cassette.stop();
    });
}

/** As long as every other secret (RFC 7518 §3.2). @throws StartError that names the variable, and never what it holds */
function tokenOf(name: string | undefined, env: NodeJS.ProcessEnv): string | null {
  if (name === undefined) return null;
  const read = readSecret({ env: name }, { variable: (one) => env[one], file: () => "" });
  if ("value" in read) return read.value;
  const { what, expected } = read.fault;
  throw new StartError(`--misses-token-env: ${what}; ${expected} is needed.`, EXIT.usage);
}

/** @throws StartError for anything but a whole number of at least 1 */
function tokensOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  if (/^[1-9]\d{0,11}$/.test(text)) return Number(text);
  throw new StartError(`--live-tokens ${text}: a number of tokens is needed, as 200000.`, EXIT.usage);
}

const PORT_MAX = 65_535;

/** `127.0.0.1:8005`, `[::1]:8005`, `localhost:0`. @throws StartError that names the option */
export function parseAddress(option: string, text: string): ListenAddress {
  const match = /^(?:\[([0-9a-f:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match && port <= PORT_MAX) return { host: match[1] ?? match[2] ?? "", port };
  throw new StartError(`--${option} ${text}: a host and a port are needed, as 127.0.0.1:8005.`, EXIT.usage);
}

/** One signal asks to stop, a second one insists (ux.md §3). */
function firstSignal(onSecond: () => void): Promise<void> {
  return new Promise((resolve) => {
    let count = 0;
    const onSignal = (): void => {
      count += 1;
      if (count === 1) resolve();
      else onSecond();
    };
    process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
  });
}
