// Composition of the service: store, gate, routes, sockets, and its end.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createGate } from "./auth/gate.ts";
import { createTokens } from "./auth/tokens.ts";
import { createBoards } from "./board/boards.ts";
import { createWhiteboardSurface, type WhiteboardSurface } from "./board/surface.ts";
import type { Config } from "./config.ts";
import type { ConvexClients } from "./convexClients.ts";
import { createDerivedIds } from "./derivedIds.ts";
import { createFaultyStore } from "./faults/faultyStore.ts";
import { armTimedCrash, skewMs } from "./faults/processFaults.ts";
import { createSwitchboard } from "./faults/switchboard.ts";
import { continuityRoutes } from "./continuity/routes.ts";
import { createApp } from "./http/app.ts";
import { createKeyedRuns } from "./http/keyed.ts";
import { identityHeaders } from "./http/respond.ts";
import type { Log } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import { createModelClient } from "./model/client.ts";
import { accountRoutes } from "./routes/accounts.ts";
import { boardRoutes } from "./routes/board.ts";
import { folderRoutes } from "./routes/folders.ts";
import { healthRoutes, VERSION } from "./routes/health.ts";
import { historyRoutes } from "./routes/history.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import type { Services } from "./services.ts";
import { createSessionLeases } from "./sessionLeases.ts";
import { createSessionQueues } from "./sessionQueue.ts";
import { createSessionWatches } from "./sessionWatches.ts";
import { createUpgrades } from "./sockets/upgrade.ts";
import { createTutorSurface, type TutorSurface } from "./tutor/surface.ts";

const TURNS_FINISH_MS = 10_000;
const SOCKETS_CLOSE_MS = 2_000;

export interface Service {
  /** Port the service listens on. */
  listen(): Promise<number>;
  /** Finishes running turns, closes sockets with 1012, stores boards. */
  stop(): Promise<void>;
}

const within = (work: Promise<unknown>, ms: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    void work.finally(() => {
      clearTimeout(timer);
      resolve();
    });
  });

function routesOf(services: Services) {
  const accounts = accountRoutes(services);
  return {
    open: { ...healthRoutes(services), ...accounts.open, ...continuityRoutes(services) },
    bearer: {
      ...folderRoutes(services),
      ...sessionRoutes(services),
      ...historyRoutes(services),
      ...boardRoutes(services),
      ...accounts.bearer,
    },
  };
}

function createHttp(handle: (request: IncomingMessage, response: ServerResponse) => void): Server {
  const isWebSocket = (request: IncomingMessage): boolean => request.headers.upgrade?.toLowerCase() === "websocket";
  // Anything but a WebSocket upgrade is an ordinary request.
  const options = { shouldUpgradeCallback: isWebSocket, keepAliveTimeout: 65_000, maxHeaderSize: 32 * 1_024 };
  return createServer(options, handle);
}

/** What is no HTTP gets a 400 that still says who answers (contract README §3). */
function refuseUnreadable(error: Error, socket: Duplex): void {
  if ((error as NodeJS.ErrnoException).code === "ECONNRESET" || !socket.writable) return void socket.destroy();
  const head = Object.entries(identityHeaders).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.end(`HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n${head.join("")}\r\n`);
}

export function createService(config: Config, clients: ConvexClients, log: Log): Service {
  const metrics = createMetrics(VERSION);
  const faults = createSwitchboard({ initial: config.faults, seed: config.faultSeed, metrics, log });
  const store = createFaultyStore(clients, faults);
  const clock = { now: () => Date.now() + skewMs(faults) };
  const tokens = createTokens(config);
  const gate = createGate({ store, tokens, faults, config, clock });
  const queues = createSessionQueues();
  const leases = createSessionLeases(store, clients.subscriptions);
  const watches = createSessionWatches(clients.subscriptions);
  // Sockets need the services and the services close sockets: the two ends meet here.
  const surfaces: { tutor?: TutorSurface; whiteboard?: WhiteboardSurface } = {};
  const closeSession = (id: string): void => {
    surfaces.tutor?.closeSession(id);
    surfaces.whiteboard?.closeSession(id);
  };
  const boards = createBoards({ store, clock, log, metrics, watches, onDeleted: closeSession });
  let isStopping = false;
  const services: Services = {
    config,
    store,
    clock,
    log,
    metrics,
    faults,
    tokens,
    gate,
    queues,
    leases,
    watches,
    boards,
    ids: createDerivedIds(faults),
    keyedRuns: createKeyedRuns(),
    model: createModelClient(config.model, metrics),
    closeSession,
    isStopping: () => isStopping,
  };
  const tutor = createTutorSurface(services);
  const whiteboard = createWhiteboardSurface(services);
  Object.assign(surfaces, { tutor, whiteboard });
  const app = createApp({ config, gate, faults, metrics, log, handlers: routesOf(services) });
  const upgrades = createUpgrades(services, tutor, whiteboard);
  const server = createHttp(app.handle);
  server.on("clientError", refuseUnreadable);
  server.on("upgrade", (request, socket, head) => upgrades.handle(request, socket as Socket, head));

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once("error", reject);
        server.listen(config.port, config.host, () => {
          armTimedCrash(faults);
          resolve((server.address() as AddressInfo).port);
        });
      }),
    async stop() {
      isStopping = true;
      server.close();
      await within(queues.drain(), TURNS_FINISH_MS);
      upgrades.closeAll(1012, "Service restart");
      const deadline = performance.now() + SOCKETS_CLOSE_MS;
      while (upgrades.open > 0 && performance.now() < deadline) await new Promise((next) => setTimeout(next, 20));
      await within(boards.close(), SOCKETS_CLOSE_MS);
      server.closeAllConnections();
      await store.close();
      metrics.stop();
    },
  };
}
