import { isAbsolute, join, relative } from "node:path";
import type { Command } from "commander";
import { StartError } from "../cli/ports.ts";
import { createAdmin } from "./adminClient.ts";
import { bannerText, type PortFact } from "./banner.ts";
import { createDemoTraffic, type DemoTraffic } from "./demoTraffic.ts";
import { NoFreePort, nextFreePort } from "./freePort.ts";
import type { DemoDeps, RunningProxy } from "./ports.ts";
import { AlreadyRunning, claimRun, type RunFile } from "./runFile.ts";
import { readOrMakeSecret } from "./secretFile.ts";
import { createServices, PORTS, type ServiceName, type Services } from "./services.ts";
import { ServiceFailed } from "./supervisor.ts";
import { chooseExamples, writeExamples } from "./examples.ts";

const UNIT = "tutoring";
const EXPOSURE_PERCENT = 25;
const TOKENS_EVERY_MS = 10 * 60_000;
const UNREACHABLE = 4;
const INTERRUPTED = 130;

/** `switchyard demo`, the application's own command; `app.ts` hands it to the command line. */
export function registerDemo(program: Command, deps: DemoDeps): void {
  program
    .command("demo")
    .summary("both services, the proxy and a little traffic, on this machine (what npm start runs)")
    .description(
      "Starts the control service, the candidate, the model stand-in and the proxy between them, with a dozen students who talk.",
    )
    .option("--for <duration>", "stop by itself after this long: 30s, 2m", parseDuration)
    .option("--config <file>", "configuration file", "switchyard.config.yaml")
    .option("--no-traffic", "start everything but the students")
    .action(async (options: DemoOptions) => {
      const code = await runDemo(deps, options);
      if (code !== 0) deps.exit(code);
    });
}

export interface DemoOptions {
  readonly for?: number;
  readonly config: string;
  readonly traffic: boolean;
}

export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)$/.exec(text.trim());
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match?.[2] ?? ""];
  if (!match || unit === undefined)
    throw new StartError(`--for ${text}: a duration with its unit is needed, as 30s or 2m.`, 2);
  return Number(match[1]) * unit;
}

interface Started {
  readonly services: Services;
  readonly proxy: RunningProxy;
  readonly traffic: DemoTraffic;
  readonly otherPorts: readonly PortFact[];
}

/** Runs until a signal, or `--for` is over; resolves with the exit code after everything has drained. */
export async function runDemo(deps: DemoDeps, options: DemoOptions): Promise<number> {
  const startedAt = performance.now();
  const say = (line: string): void => void deps.stderr.write(`${line}\n`);
  const data = join(deps.root, "data", "demo");
  const run = claim(join(data, "run.json"), say);
  const signals = listenToSignals(say);
  let services: Services | null = null;
  const killAll = (): void => services?.kill();
  // Whatever ends this process, a bug of ours included, its children do not outlive it.
  process.once("exit", killAll);
  signals.onSecond(() => {
    killAll();
    deps.exit(INTERRUPTED);
  });
  try {
    const secret = readOrMakeSecret(join(data, "jwt.secret"), deps.env);
    const givenPorts = new Set<number>();
    services = await startable(() =>
      createServices({
        root: deps.root,
        env: deps.env,
        secret,
        say,
        givenPorts,
        onPid: (name: ServiceName, pid) => run.setService(name, pid),
      }),
    );
    const started = await startAll(deps, options, { services, secret, givenPorts, say, data });
    const stopTokens = await present(deps, options, started, startedAt);
    const code = await untilOver(started.proxy, signals, options.for);
    stopTokens();
    await stopAll(started, say, code);
    return code.exitCode;
  } finally {
    await services?.stop();
    process.off("exit", killAll);
    signals.release();
    run.remove();
  }
}

/** Refusals of this room become the command line's: exit 4 and the sentence (ux.md §3). */
async function startable<T>(work: () => Promise<T> | T): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isOurs = error instanceof ServiceFailed || error instanceof NoFreePort || error instanceof AlreadyRunning;
    throw isOurs ? new StartError(error.message, UNREACHABLE, { cause: error }) : error;
  }
}

function claim(file: string, say: (line: string) => void): RunFile {
  try {
    return claimRun(file, say);
  } catch (error) {
    throw error instanceof AlreadyRunning ? new StartError(error.message, UNREACHABLE, { cause: error }) : error;
  }
}

interface Starting {
  readonly services: Services;
  readonly secret: string;
  readonly givenPorts: Set<number>;
  readonly say: (line: string) => void;
  readonly data: string;
}

async function startAll(
  deps: DemoDeps,
  options: DemoOptions,
  { services, secret, givenPorts, say, data }: Starting,
): Promise<Started> {
  const api = await nextFreePort("127.0.0.1", PORTS.proxy, givenPorts);
  const admin = await nextFreePort("127.0.0.1", PORTS.admin, givenPorts);
  const file = isAbsolute(options.config) ? options.config : join(deps.root, options.config);
  const load = () =>
    deps.loadConfig({
      file,
      env: { ...deps.env, JWT_SECRET_KEY: secret },
      overrides: {
        listen: `127.0.0.1:${api.port}`,
        "admin.listen": `127.0.0.1:${admin.port}`,
        "arms.control.url": services.urls.control,
        "arms.candidate.url": services.urls.candidate,
        // Its lines would bury the banner; the arms' own logs stand in data/logs.
        "log.level": "warn",
        // Loopback, and the banner sends people there.
        "admin.openMetrics": true,
        // ux.md §7: nobody watches the demo's readiness, so nobody needs the wait.
        "drain.delay": "0s",
      },
    }).config;
  const config = load();
  await startable(() => services.start());
  const proxy = await deps.startProxy(config, { file, reload: async () => load() });
  const base = `http://127.0.0.1:${api.port}`;
  const traffic = createDemoTraffic({ base, accountsFile: join(data, "students.json"), say });
  return {
    services,
    proxy,
    traffic,
    otherPorts: [
      { name: "api", ...api },
      { name: "admin", ...admin },
    ],
  };
}

/** First exposure, students in, banner; returns what stops the renewing of the tokens in the file. */
async function present(deps: DemoDeps, options: DemoOptions, started: Started, startedAt: number): Promise<() => void> {
  const { services, proxy, traffic, otherPorts } = started;
  const admin = createAdmin(proxy, deps.env);
  const before = await admin.exposure(UNIT);
  // Only in a new clone: what a person set in an earlier run stays.
  if (before === null || (before === 0 && traffic.isNew))
    await admin.setExposure(UNIT, EXPOSURE_PERCENT, "first start of the demo");
  const tokensFile = join(deps.root, "data", "demo", "tokens.json");
  const refresh = async () => {
    const examples = await chooseExamples(await traffic.signIn(), admin);
    writeExamples(tokensFile, examples);
    return examples;
  };
  const examples = await refresh();
  const near = (path: string): string => (isAbsolute(path) ? relative(deps.root, path) : path);
  const port = (name: string, chosen: { port: number; wanted: number }): PortFact => ({ name, ...chosen });
  const { control, candidate, model } = services.ports;
  if (options.traffic) traffic.start();
  deps.stdout.write(
    bannerText({
      version: deps.version,
      api: proxy.address.replace(/\/$/, ""),
      admin: proxy.adminAddress.replace(/\/$/, ""),
      operateTokenFile: proxy.operateTokenFile === null ? null : near(proxy.operateTokenFile),
      ports: {
        control: port("control", control ?? { port: 0, wanted: 0 }),
        candidate: port("candidate", candidate ?? { port: 0, wanted: 0 }),
        model: model ? port("model", model) : null,
      },
      modelUrl: services.urls.model,
      otherPorts,
      exposurePercent: await admin.exposure(UNIT),
      students: options.traffic ? examples.counts : { control: 0, candidate: 0 },
      tokensFile: near(tokensFile),
      exampleUser: (examples.candidate ?? examples.control)?.userId ?? null,
      logs: "data/logs/",
      readyMs: performance.now() - startedAt,
    }),
  );
  const timer = setInterval(() => void refresh().catch(() => {}), TOKENS_EVERY_MS);
  return () => clearInterval(timer);
}

interface Ending {
  readonly why: string;
  readonly exitCode: number;
}

async function untilOver(proxy: RunningProxy, signals: Signals, forMs: number | undefined): Promise<Ending> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<Ending>((done) => {
    if (forMs !== undefined) timer = setTimeout(() => done({ why: "time is over", exitCode: 0 }), forMs);
  });
  const ended = proxy.done.then((code): Ending => ({ why: "the proxy ended", exitCode: code }));
  const ending = await Promise.race([
    signals.first.then((signal): Ending => ({ why: signal, exitCode: 0 })),
    over,
    ended,
  ]);
  clearTimeout(timer);
  return ending;
}

/** The students first, then the proxy with its drain, then the arms, then the model they use. */
async function stopAll(
  { services, proxy, traffic }: Started,
  say: (line: string) => void,
  ending: Ending,
): Promise<void> {
  say(`${ending.why}: stopping; a second signal stops at once`);
  await traffic.stop();
  proxy.stop("SIGTERM");
  await proxy.done;
  await services.stop();
  const { good, bad } = traffic.totals();
  say(`stopped; the students made ${good} calls and turns, ${bad} failed`);
}

interface Signals {
  readonly first: Promise<string>;
  onSecond(run: () => void): void;
  release(): void;
}

function listenToSignals(say: (line: string) => void): Signals {
  let count = 0;
  let second: () => void = () => {};
  let announce: (signal: string) => void = () => {};
  const first = new Promise<string>((done) => {
    announce = done;
  });
  const onSignal = (signal: NodeJS.Signals): void => {
    count += 1;
    if (count === 1) return announce(signal);
    say(`${signal} again: stopped without draining`);
    second();
  };
  process.on("SIGINT", onSignal).on("SIGTERM", onSignal);
  return {
    first,
    onSecond: (run) => {
      second = run;
    },
    release: () => void process.off("SIGINT", onSignal).off("SIGTERM", onSignal),
  };
}
