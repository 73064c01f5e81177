import { fileURLToPath } from "node:url";
import { portLine, type Running, start } from "../lib/process.ts";
import type { Contestant } from "../lib/rounds.ts";
import { startSwitchyard, type Switchyard } from "../lib/switchyard.ts";
import { startHaproxy } from "../peers/haproxy.ts";
import { startNginxProxy } from "../peers/nginx.ts";
import { startFixedAnswer, type Upstream } from "./upstream.ts";

export interface RestContestant extends Contestant {
  readonly url: string;
  readonly running: Running;
  /** Not a proxy: answers by itself, or is the upstream. */
  readonly isOrigin: boolean;
  readonly switchyard?: Switchyard;
}

const NODE_PEERS = [
  ["http-proxy", "../peers/httpProxy.ts"],
  ["http-proxy-3", "../peers/httpProxy3.ts"],
  ["httpxy", "../peers/httpxy.ts"],
  ["@fastify/http-proxy", "../peers/fastifyHttpProxy.ts"],
  ["undici", "../peers/undiciDispatch.ts"],
] as const;

export const BASELINE = "http-proxy";

export interface Started {
  readonly contestants: readonly RestContestant[];
  readonly skipped: readonly string[];
}

const at = (port: number | undefined): string => `http://127.0.0.1:${port}`;

/** Starts every contestant, each in a process of its own; what was started is in `running` even when a later one fails. */
export async function startContestants(dir: string, upstream: Upstream, running: Running[]): Promise<Started> {
  const contestants: RestContestant[] = [];
  const skipped: string[] = [];
  const add = (one: Omit<RestContestant, "isOurs" | "isOrigin"> & Partial<RestContestant>): void => {
    running.push(one.running);
    contestants.push({ isOurs: false, isOrigin: false, ...one });
  };
  for (const [name, file] of NODE_PEERS) {
    const args = [fileURLToPath(new URL(file, import.meta.url)), upstream.controlUrl];
    const logName = name.replace("/", "-");
    const peer = await start({ name: logName, command: process.execPath, args, dir }, portLine);
    add({ name, running: peer, url: at(peer.ready) });
  }
  const nginx = await startNginxProxy(dir, upstream.controlUrl);
  if (nginx === null) skipped.push("nginx is not installed: skipped.");
  else add({ name: "nginx", running: nginx, url: at(nginx.ports[0]) });
  const haproxy = await startHaproxy(dir, upstream.controlUrl);
  if (haproxy === null) skipped.push("haproxy is not installed: skipped.");
  else add({ name: "haproxy", running: haproxy, url: at(haproxy.port) });
  const node = await startFixedAnswer(dir, "node-http");
  add({ name: "node-http", running: node, url: at(node.ready[0]), isOrigin: true });
  for (const [name, workers] of [
    ["switchyard", 1],
    ["switchyard-2-workers", 2],
  ] as const) {
    const { controlUrl, candidateUrl } = upstream;
    const settings = { SWITCHYARD__WORKERS: String(workers) };
    const switchyard = await startSwitchyard({ name, dir, controlUrl, candidateUrl, settings });
    add({ name, running: switchyard, url: switchyard.url, isOurs: true, switchyard });
  }
  return { contestants, skipped };
}
