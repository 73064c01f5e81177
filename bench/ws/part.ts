import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { cpuSecondsOf, isCpuKnown } from "../lib/cpu.ts";
import { type PartOptions, partOf } from "../lib/part.ts";
import { jsonLine, run, type Running, start } from "../lib/process.ts";
import { type Contestant, inRounds, warmUpAll } from "../lib/rounds.ts";
import { type Figure, toRows } from "../lib/rows.ts";
import { startSwitchyard, type Switchyard } from "../lib/switchyard.ts";
import { createTokens, SUBJECTS } from "../lib/tokens.ts";
import { VoidMeasurement } from "../lib/void.ts";
import { startNginxProxy } from "../peers/nginx.ts";
import type { EchoResult, EchoSettings } from "./client.ts";
import { MESSAGE_BYTES } from "./messages.ts";

const CONNECTIONS = 64;
const WINDOW = 1;
const BASELINE = "http-proxy";
/** Far above what one socket of 64 can reach; the largest a route takes. */
const RATE = "10000/s";

interface Relay extends Contestant {
  readonly url: string;
  /** Null: direct, there is no relay. */
  readonly running: Running | null;
  readonly switchyard?: Switchyard;
}

interface EchoContestant extends Relay {
  readonly isBinary: boolean;
}

const ECHO_ARM = fileURLToPath(new URL("./echoArm.ts", import.meta.url));
const CLIENT = fileURLToPath(new URL("./client.ts", import.meta.url));
const TUNNEL = fileURLToPath(new URL("../peers/httpProxy.ts", import.meta.url));

const at = (port: unknown): string => `http://127.0.0.1:${String(port)}`;
const portsLine = jsonLine((line) =>
  typeof line["port"] === "number" ? ([at(line["port"]), at(line["otherPort"])] as const) : null,
);

/** Socket relay, text and binary, shadow off (performance.md P5). */
export const wsPart = partOf(measureAll);

async function measureAll(options: PartOptions, running: Running[]) {
  const { dir, rounds, seconds, say } = options;
  const tokensFile = join(dir, "tokens.json");
  writeFileSync(tokensFile, JSON.stringify(createTokens()));
  const { relays, arm, skipped } = await startRelays(dir, running);
  for (const line of skipped) say(line);
  const contestants: EchoContestant[] = [
    ...relays.map((relay) => ({ ...relay, isBinary: false })),
    ...relays.map((relay) => ({ ...relay, name: `${relay.name}-binary`, isBinary: true })),
  ];
  const measureOne = (one: EchoContestant, of: number) => measure(one, arm, { dir, tokensFile, seconds: of });
  await warmUpAll(contestants, rounds, (one) => measureOne(one, seconds));
  const figures = await inRounds(contestants, rounds, async (one, round) => {
    const figure = await measureOne(one, seconds);
    say(`ws, round ${round + 1} of ${rounds}: ${one.name} ${Math.round(figure.perSecond)}/s`);
    return figure;
  });
  const rows = {
    ...rowsOf(
      contestants.filter((one) => !one.isBinary),
      figures,
      BASELINE,
    ),
    ...rowsOf(
      contestants.filter((one) => one.isBinary),
      figures,
      `${BASELINE}-binary`,
    ),
  };
  const notes = [
    `Load: ${CONNECTIONS} \`ws\` sockets of as many subjects in a process of their own, ${WINDOW} message of ${MESSAGE_BYTES} bytes under way on each, every echo compared; the arm is a \`ws\` server.`,
    `Text on the tutor path: each message opens a turn and its echo closes it. Rows ending in \`-binary\`: the whiteboard path.`,
    `\`switchyard\` runs the shipped configuration, half of the ${SUBJECTS.toLocaleString("en")} subjects on each arm, its log to a file; raised are only the limits per subject and per address and the messages a second of one socket (security.md §11), here ${RATE}. The limits of sockets per subject and per address stay: ${CONNECTIONS} sockets of ${CONNECTIONS} subjects do not reach them.`,
    "Each contestant is warmed up for as long as it gets faster (not in a run of one round), and each measurement begins after a lead-in.",
    "`http-proxy` and nginx relay bytes and see no messages; `direct` has no relay.",
    "Load, relay and arm share the machine: where it has two cores, throughput also pays for load and arm. The second table counts the relay alone.",
    ...(isCpuKnown ? [] : ["This system does not tell the CPU time of other processes: no second table."]),
    ...skipped,
  ];
  return { rows, notes };
}

const rowsOf = (
  contestants: readonly EchoContestant[],
  figures: ReadonlyMap<string, readonly Figure[]>,
  baseline: string,
) => toRows(contestants, figures, { baseline, what: "messages" });

async function startRelays(dir: string, running: Running[]) {
  const arm = await start({ name: "arm", command: process.execPath, args: [ECHO_ARM], dir }, portsLine);
  running.push(arm);
  const [control, candidate] = arm.ready;
  const relays: Relay[] = [{ name: "direct", isOurs: false, url: control, running: null }];
  const skipped: string[] = [];
  const add = (relay: Relay & { running: Running }): void => {
    running.push(relay.running);
    relays.push(relay);
  };
  const tunnel = await start(
    { name: "http-proxy", command: process.execPath, args: [TUNNEL, control], dir },
    portsLine,
  );
  add({ name: "http-proxy", isOurs: false, url: tunnel.ready[0], running: tunnel });
  const nginx = await startNginxProxy(dir, control);
  if (nginx === null) skipped.push("nginx is not installed: skipped.");
  else add({ name: "nginx", isOurs: false, url: at(nginx.ports[0]), running: nginx });
  const switchyard = await startSwitchyard({
    name: "switchyard",
    dir,
    controlUrl: control,
    candidateUrl: candidate,
    settings: { SWITCHYARD__LIMITS__MESSAGES: RATE },
    replacements: [["messages: 120/s", `messages: ${RATE}`]],
  });
  add({ name: "switchyard", isOurs: true, url: switchyard.url, running: switchyard, switchyard });
  return { relays, arm, skipped };
}

interface MeasureOptions {
  readonly dir: string;
  readonly tokensFile: string;
  readonly seconds: number;
}

async function measure(one: EchoContestant, arm: Running, options: MeasureOptions): Promise<Figure> {
  const { dir, tokensFile, seconds } = options;
  one.running?.emptyLog();
  const settings: EchoSettings = {
    url: one.url,
    paths: Array.from({ length: CONNECTIONS }, (_, at) => pathOf(at, one.isBinary)),
    tokensFile,
    window: WINDOW,
    warmUpSeconds: Math.min(0.5, seconds / 4),
    seconds,
    isBinary: one.isBinary,
  };
  const cpu = () => [one.running && cpuSecondsOf(one.running.pid), cpuSecondsOf(arm.pid)] as const;
  const decidedBefore = (await one.switchyard?.decisions()) ?? 0;
  const [ownBefore, armBefore] = cpu();
  const startedMs = performance.now();
  const args = [CLIENT, JSON.stringify(settings)];
  const printed = await run({ name: "client", command: process.execPath, args, dir }, (seconds + 30) * 1_000);
  const tookS = (performance.now() - startedMs) / 1_000;
  const [ownAfter, armAfter] = cpu();
  const result = JSON.parse(printed) as EchoResult;
  if (result.failures > 0)
    throw new VoidMeasurement(`${one.name}: ${result.failures} of ${result.allMessages} echoes failed`);
  if (result.messages === 0) throw new VoidMeasurement(`${one.name} echoed nothing`);
  const decided = ((await one.switchyard?.decisions()) ?? 0) - decidedBefore;
  if (one.switchyard && decided < CONNECTIONS) {
    throw new VoidMeasurement(`${one.name} decided ${decided} of ${CONNECTIONS} sockets by a flag`);
  }
  const hasCpu = ownBefore !== null && ownAfter !== null;
  return {
    perSecond: result.messages / result.seconds,
    perCpuSecond: hasCpu ? result.allMessages / (ownAfter - ownBefore) : null,
    coresUsed: hasCpu ? (ownAfter - ownBefore) / tookS : 0,
    upstreamCoresUsed: ((armAfter ?? 0) - (armBefore ?? 0)) / tookS,
  };
}

function pathOf(at: number, isBinary: boolean): string {
  const session = `/ws/v2/session/00000000-0000-4000-9000-${String(at).padStart(12, "0")}`;
  return isBinary ? `${session}/whiteboard` : session;
}
