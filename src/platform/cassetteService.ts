import { join } from "node:path";
import type { ChosenPort } from "./freePort.ts";
import { createLogFile } from "./logFile.ts";
import { makeSecret } from "./makeSecret.ts";
import { nodeEnv, serviceEnv } from "./serviceEnv.ts";
import { createSupervisor, type Supervisor } from "./supervisor.ts";

export const CASSETTE_PORTS = { record: 8005, replay: 8006, cassette: 8007 } as const;
const HOST = "127.0.0.1";
const TOKEN_ENV = "SHADOW_MISSES_TOKEN";

export interface CassetteServiceOptions {
  readonly root: string;
  readonly env: NodeJS.ProcessEnv;
  /** Base URL of the models. */
  readonly provider: string;
  /** The wanted port, or another. */
  readonly choosePort: (wanted: number) => Promise<ChosenPort>;
  readonly logsDir: string;
  readonly say: (line: string) => void;
  readonly onPid?: (pid: number | null) => void;
  /** Shadow targets ask the models themselves, for at most so many tokens an hour (shadow K6). */
  readonly liveTokensPerHour?: number;
}

/** `switchyard cassette` as a child that is kept alive (shadow K1); its addresses stay the same when it starts again. */
export interface CassetteService extends Supervisor {
  readonly ports: Readonly<Record<"record" | "replay" | "cassette", ChosenPort>>;
  /** Base URL of the models for both serving arms. */
  readonly recordUrl: string;
  /** Base URL of the models for both shadow targets. */
  readonly replayUrl: string;
  readonly adminUrl: string;
  /** Overrides of the proxy's configuration. */
  readonly settings: Readonly<Record<string, string>>;
  /** The secret, by the name that `settings` says; made anew for every run. */
  readonly proxyEnv: Readonly<Record<string, string>>;
}

/** shadow K1: it is back within a second; starting takes more than half of that. */
const BACKOFF = { firstMs: 50, maxMs: 200 };

/** Chooses its ports; nothing runs until `start`. */
export async function createCassetteService(options: CassetteServiceOptions): Promise<CassetteService> {
  const { root, env, provider, choosePort, logsDir, say, onPid, liveTokensPerHour } = options;
  const record = await choosePort(CASSETTE_PORTS.record);
  const replay = await choosePort(CASSETTE_PORTS.replay);
  const cassette = await choosePort(CASSETTE_PORTS.cassette);
  const at = ({ port }: ChosenPort): string => `${HOST}:${port}`;
  const path = (URL.parse(provider)?.pathname ?? "").replace(/\/+$/, "");
  const proxyEnv = { [TOKEN_ENV]: makeSecret() };
  const places = ["--record", at(record), "--replay", at(replay), "--admin", at(cassette), "--provider", provider];
  if (liveTokensPerHour !== undefined) places.push("--live-tokens", String(liveTokensPerHour));
  const supervisor = createSupervisor(
    {
      name: "cassette",
      command: process.execPath,
      args: [join("src", "main.ts"), "cassette", ...places, "--misses-token-env", TOKEN_ENV],
      cwd: root,
      env: nodeEnv(root, serviceEnv(env, proxyEnv)),
      readyUrl: `http://${at(cassette)}/livez`,
    },
    { log: createLogFile(join(logsDir, "cassette.log")), say, backoff: BACKOFF, ...(onPid && { onPid }) },
  );
  return Object.assign(supervisor, {
    ports: { record, replay, cassette },
    recordUrl: `http://${at(record)}${path}`,
    replayUrl: `http://${at(replay)}${path}`,
    adminUrl: `http://${at(cassette)}`,
    settings: {
      "shadow.cassette.record": at(record),
      "shadow.cassette.replay": at(replay),
      "shadow.cassette.missesTokenEnv": TOKEN_ENV,
      ...(liveTokensPerHour !== undefined && { "shadow.cassette.live": "true" }),
    },
    proxyEnv,
  });
}
