export { createClusterDataPlane } from "./clusterDataPlane.ts";
export { createLocalDataPlane, type DataPlane, linkSeats } from "./dataPlane.ts";
export { createPinoLog } from "./pinoLog.ts";
export type {
  ArmClass,
  ClientClass,
  Frame,
  MirrorFactory,
  ProxyApplication,
  ProxyLog,
  SamplesRemoved,
  TurnCodec,
} from "./ports.ts";
export { createProxy, type OpenSocket, type Proxy, type ProxyDeps } from "./proxy.ts";
export { createRouteTable, type RouteTable } from "./routeTable.ts";
export type { Pass } from "./seats/seat.ts";
export { SeatGate, type SeatedSocket } from "./seats/seatGate.ts";
export { runWorker } from "./worker.ts";
