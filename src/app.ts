import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type CliDeps, type ConfigSource, type RunningProxy, StartError } from "./cli/index.ts";
import { type Config, type ConfigWatch, loadConfig, type Reloaded, watchConfig } from "./config/index.ts";
import { type AdminPorts, createAdmin } from "./console/index.ts";
import { tutorCodec, whiteboardCodec } from "./contract/index.ts";
import { createFlagControl, type LocalFlagControl } from "./flags/index.ts";
import { createSubjectHash, EXIT, type ExitCode, systemClock } from "./kernel/index.ts";
import { createMetrics, METRICS_CONTENT_TYPE, type Metrics, renderMetrics, totalsOf } from "./metrics/index.ts";
import { registerDemo } from "./platform/index.ts";
import {
  createClusterDataPlane,
  createLocalDataPlane,
  createPinoLog,
  createProxy,
  createRouteTable,
  type DataPlane,
  type ProxyApplication,
  type ProxyLog,
  type TurnCodec,
} from "./proxy/index.ts";

/** The clone's folder: the package, the services and the default configuration. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

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
          exit: (code) => process.exit(code),
        }),
    ],
  };
}

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
  const plane =
    config.workers === 1
      ? createLocalDataPlane(
          createProxy({ config, clock: systemClock, metrics, log, flags, application }),
          metrics.json,
        )
      : createClusterDataPlane({ config, flags, subjectKey, version: VERSION, clock: systemClock, log });
  const running = new RunningApp({ config, source, metrics, log, flags, plane, subjectKey });
  await running.start();
  return running;
}

interface Parts {
  readonly config: Config;
  readonly source: ConfigSource;
  readonly metrics: Metrics;
  readonly log: ProxyLog & { flush(): Promise<void> };
  readonly flags: LocalFlagControl;
  readonly plane: DataPlane;
  readonly subjectKey: Uint8Array;
}

class RunningApp implements RunningProxy {
  readonly #parts: Parts;
  #loadedAtMs = systemClock.now();
  readonly #watch: ConfigWatch;
  readonly #admin: ReturnType<typeof createAdmin>;
  readonly #finished = Promise.withResolvers<ExitCode>();
  #config: Config;
  #refusedReload: string | null = null;
  #isListening = false;
  #isStopping = false;
  #stopGauges = () => {};
  address = "";
  adminAddress = "";
  operateTokenFile: string | null = null;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#config = parts.config;
    const { config, log } = parts;
    this.#admin = createAdmin({
      admin: config.admin,
      stateDir: config.stateDir,
      ports: this.#adminPorts(),
      clock: systemClock,
      onFailure: (error) =>
        log.event("admin.failed", { error: error instanceof Error ? error.name : "unknown" }, "error"),
    });
    this.#watch = watchConfig({
      ...parts.source.options,
      clock: systemClock,
      current: parts.source.loaded,
      apply: (loaded) => this.#apply(loaded.config),
      onReload: (result) => this.#reloaded(result),
    });
  }

  get done(): Promise<ExitCode> {
    return this.#finished.promise;
  }

  async start(): Promise<void> {
    const { config, plane, log } = this.#parts;
    try {
      const bound = await plane.start().catch((error: unknown) => failListen("listen", config.listen, error));
      this.address = `http://${bracketed(config.listen.host)}:${bound.port}`;
      const admin = await this.#admin
        .listen()
        .catch((error: unknown) => failListen("admin.listen", config.admin.listen, error));
      this.adminAddress = admin.url;
      this.operateTokenFile = admin.operateTokenFile;
    } catch (error) {
      plane.stop();
      this.#watch.stop();
      await this.#parts.flags.stop();
      throw error;
    }
    this.#isListening = true;
    this.#stopGauges = startControlGauges(this.#parts);
    log.event("listening", {
      address: this.address,
      admin: this.adminAddress,
      workers: config.workers,
      version: VERSION,
    });
  }

  stop(signal: string): void {
    if (this.#isStopping) {
      this.#parts.plane.stop();
      this.#finished.resolve(EXIT.interrupted);
      return;
    }
    this.#isStopping = true;
    this.#parts.log.event("drain.started", { signal });
    void this.#drain().then(
      () => this.#finished.resolve(EXIT.fine),
      () => this.#finished.resolve(EXIT.internal),
    );
  }

  async #drain(): Promise<void> {
    const { plane, flags, log } = this.#parts;
    await plane.drain();
    this.#stopGauges();
    this.#watch.stop();
    await this.#admin.close();
    await flags.stop();
    log.event("drain.done", {});
    await log.flush();
  }

  reload(): Promise<{ readonly isApplied: boolean; readonly message: string }> {
    const result = this.#watch.reload();
    this.#reloaded(result);
    return Promise.resolve({ isApplied: result.isApplied, message: result.message });
  }

  /** Takes a sound configuration whole; what lives as long as the process was judged before. */
  #apply(next: Config): void {
    this.#parts.plane.reconfigure(next);
    this.#config = next;
    this.#loadedAtMs = systemClock.now();
  }

  #reloaded(result: Reloaded): void {
    const { log } = this.#parts;
    this.#refusedReload = result.isApplied ? null : result.message;
    if (result.isApplied) log.event("config.reloaded", { hash: hashOf(this.#config) });
    else log.event("config.refused", { problems: result.problems.length }, "warn");
  }

  #adminPorts(): AdminPorts {
    const { flags, plane, metrics, config, log, subjectKey, source } = this.#parts;
    const table = () => createRouteTable(this.#config.units.values());
    const allMetrics = async () =>
      config.workers === 1 ? plane.metrics() : [...(await plane.metrics()), await metrics.json()];
    return {
      version: VERSION,
      flags,
      units: [...config.units.values()].map(({ id, flag, fixed, routes }) => ({
        id,
        flag,
        fixed,
        routes: routes.map((route) => route.id),
      })),
      matchRoute: (method, path) => {
        const match = table().match(method, path);
        return match ? { route: match.route.id, unit: match.route.unit.id, fixed: match.route.unit.fixed } : null;
      },
      nearestRoute: (method, path) => table().nearest(method, path),
      socketsOf: async (subject) =>
        (await plane.socketsOf(subject)).map(({ route, unit, arm, openedAtMs, decision }) => ({
          route,
          unit,
          arm,
          decision,
          ageMs: systemClock.now() - openedAtMs,
        })),
      arms: () => plane.arms(),
      metricsText: async () => ({ contentType: METRICS_CONTENT_TYPE, text: await renderMetrics(await allMetrics()) }),
      totals: async () => {
        const unitOfRoute = new Map([...this.#config.units.values()].flatMap((u) => u.routes.map((r) => [r.id, u.id])));
        return totalsOf(await plane.metrics(), (route) => unitOfRoute.get(route)) as Awaited<
          ReturnType<AdminPorts["totals"]>
        >;
      },
      readiness: () => {
        const hasFlags = flags.state.data.reading.data !== null;
        const checks = {
          configured: true,
          listening: this.#isListening,
          flags: hasFlags,
          notDraining: !this.#isStopping,
        };
        return { isReady: Object.values(checks).every(Boolean), checks };
      },
      configuration: () => ({
        file: source.options.file,
        hash: hashOf(this.#config),
        loadedAtMs: this.#loadedAtMs,
        refusedReload: this.#refusedReload,
      }),
      hashSubject: createSubjectHash(subjectKey),
      record: ({ event, actor, reason, details }) => {
        metrics.events.inc({ type: event });
        log.event(event, { actor, reason, ...details });
      },
    };
  }
}

const bracketed = (host: string): string => (host.includes(":") ? `[${host}]` : host);

function failListen(setting: string, at: { host: string; port: number }, error: unknown): never {
  if (error instanceof StartError) throw error;
  const code = (error as NodeJS.ErrnoException).code;
  const where = `${bracketed(at.host)}:${at.port}`;
  const why =
    code === "EADDRINUSE"
      ? "is taken by another process"
      : code === "EACCES"
        ? "may not be used by this user"
        : `cannot be bound (${code ?? (error instanceof Error ? error.message : "unknown")})`;
  throw new StartError(
    `${setting}: ${where} ${why}; stop what listens there or set another address`,
    EXIT.unreachable,
    {
      cause: error,
    },
  );
}

/** Names a configuration in reports and logs; secrets go in as a hash like everything else. */
function hashOf(config: Config): string {
  const text = JSON.stringify(config, (_key, value: unknown) => (value instanceof Map ? [...value] : value));
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}

const SUBJECT_KEY_BYTES = 32;

/** null: there is none yet, or what is there is no key; hashes made with it would name their subjects. */
function readKey(file: string): Uint8Array | null {
  try {
    const key = readFileSync(file);
    return key.length === SUBJECT_KEY_BYTES ? key : null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** The key of the subjects' hash, made once per installation (security D2), readable by its owner only (D5). */
function ownSubjectKey(stateDir: string): Uint8Array {
  const file = join(stateDir, "subject.key");
  try {
    mkdirSync(stateDir, { recursive: true, mode: 0o700 });
    const known = readKey(file);
    if (known !== null) return known;
    const key = randomBytes(SUBJECT_KEY_BYTES);
    // Whole or not at all: half a key would be taken for a key at the next start.
    writeFileSync(`${file}.new`, key, { mode: 0o600 });
    renameSync(`${file}.new`, file);
    return key;
  } catch (error) {
    throw new StartError(
      `stateDir: ${stateDir} cannot be used; it must be a folder this user may write`,
      EXIT.unreachable,
      {
        cause: error,
      },
    );
  }
}

const GAUGES_MS = 1_000;

/** What only the control plane knows: age and shares of the flags, the kill layers that hold. */
function startControlGauges({ metrics, flags, config }: Parts): () => void {
  let cancel = () => {};
  const tick = (): void => {
    const { state } = flags;
    const { reading, overrides, epoch } = state.data;
    metrics.flagsAge.set({ source: reading.source }, Math.max(0, (systemClock.now() - reading.confirmedAtMs) / 1_000));
    metrics.epoch.set(epoch);
    metrics.flagsInvalid.set(flags.problems.filter(({ code }) => code === "flag-invalid").length);
    for (const layer of ["L0", "L1", "L4"] as const) {
      metrics.overrideActive.set({ layer }, overrides.kills.some((kill) => kill.layer === layer) ? 1 : 0);
    }
    for (const unit of config.units.values()) {
      if (unit.fixed) continue;
      const { exposurePercent } = state.explain(unit, null, systemClock.now());
      metrics.exposure.set({ unit: unit.id }, (exposurePercent ?? 0) / 100);
    }
    cancel = systemClock.after(GAUGES_MS, tick);
  };
  tick();
  return () => cancel();
}
