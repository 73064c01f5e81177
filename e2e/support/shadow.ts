// The whole platform with its shadow: stand-in model, cassette, both arms, both shadow targets, and the proxy between them.
import { createServer } from "node:net";
import { join } from "node:path";
import { startCandidate as startCandidateWithHost } from "../../src/app.ts";
import {
  type CassetteService,
  createCassetteService,
  createShadowTargets,
  type ShadowTargets,
} from "../../src/platform/index.ts";
import { type Admin, adminOf } from "./admin.ts";
import { armEnv, startCandidate, startControl, startStandIn, temporaryDir } from "./arms.ts";
import { eventually } from "./deadline.ts";
import { call } from "./http.ts";
import { REPOSITORY } from "./paths.ts";
import type { Service } from "./process.ts";
import { type Proxy, startProxy } from "./proxy.ts";
import {
  familiesIn,
  type Found,
  type Kept,
  keptOf,
  type Sampled,
  sampledAt,
  settled,
  stopWithEvenAccounts,
} from "./shadowSight.ts";

type Arm = "control" | "candidate";
type PerArm<T> = Readonly<Record<Arm, T>>;
type Mode = "never" | "read" | "sandbox";

export interface ShadowWorldOptions {
  /** One for all units, or by unit. */
  readonly sample?: string | Readonly<Record<string, string>>;
  readonly modes?: Readonly<Record<string, Mode>>;
  readonly everyoneOn?: Arm;
  readonly hasRelay?: boolean;
  /** `FAULTS` of a target, so that users never see the fault. */
  readonly faults?: Partial<PerArm<string>>;
  /** More variables of a target. */
  readonly targetEnv?: Partial<PerArm<Readonly<Record<string, string>>>>;
  readonly armEnv?: Readonly<Record<string, string>>;
  readonly modelEnv?: Readonly<Record<string, string>>;
  /** More variables of the proxy. */
  readonly env?: Record<string, string>;
  readonly config?: (text: string) => string;
  /** What happens at the arms before there is a proxy. */
  readonly before?: (arms: PerArm<Service>) => Promise<void>;
  /** Of live models; otherwise the targets are answered from recordings. */
  readonly liveTokensPerHour?: number;
  /** Parts that a scenario does not need: every one is a process less. Without the cassette all ask the model itself. */
  readonly without?: readonly ("model" | "cassette" | "shadow-control" | "shadow-candidate")[];
}

export interface ShadowWorld {
  readonly proxy: Proxy;
  readonly admin: Admin;
  readonly arms: PerArm<Service>;
  readonly targets: Readonly<Partial<PerArm<Kept>>>;
  readonly model: Service | null;
  readonly cassette: (Kept & Pick<CassetteService, "recordUrl" | "replayUrl">) | null;
  /** What the cassette and the targets were said to do: restarts, kills. */
  readonly said: readonly string[];
  metrics(): Promise<Sampled>;
  /** Until every sampled exchange has its verdict. */
  shadowSettled(timeoutMs?: number): Promise<Sampled>;
  /** The families that are stored so far. */
  families(): readonly Found[];
  /** Switches faults of a target, whom users never see; an empty text switches all off. */
  setFaults(arm: Arm, faults: string): Promise<void>;
  stop(): Promise<void>;
}

const SAFE_MS = 15_000;

/** Below those that the system gives to others who ask for any: it is used a while after it was found free. */
const PORT_MIN = 20_000;
const PORTS = 12_000;

async function freePort(wanted: number): Promise<{ port: number; wanted: number }> {
  const port = PORT_MIN + Math.floor(Math.random() * PORTS);
  const server = createServer();
  const isFree = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
  return isFree ? { port, wanted } : freePort(wanted);
}

export async function startShadowWorld(options: ShadowWorldOptions = {}): Promise<ShadowWorld> {
  const { without = [], everyoneOn = "control", hasRelay = false } = options;
  const said: string[] = [];
  const dir = temporaryDir("shadow");
  const { HOST: _host, PORT: _port, DATA_DIR: _data, ...inherited } = armEnv("shadow", { dataDir: dir });
  const system = { PATH: process.env["PATH"] ?? "", HOME: process.env["HOME"] ?? "/", TZ: "UTC" };
  const common = {
    root: REPOSITORY,
    env: { ...system, ...inherited, ...options.armEnv },
    logsDir: join(dir, "logs"),
    choosePort: freePort,
    say: (line: string): void => void said.push(line),
  };
  const hasModel = !without.includes("model");
  const modelPort = (await freePort(0)).port;
  const modelUrl = `http://127.0.0.1:${modelPort}/v1`;
  const { liveTokensPerHour } = options;
  const cassette = without.includes("cassette")
    ? null
    : await createCassetteService({
        ...common,
        provider: modelUrl,
        ...(liveTokensPerHour !== undefined && { liveTokensPerHour }),
      });
  const targets = await createShadowTargets({
    ...common,
    replayUrl: cassette?.replayUrl ?? modelUrl,
    dataDir: join(dir, "targets"),
    startCandidate: startCandidateWithHost,
    arms: (["control", "candidate"] as const).filter((arm) => !without.includes(`shadow-${arm}`)),
    more: { control: moreOf(options, "control"), candidate: moreOf(options, "candidate") },
  });
  const killAll = (): void => {
    targets.kill();
    cassette?.kill();
  };
  process.once("exit", killAll);

  const armOptions = { modelUrl: cassette?.recordUrl ?? modelUrl, env: { ...options.armEnv } };
  const started: Service[] = [];
  const stop = async (): Promise<void> => {
    try {
      // The proxy first, for it would count what ends as lost; the model last.
      for (const service of started.filter(({ name }) => name.startsWith("proxy"))) await service.stop();
    } finally {
      await targets.stop();
      await Promise.all(started.map((service) => service.stop()));
      await cassette?.stop();
      process.off("exit", killAll);
    }
  };
  const keep = async <S extends Service>(starting: Promise<S>): Promise<S> => {
    const service = await starting;
    started.push(service);
    return service;
  };
  try {
    const all = await settledAll([
      keep(startControl(armOptions)),
      keep(startCandidate(armOptions)),
      hasModel ? keep(startStandIn({ ...options.modelEnv, PORT: String(modelPort) })) : null,
      cassette?.start(),
      targets.start(),
    ] as const);
    const [control, candidate, model] = all;
    await options.before?.({ control, candidate });
    const proxy = await keep(
      startProxy({
        controlUrl: control.baseUrl,
        candidateUrl: candidate.baseUrl,
        everyoneOn,
        hasRelay,
        env: { SWITCHYARD__ADMIN__OPEN_METRICS: "true", ...shadowEnv(options, targets, cassette), ...options.env },
        ...(options.config && { config: options.config }),
      }),
    );
    stopWithEvenAccounts(proxy, proxy.adminUrl);
    await targetsSafe(proxy, targetsOf(targets));
    return worldOf({ proxy, control, candidate, model, cassette, targets, said, stop, logsDir: common.logsDir });
  } catch (error) {
    await stop();
    throw error;
  }
}

const moreOf = ({ faults, targetEnv }: ShadowWorldOptions, arm: Arm): Record<string, string> => ({
  ...(faults?.[arm] !== undefined && { FAULTS: faults[arm] }),
  ...targetEnv?.[arm],
});

/** All, also when one fails: what has started must be known before everything is stopped. */
async function settledAll<T extends readonly unknown[]>(all: T): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(all);
  return Promise.all(all);
}

const variable = (dotted: string): string =>
  `SWITCHYARD__${dotted
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .replaceAll(".", "__")
    .toUpperCase()}`;

function shadowEnv(
  options: ShadowWorldOptions,
  targets: ShadowTargets,
  cassette: CassetteService | null,
): Record<string, string> {
  const { sample = "100%", modes = { tutoring: "sandbox" } } = options;
  const settings: Record<string, string> = { ...targets.settings, ...cassette?.settings };
  // So many processes on two cores make every loop late; what is shed here would be no figure of the shadow.
  settings["shadow.yieldAbove"] = "1s";
  settings["shadow.sample"] = typeof sample === "string" ? sample : JSON.stringify(sample);
  for (const [unit, mode] of Object.entries(modes)) settings[`shadow.modes.${unit}`] = mode;
  return {
    ...targets.env,
    ...cassette?.proxyEnv,
    ...Object.fromEntries(Object.entries(settings).map(([name, value]) => [variable(name), value])),
  };
}

const targetsOf = (targets: ShadowTargets): Partial<PerArm<string>> =>
  Object.fromEntries(Object.entries(targets.urls).filter(([arm]) => `shadow.targets.${arm}.url` in targets.settings));

async function targetsSafe(proxy: Proxy, targets: Partial<PerArm<string>>): Promise<void> {
  await eventually(() => {
    const safe = proxy.logLines().filter(({ event }) => event === "shadow.target.safe");
    for (const arm of Object.keys(targets)) {
      if (!safe.some((line) => line.arm === arm)) throw new Error(`the proxy has not found ${arm}'s target safe yet`);
    }
  }, SAFE_MS);
}

interface Parts {
  readonly proxy: Proxy;
  readonly control: Service;
  readonly candidate: Service;
  readonly model: Service | null;
  readonly cassette: CassetteService | null;
  readonly targets: ShadowTargets;
  readonly said: readonly string[];
  readonly logsDir: string;
  stop(): Promise<void>;
}

function worldOf({ proxy, control, candidate, model, cassette, targets, said, logsDir, stop }: Parts): ShadowWorld {
  const metrics = (): Promise<Sampled> => sampledAt(proxy.adminUrl);
  const kept = (arm: Arm): Kept => keptOf(targets.urls[arm], () => targets.supervisor(arm), targets.logs[arm]);
  return {
    proxy,
    admin: adminOf(proxy),
    arms: { control, candidate },
    targets: Object.fromEntries(Object.keys(targetsOf(targets)).map((arm) => [arm, kept(arm as Arm)])),
    model,
    cassette:
      cassette &&
      Object.assign(
        keptOf(cassette.adminUrl, () => cassette, join(logsDir, "cassette.log")),
        {
          recordUrl: cassette.recordUrl,
          replayUrl: cassette.replayUrl,
        },
      ),
    said,
    metrics,
    shadowSettled: (timeoutMs) => settled(metrics, timeoutMs),
    families: () => familiesIn(join(proxy.stateDir, "shadow-0.sqlite3")),
    async setFaults(arm, faults) {
      const headers = {
        "x-service-token": targets.env.SHADOW_SERVICE_TOKEN,
        "x-shadow": "1",
        "content-type": "text/plain",
      };
      const reply = await call(targets.urls[arm], { method: "PUT", path: "/internal/faults", headers, body: faults });
      if (reply.status !== 204) throw new Error(`${faults}: ${reply.status} ${reply.text}`);
    },
    stop,
  };
}
