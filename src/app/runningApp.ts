import { createHash } from "node:crypto";
import { type ConfigSource, type RunningProxy, StartError } from "../cli/index.ts";
import { type Config, type ConfigWatch, type Reloaded, watchConfig } from "../config/index.ts";
import type { Continuity } from "../continuity/index.ts";
import { type AdminPorts, createAdmin, type SampleRemovals } from "../console/index.ts";
import type { LocalFlagControl } from "../flags/index.ts";
import { createSubjectHash, EXIT, type ExitCode, systemClock } from "../kernel/index.ts";
import { METRICS_CONTENT_TYPE, type Metrics, renderMetrics, totalsOf } from "../metrics/index.ts";
import { createRouteTable, type DataPlane, type ProxyLog } from "../proxy/index.ts";
import { ShadowReportThread } from "./shadowReports.ts";
import { startControlGauges } from "./controlGauges.ts";

interface Parts {
  readonly version: string;
  readonly config: Config;
  readonly source: ConfigSource;
  readonly metrics: Metrics;
  readonly log: ProxyLog & { flush(): Promise<void> };
  readonly flags: LocalFlagControl;
  readonly plane: DataPlane;
  readonly subjectKey: Uint8Array;
  readonly samples: SampleRemovals;
  readonly continuity: Continuity | null;
  /** A reload has taken this one. */
  onConfig(config: Config): void;
}

/** What `startProxy` puts together, from its start to the end of its drain. */
export class RunningApp implements RunningProxy {
  readonly #parts: Parts;
  #loadedAtMs = systemClock.now();
  readonly #watch: ConfigWatch;
  readonly #admin: ReturnType<typeof createAdmin>;
  readonly #reports = new ShadowReportThread(() => this.#config);
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
      await this.#parts.continuity?.stop();
      throw error;
    }
    this.#isListening = true;
    this.#stopGauges = startControlGauges(this.#parts);
    this.#parts.continuity?.start();
    log.event("listening", {
      address: this.address,
      admin: this.adminAddress,
      workers: config.workers,
      version: this.#parts.version,
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
    const { plane, flags, log, continuity } = this.#parts;
    await plane.drain();
    await continuity?.stop();
    this.#stopGauges();
    this.#watch.stop();
    await this.#admin.close();
    await this.#reports.close();
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
    this.#parts.onConfig(next);
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
    const { flags, plane, metrics, config, log, subjectKey, samples, source } = this.#parts;
    const table = () => createRouteTable(this.#config.units.values());
    const allMetrics = async () =>
      config.workers === 1 ? plane.metrics() : [...(await plane.metrics()), await metrics.json()];
    return {
      version: this.#parts.version,
      flags,
      data: this.#parts.continuity,
      shadow: config.shadow === null ? null : this.#reports,
      samples,
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
