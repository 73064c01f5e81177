// The completion cassette as a process (shadow K1): its two listeners, and a third for whoever watches it.
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { StartError } from "../cli/index.ts";
import { modelCallKey, modelTokensOf } from "../contract/index.ts";
import { EXIT, systemClock } from "../kernel/index.ts";
import { createMetrics, METRICS_CONTENT_TYPE, type Metrics, renderMetrics } from "../metrics/index.ts";
import { createPinoLog } from "../proxy/index.ts";
import { createCassette, type ListenAddress } from "../shadow/index.ts";

export interface CassetteProcessOptions {
  readonly record: ListenAddress;
  readonly replay: ListenAddress;
  readonly admin: ListenAddress;
  /** Base URL of model calls. */
  readonly provider: string;
  readonly version: string;
  /** Of the list of misses; null: whoever reaches the replay listener may read it. */
  readonly missesToken: string | null;
  /** Null: shadow targets are answered from recordings. */
  readonly liveTokensPerHour: number | null;
}

export interface CassetteProcess {
  stop(): Promise<void>;
}

/** @throws StartError when a listener cannot be had or the provider is no base URL; nothing listens then */
export async function startCassetteProcess(options: CassetteProcessOptions): Promise<CassetteProcess> {
  const metrics = createMetrics({ version: options.version });
  // No subject ever comes near it: the key is a formality.
  const log = createPinoLog({ level: "info", subjectKey: randomBytes(32) });
  const cassette = createCassetteOf(options, metrics, log.event);
  const admin = createAdminListener(metrics);
  const close = async (): Promise<void> => {
    await Promise.all([cassette.close(), admin.close()]);
    await log.flush();
  };
  try {
    const { recordUrl, replayUrl } = await cassette.start();
    const address = await admin.listen(options.admin);
    log.event("listening", { address, record: recordUrl, replay: replayUrl });
  } catch (error) {
    await close();
    throw startErrorOf(error, options);
  }
  return { stop: close };
}

function createCassetteOf(
  options: CassetteProcessOptions,
  metrics: Metrics,
  log: ReturnType<typeof createPinoLog>["event"],
) {
  try {
    return createCassette({
      provider: options.provider,
      record: options.record,
      replay: options.replay,
      keyOf: modelCallKey,
      clock: systemClock,
      counters: {
        replayed: (outcome) => metrics.shadowCassette.inc({ outcome }),
        dropped: (reason) => metrics.queueDropped.inc({ queue: `cassette_${reason}` }),
      },
      log,
      ...(options.liveTokensPerHour !== null && {
        live: { tokensPerHour: options.liveTokensPerHour, tokensOf: modelTokensOf },
      }),
      ...(options.missesToken !== null && { missesToken: options.missesToken }),
      onMiss: ({ kind, reason, occurrence }) => log("cassette.miss", { kind, reason, occurrence }, "warn"),
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new StartError(`--provider: ${error.message}, as http://127.0.0.1:8003/v1.`, EXIT.usage, { cause: error });
  }
}

/** Of the table of all processes, what this one has. */
const SHOWN = /^(?:switchyard_(?:shadow_cassette_total|queue_dropped_total|build_info)$|process_|nodejs_)/;

/** `/livez` and `/metrics`: apart from the model calls, whose paths are the provider's. */
function createAdminListener(metrics: Metrics) {
  const text = async (): Promise<string> =>
    renderMetrics([(await metrics.json()).filter(({ name }) => SHOWN.test(name))]);
  const server = createServer((request, response) => {
    const answer = (status: number, type: string, body: string): void =>
      void response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
    const path = request.method === "GET" ? request.url : null;
    if (path === "/livez") answer(200, "application/json", '{"status":"ok"}');
    else if (path === "/metrics") {
      text().then(
        (body) => answer(200, METRICS_CONTENT_TYPE, body),
        () => answer(500, "text/plain", ""),
      );
    } else answer(404, "text/plain", "GET /livez and GET /metrics are here.\n");
  });
  return {
    listen: ({ host, port }: ListenAddress): Promise<string> =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(port, host, () =>
          resolve(`http://${addressText({ host, port: (server.address() as AddressInfo).port })}`),
        );
      }),
    close(): Promise<void> {
      server.closeAllConnections();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}

export const addressText = ({ host, port }: ListenAddress): string =>
  `${host.includes(":") ? `[${host}]` : host}:${port}`;

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: "is in use",
  EACCES: "is not allowed to this user",
  EADDRNOTAVAIL: "is no address of this machine",
  ENOTFOUND: "is no address of this machine",
};

function startErrorOf(error: unknown, options: CassetteProcessOptions): unknown {
  const { code, syscall, address, port } = error as NodeJS.ErrnoException & { address?: string; port?: number };
  if (syscall !== "listen" && syscall !== "getaddrinfo") return error;
  const names = ["record", "replay", "admin"] as const;
  const isIt = (name: (typeof names)[number]): boolean =>
    (port === undefined || options[name].port === port) && (address === undefined || options[name].host === address);
  const name = names.find(isIt);
  const where = name === undefined ? `${address}:${port}` : addressText(options[name]);
  const other = name === undefined ? "" : `; choose another with --${name}`;
  return new StartError(`${where} ${WHY[code ?? ""] ?? `cannot be had (${code})`}${other}.`, EXIT.unreachable, {
    cause: error,
  });
}
