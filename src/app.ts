import cluster from "node:cluster";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { type Candidate, type CandidateOptions, startCandidate as startCandidateIn } from "./app/candidate.ts";
import { registerCassette } from "./app/cassetteCommand.ts";
import { registerConvex } from "./app/convexCommands.ts";
import { RunningApp } from "./app/runningApp.ts";
import { SampleRemover } from "./app/sampleRemover.ts";
import { ownSubjectKey } from "./app/subjectKey.ts";
import { type CliDeps, type ConfigSource, type RunningProxy, StartError } from "./cli/index.ts";
import { type Config, loadConfig } from "./config/index.ts";
import { type Continuity, type ContinuityLog, createContinuity, openContinuityState } from "./continuity/index.ts";
import { SHADOW, tutorCodec, whiteboardCodec } from "./contract/index.ts";
import { createFlagControl, type LocalFlagControl } from "./flags/index.ts";
import { type Arm, EXIT, type Subject, systemClock, type UnitId } from "./kernel/index.ts";
import { createMetrics, type Metrics } from "./metrics/index.ts";
import { createStateCarrier, registerDemo } from "./platform/index.ts";
import {
  createClusterDataPlane,
  createLocalDataPlane,
  createPinoLog,
  createProxy,
  linkSeats,
  type MirrorFactory,
  type Proxy,
  type ProxyApplication,
  type TurnCodec,
} from "./proxy/index.ts";
import { checkRules, createShadowMirror } from "./shadow/index.ts";

/** The clone's folder: the package, the services and the default configuration. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const FUNCTIONS_DIR = join(ROOT, "convex");

const packageJson = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
export const VERSION = packageJson.version;

/** What the tutoring platform plugs into the generic proxy. */
export const application: ProxyApplication = {
  codecs: new Map([tutorCodec, whiteboardCodec].map((codec) => [codec.surface, codec as TurnCodec])),
  // Contract README G7: a socket without a valid token gets 401 with body E1 before the upgrade.
  unauthorizedBody: {
    contentType: "application/json",
    text: JSON.stringify({
      error_code: null,
      error_message: "A valid access token is needed",
      technical_details: null,
    }),
  },
};

/** Everything the command line needs, constructed here and nowhere else (house.md §2). */
export function createCliDeps(env: NodeJS.ProcessEnv): CliDeps {
  const { stdin, stdout, stderr } = process;
  const deps: Omit<CliDeps, "applicationCommands"> = {
    version: VERSION,
    env,
    stdin,
    stdout,
    stderr,
    startProxy,
    openFlags,
    shadow: SHADOW,
  };
  return {
    ...deps,
    applicationCommands: [
      (program) =>
        registerDemo(program, {
          version: VERSION,
          root: ROOT,
          env,
          stdout,
          stderr,
          loadConfig,
          startProxy,
          startCandidate,
          exit: (code) => process.exit(code),
        }),
      (program) =>
        registerCassette(program, { version: VERSION, env: process.env, exit: (code) => process.exit(code) }),
      (program) => registerConvex(program, { env, functionsDir: FUNCTIONS_DIR, exit: (code) => process.exit(code) }),
    ],
  };
}

/** The hidden copies of one serving process; its threads run `app/shadowThread.ts`. */
export const createMirror: MirrorFactory = ({ config, clock, metrics, log, subjectKey, armOf }) =>
  createShadowMirror({
    config,
    clock,
    metrics,
    log,
    application: SHADOW,
    entry: new URL("./app/shadowThread.ts", import.meta.url),
    file: join(config.stateDir, `shadow-${cluster.worker?.id ?? 0}.sqlite3`),
    installationKey: subjectKey,
    printKey: printKeyOf(config, subjectKey),
    armOf,
  });

const printKeyOf = (config: Config, subjectKey: Uint8Array): Uint8Array =>
  config.shadow?.printKey == null ? subjectKey : Buffer.from(config.shadow.printKey);

const openFlags = (config: Config): LocalFlagControl =>
  createFlagControl({
    flags: config.flags,
    units: config.units.values(),
    stateDir: config.stateDir,
    env: process.env,
    clock: systemClock,
    onProblem: () => {},
  });

/**
 * Starts control plane, data plane and admin listener of one process or a set of workers.
 * @throws StartError when the state folder, the flags or a listener cannot be had
 */
export async function startProxy(source: ConfigSource): Promise<RunningProxy> {
  const { config } = source.loaded;
  try {
    checkRules(config, SHADOW);
  } catch (error) {
    const what = error instanceof Error ? error.message : "the rules of the shadow cannot be used";
    throw new StartError(what, EXIT.configuration, { cause: error });
  }
  const subjectKey = ownSubjectKey(config.stateDir);
  const metrics = createMetrics({ version: VERSION });
  const log = createPinoLog({
    level: config.log.level,
    subjectKey,
    onDrop: () => metrics.queueDropped.inc({ queue: "log" }),
  });
  const flags = createFlagControl({
    flags: config.flags,
    units: config.units.values(),
    stateDir: config.stateDir,
    env: process.env,
    clock: systemClock,
    onProblem: (problem) => log.event("flags.problem", { ...problem }, "warn"),
  });
  await flags.start().catch((error: unknown) => {
    throw new StartError(error instanceof Error ? error.message : "the flags cannot be read", EXIT.configuration);
  });
  let { units } = config;
  const decide = (id: UnitId, subject: Subject): Arm => {
    const unit = units.get(id);
    return unit === undefined ? "control" : flags.state.decide(unit, subject, systemClock.now()).arm;
  };
  const continuity = openContinuity(config, { metrics, log, decide });
  if (continuity) flags.onChange(() => continuity.redecide());
  const clock = systemClock;
  const seats = continuity?.seats ?? null;
  /** Who sits elsewhere than the flags say moves with the next call. */
  const armOf = (unit: UnitId, subject: Subject): Arm | null => {
    const arm = decide(unit, subject);
    return continuity === null || continuity.armOf({ unit, subject }) === arm ? arm : null;
  };
  const createOwn = (): Proxy => {
    const mirror = createMirror({ config, clock, metrics, log, subjectKey, armOf });
    return createProxy({ config, clock, metrics, log, flags, application, seats: seats && linkSeats(seats), mirror });
  };
  const plane =
    config.workers === 1
      ? createLocalDataPlane(createOwn(), metrics.json)
      : createClusterDataPlane({ config, flags, subjectKey, version: VERSION, clock, log, seats });
  const running = new RunningApp({
    version: VERSION,
    config,
    source,
    metrics,
    log,
    flags,
    plane,
    subjectKey,
    samples: new SampleRemover({
      stateDir: config.stateDir,
      storeUrl: config.shadow?.storeUrl ?? null,
      printKey: printKeyOf(config, subjectKey),
      clock,
      plane,
    }),
    continuity,
    onConfig: (next) => {
      checkRules(next, SHADOW);
      ({ units } = next);
    },
  });
  await running.start();
  return running;
}

/** null: the configuration has no `continuity`. @throws StartError when its state cannot be had */
function openContinuity(
  config: Config,
  parts: { metrics: Metrics; log: ContinuityLog; decide: (unit: UnitId, subject: Subject) => Arm },
): Continuity | null {
  if (config.continuity === null) return null;
  const { token } = config.continuity;
  const urls = { control: config.arms.control.urls, candidate: config.arms.candidate.urls };
  const file = join(config.stateDir, "continuity.sqlite3");
  try {
    const carrier = createStateCarrier({ urls, token, sleep });
    const state = openContinuityState(file);
    return createContinuity({ carrier, state, clock: systemClock, ...parts });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StartError(`the state of the relay cannot be opened: ${why}`, EXIT.configuration, { cause: error });
  }
}

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  pause(ms, undefined, { signal }).catch(() => undefined);

/** Starts the candidate with the functions of this clone, and with the embedded host when it needs one. */
export const startCandidate = <Service>(
  options: Omit<CandidateOptions<Service>, "functionsDir">,
): Promise<Candidate<Service>> => startCandidateIn({ ...options, functionsDir: FUNCTIONS_DIR });
