// Whoever serves small reads and mirrors each of them, and ours without.
import { fileURLToPath } from "node:url";
import { portLine, type Running, start } from "../lib/process.ts";
import type { Contestant } from "../lib/rounds.ts";
import { startSwitchyard, type Switchyard } from "../lib/switchyard.ts";
import { startKeepingNginxMirror, startNginxMirror } from "../peers/nginx.ts";
import { READ_PATH } from "../rest/answer.ts";
import type { Upstream } from "../rest/upstream.ts";

export interface ShadowContestant extends Contestant {
  readonly url: string;
  readonly running: Running;
  readonly hasShadow: boolean;
  readonly switchyard?: Switchyard;
}

export const MIRROR = "nginx-mirror";
const MIRROR_KEPT = "nginx-mirror-kept";
/** The floor: a bare Node server that sends each call twice, in one thread. */
export const FLOOR = "undici-mirror";
/** Passes calls through and copies none: the unit in which performance.md gives what the mirrors of its time did. */
export const UNIT = "http-proxy";
export const OURS = "switchyard-shadow";
export const OFF = "switchyard";

const PROBE = fileURLToPath(new URL("./stallProbe.ts", import.meta.url));
const NODE_PEERS = [
  { name: FLOOR, file: "../peers/undiciDispatch.ts", hasShadow: true },
  { name: UNIT, file: "../peers/httpProxy.ts", hasShadow: false },
] as const;
const SHADOW_KEY = "key-of-the-shadow-targets-of-the-benchmark";

/** All reads, and as many copies a minute as go through; the rest is the default. */
const shadowSection = ({ controlUrl, candidateUrl }: Upstream): string => `
shadow:
  sample: 100%
  targets:
    control: { url: ${controlUrl}, guard: network, jwtSecretEnv: SHADOW_JWT_SECRET }
    candidate: { url: ${candidateUrl}, guard: network, jwtSecretEnv: SHADOW_JWT_SECRET }
  routes: [{ route: GET ${READ_PATH}, copiesPerMinute: 1000000 }]

cors:
`;

export async function startContestants(
  dir: string,
  upstream: Upstream,
  targets: Upstream,
  running: Running[],
): Promise<{ readonly contestants: readonly ShadowContestant[]; readonly skipped: readonly string[] }> {
  const contestants: ShadowContestant[] = [];
  const add = (one: ShadowContestant): void => {
    running.push(one.running);
    contestants.push(one);
  };
  const peers = { [MIRROR]: startNginxMirror, [MIRROR_KEPT]: startKeepingNginxMirror };
  for (const [name, start] of Object.entries(peers)) {
    const nginx = await start(dir, upstream.controlUrl, targets.controlUrl);
    if (nginx === null) continue;
    add({ name, isOurs: false, url: `http://127.0.0.1:${nginx.ports[0]}`, running: nginx, hasShadow: true });
  }
  for (const { name, file, hasShadow } of NODE_PEERS) {
    const mirror = hasShadow ? [targets.controlUrl] : [];
    const args = [fileURLToPath(new URL(file, import.meta.url)), upstream.controlUrl, ...mirror];
    const peer = await start({ name, command: process.execPath, args, dir }, portLine);
    add({ name, isOurs: false, url: `http://127.0.0.1:${peer.ready}`, running: peer, hasShadow });
  }
  for (const name of [OFF, OURS]) {
    const hasShadow = name === OURS;
    const switchyard = await startSwitchyard({
      name,
      dir,
      controlUrl: upstream.controlUrl,
      candidateUrl: upstream.candidateUrl,
      settings: { SHADOW_JWT_SECRET: SHADOW_KEY, NODE_OPTIONS: `--import=${PROBE}` },
      ...(hasShadow && { replacements: [["\ncors:\n", shadowSection(targets)]] }),
    });
    add({ name, isOurs: true, url: switchyard.url, running: switchyard, hasShadow, switchyard });
  }
  return {
    contestants,
    skipped: contestants.some(({ name }) => name === MIRROR) ? [] : ["nginx is not installed: skipped."],
  };
}
