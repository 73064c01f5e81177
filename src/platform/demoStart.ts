import { isAbsolute, join } from "node:path";
import { StartError } from "../cli/ports.ts";
import type { PortFact } from "./banner.ts";
import { NoFreePort, nextFreePort } from "./freePort.ts";
import type { DemoDeps, RunningProxy } from "./ports.ts";
import { createServices, PORTS, type ServiceName, type Services } from "./services.ts";
import { ServiceFailed } from "./supervisor.ts";

const HOST = "127.0.0.1";
const UNREACHABLE = 4;
const TRIES = 3;

export interface StartOptions {
  readonly deps: DemoDeps;
  readonly configFile: string;
  readonly secret: string;
  /** For the data endpoints of both arms. */
  readonly serviceToken: string;
  readonly say: (line: string) => void;
  readonly onPid: (name: ServiceName, pid: number | null) => void;
  /** Told of every set of services before it starts, so that whoever ends the demo can end them too. */
  readonly onServices: (services: Services) => void;
}

export interface Platform {
  readonly services: Services;
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
  const { deps, configFile, secret, serviceToken, say, onPid, onServices } = start;
  const givenPorts = new Set<number>();
  const { root, env, startCandidate } = deps;
  const services = await createServices({ root, env, secret, serviceToken, say, givenPorts, onPid, startCandidate });
  onServices(services);
  try {
    const api = await nextFreePort(HOST, PORTS.proxy, givenPorts);
    const admin = await nextFreePort(HOST, PORTS.admin, givenPorts);
    const file = isAbsolute(configFile) ? configFile : join(deps.root, configFile);
    const options = {
      file,
      env: { ...deps.env, JWT_SECRET_KEY: secret, SERVICE_TOKEN: serviceToken },
      overrides: {
        listen: `${HOST}:${api.port}`,
        "admin.listen": `${HOST}:${admin.port}`,
        "arms.control.url": services.urls.control,
        "arms.candidate.url": services.urls.candidate,
        ...DEMO_SETTINGS,
      },
    };
    // Before anything runs: a wrong configuration is said at once.
    const loaded = deps.loadConfig(options);
    await services.start();
    const proxy = await deps.startProxy({ options, loaded });
    const proxyPorts = [
      { name: "api", ...api },
      { name: "admin", ...admin },
    ];
    return { services, proxy, proxyPorts };
  } catch (error) {
    await services.stop();
    throw error;
  }
}

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
