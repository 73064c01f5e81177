import { isAbsolute, join } from "node:path";
import { StartError } from "../cli/ports.ts";
import type { PortFact } from "./banner.ts";
import { NoFreePort, nextFreePort } from "./freePort.ts";
import type { DemoShadow } from "./demoShadow.ts";
import type { DemoDeps, RunningProxy } from "./ports.ts";
import { createServices, PORTS, type ServiceName, type Services } from "./services.ts";
import { createShadowTargets, type ShadowProcess, type ShadowTargets } from "./shadowTargets.ts";
import { ServiceFailed } from "./supervisor.ts";

const HOST = "127.0.0.1";
const CONFIGURATION = 3;
const UNREACHABLE = 4;
const TRIES = 3;

export interface StartOptions {
  readonly deps: DemoDeps;
  readonly configFile: string;
  readonly secret: string;
  /** For the data endpoints of both arms. */
  readonly serviceToken: string;
  readonly hasShadow: boolean;
  readonly say: (line: string) => void;
  readonly onPid: (name: ServiceName | ShadowProcess, pid: number | null) => void;
  /** Told of every set of processes before it starts, so that whoever ends the demo can end them too. */
  readonly onParts: (parts: Parts) => void;
}

/** Everything beside the proxy. */
export interface Parts {
  stop(): Promise<void>;
  kill(): void;
}

export interface Platform {
  readonly services: Services;
  /** null: without one. */
  readonly shadow: DemoShadow | null;
  readonly parts: Parts;
  readonly proxy: RunningProxy;
  readonly proxyPorts: readonly PortFact[];
}

/**
 * Starts services and proxy on free ports. A port that was free when it was chosen may be taken when it is used: then
 * everything is stopped and other ports are chosen, a few times.
 * @throws StartError with exit code 4 (ux.md §3), or what the configuration says
 */
export async function startPlatform(options: StartOptions): Promise<Platform> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await tryStart(options);
    } catch (error) {
      const isPortTaken =
        (error instanceof ServiceFailed && error.isPortTaken) ||
        (error instanceof StartError && error.exitCode === UNREACHABLE);
      if (isPortTaken && attempt < TRIES) continue;
      const isOurs = error instanceof ServiceFailed || error instanceof NoFreePort;
      throw isOurs ? new StartError(error.message, UNREACHABLE, { cause: error }) : error;
    }
  }
}

async function tryStart(start: StartOptions): Promise<Platform> {
  const { deps, configFile, secret, serviceToken, hasShadow, say, onPid, onParts } = start;
  const givenPorts = new Set<number>();
  const { root, env, startCandidate } = deps;
  const common = { root, env, say, onPid, startCandidate };
  const services = await createServices({ ...common, secret, serviceToken, givenPorts, hasCassette: hasShadow });
  const targets =
    services.cassette &&
    (await createShadowTargets({
      ...common,
      replayUrl: services.cassette.replayUrl,
      dataDir: join(root, "data", "shadow"),
      logsDir: join(root, "data", "logs"),
      choosePort: (wanted) => nextFreePort(HOST, wanted, givenPorts),
    }));
  const parts = together(services, targets);
  onParts(parts);
  try {
    const api = await nextFreePort(HOST, PORTS.proxy, givenPorts);
    const admin = await nextFreePort(HOST, PORTS.admin, givenPorts);
    const file = isAbsolute(configFile) ? configFile : join(deps.root, configFile);
    const overrides: Record<string, unknown> = {
      listen: `${HOST}:${api.port}`,
      "admin.listen": `${HOST}:${admin.port}`,
      "arms.control.url": services.urls.control,
      "arms.candidate.url": services.urls.candidate,
      ...(targets && { ...targets.settings, ...services.cassette?.settings, ...SHADOW_SETTINGS }),
      ...DEMO_SETTINGS,
    };
    const options = {
      file,
      env: {
        ...deps.env,
        JWT_SECRET_KEY: secret,
        SERVICE_TOKEN: serviceToken,
        ...targets?.env,
        ...services.cassette?.proxyEnv,
      },
      overrides,
    };
    // Before anything runs: a wrong configuration is said at once.
    const loaded = deps.loadConfig(options);
    await services.start();
    const proxy = await deps.startProxy({ options, loaded });
    const proxyPorts = [
      { name: "api", ...api },
      { name: "admin", ...admin },
    ];
    const mirrorAll = async (): Promise<void> => {
      overrides["shadow.sample"] = "100%";
      const { isApplied, message } = await proxy.reload();
      if (!isApplied) throw new StartError(message, CONFIGURATION);
    };
    return { services, shadow: targets && { targets, mirrorAll }, parts, proxy, proxyPorts };
  } catch (error) {
    await parts.stop();
    throw error;
  }
}

/** The targets end first: they use the cassette. */
function together(services: Services, targets: ShadowTargets | null): Parts {
  return {
    async stop() {
      await targets?.stop();
      await services.stop();
    },
    kill() {
      targets?.kill();
      services.kill();
    },
  };
}

/** Everything of a lesson is mirrored, with its effects, once the targets are there: they serve nobody. */
const SHADOW_SETTINGS = { "shadow.sample": "0%", "shadow.modes.tutoring": "sandbox" } as const;

const DEMO_SETTINGS = {
  // A line per exchange would bury the banner; the arms' own logs stand in data/logs.
  "log.level": "warn",
  // Loopback, and the banner sends people there.
  "admin.openMetrics": true,
  // ux.md §7: nobody watches the demo's readiness, so nobody needs the wait.
  "drain.delay": "0s",
  // A dozen students need no ten seconds to spread their reconnects over.
  "drain.sockets": "1s",
} as const;
