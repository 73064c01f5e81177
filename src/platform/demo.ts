import { isAbsolute, join, relative } from "node:path";
import type { Command } from "commander";
import { StartError } from "../cli/ports.ts";
import { type Admin, createAdmin } from "./adminClient.ts";
import { bannerText, type PortFact, type ShadowFact } from "./banner.ts";
import { type Parts, type Platform, startPlatform } from "./demoStart.ts";
import { startShadow } from "./demoShadow.ts";
import { createDemoTraffic, type DemoTraffic } from "./demoTraffic.ts";
import { chooseExamples, type Examples, writeExamples } from "./examples.ts";
import type { DemoDeps, RunningProxy } from "./ports.ts";
import { AlreadyRunning, claimRun, type RunFile } from "./runFile.ts";
import { readOrMakeSecret } from "./secretFile.ts";
import { listenToSignals, type Signals } from "./signals.ts";

const UNIT = "tutoring";
const EXPOSURE_PERCENT = 25;
const TOKENS_EVERY_MS = 10 * 60_000;
const USAGE = 2;
const UNREACHABLE = 4;
const INTERNAL = 70;
const INTERRUPTED = 130;

/** `switchyard demo`, the application's own command; `app.ts` hands it to the command line. */
export function registerDemo(program: Command, deps: DemoDeps): void {
  program
    .command("demo")
    .summary("both services, the proxy and a little traffic, on this machine (what npm start runs)")
    .description(
      "Starts the control service, the candidate, the model stand-in and the proxy between them, with a dozen students who talk.\n" +
        "Whatever they do is done once more, unseen, on a second instance of the other service, and both answers are compared.",
    )
    .option("--for <duration>", "stop by itself after this long: 30s, 2m", parseDuration)
    .option("--config <file>", "configuration file", "switchyard.config.yaml")
    .option("--no-traffic", "start everything but the students")
    .option("--no-shadow", "mirror nothing: four processes fewer")
    .action(async (options: DemoOptions) => {
      const code = await runDemo(deps, options);
      if (code !== 0) deps.exit(code);
    });
}

export interface DemoOptions {
  readonly for?: number;
  readonly config: string;
  readonly traffic: boolean;
  readonly shadow: boolean;
}

export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h)$/.exec(text.trim());
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match?.[2] ?? ""];
  if (!match || unit === undefined)
    throw new StartError(`--for ${text}: a duration with its unit is needed, as 30s or 2m.`, USAGE);
  return Number(match[1]) * unit;
}

/** Runs until a signal, or `--for` is over; resolves with the exit code after everything has drained. */
export async function runDemo(deps: DemoDeps, options: DemoOptions): Promise<number> {
  const startedAt = performance.now();
  const say = (line: string): void => void deps.stderr.write(`${line}\n`);
  const data = join(deps.root, "data", "demo");
  const run = claim(join(data, "run.json"), say);
  const signals = listenToSignals(say);
  let parts: Parts | null = null;
  const killAll = (): void => parts?.kill();
  // Whatever ends this process, a bug of ours included, its children do not outlive it.
  process.once("exit", killAll);
  signals.onSecond(() => {
    killAll();
    deps.exit(INTERRUPTED);
  });
  try {
    const platform = await startPlatform({
      deps,
      configFile: options.config,
      secret: readOrMakeSecret(join(data, "jwt.secret"), deps.env.JWT_SECRET_KEY),
      serviceToken: readOrMakeSecret(join(data, "service.token"), deps.env["SERVICE_TOKEN"]),
      hasShadow: options.shadow,
      say,
      onPid: (name, pid) => run.setService(name, pid),
      onParts: (made) => {
        parts = made;
      },
    });
    const ending = await serve(deps, options, { platform, signals, say, startedAt, data });
    return ending.exitCode;
  } finally {
    await (parts as Parts | null)?.stop();
    process.off("exit", killAll);
    signals.release();
    run.remove();
  }
}

interface Serving {
  readonly platform: Platform;
  readonly signals: Signals;
  readonly say: (line: string) => void;
  readonly startedAt: number;
  readonly data: string;
}

/** Everything runs: students in, banner out, until it is over; then the drain, also when something of this failed. */
async function serve(
  deps: DemoDeps,
  options: DemoOptions,
  { platform, signals, say, startedAt, data }: Serving,
): Promise<Ending> {
  const base = platform.proxy.address.replace(/\/$/, "");
  const traffic = createDemoTraffic({ base, accountsFile: join(data, "students.json"), say });
  let ending: Ending = { why: "the demo failed", exitCode: INTERNAL };
  let stopTokens = (): void => {};
  try {
    stopTokens = await present(deps, options, { platform, traffic, startedAt });
    if (platform.shadow) void startShadow(platform.shadow, say);
    ending = await untilOver(platform.proxy, signals, options.for);
    return ending;
  } finally {
    stopTokens();
    await stopAll(platform, traffic, say, ending);
  }
}

function claim(file: string, say: (line: string) => void): RunFile {
  try {
    return claimRun(file, say);
  } catch (error) {
    throw error instanceof AlreadyRunning ? new StartError(error.message, UNREACHABLE, { cause: error }) : error;
  }
}

interface Started {
  readonly platform: Platform;
  readonly traffic: DemoTraffic;
  readonly startedAt: number;
}

/** First exposure, students in, banner; returns what stops the renewing of the tokens in the file. */
async function present(
  deps: DemoDeps,
  options: DemoOptions,
  { platform, traffic, startedAt }: Started,
): Promise<() => void> {
  const admin = createAdmin(platform.proxy, deps.env);
  const before = await admin.exposure(UNIT);
  // Only in a new clone: what a person set in an earlier run stays.
  if (before === null || (before === 0 && traffic.isNew))
    await admin.setExposure(UNIT, EXPOSURE_PERCENT, "first start of the demo");
  const tokensFile = join(deps.root, "data", "demo", "tokens.json");
  const refresh = async (): Promise<Examples> => {
    const examples = await chooseExamples(await traffic.signIn(), admin);
    writeExamples(tokensFile, examples);
    return examples;
  };
  const examples = await refresh();
  if (options.traffic) traffic.start();
  deps.stdout.write(
    await banner(deps, { platform, admin, examples, tokensFile, startedAt, isTalking: options.traffic }),
  );
  // A token lives half an hour: the file is kept good; when that fails once, the next round repairs it.
  const timer = setInterval(() => void refresh().catch(() => {}), TOKENS_EVERY_MS);
  return () => clearInterval(timer);
}

interface Scene {
  readonly platform: Platform;
  readonly admin: Admin;
  readonly examples: Examples;
  readonly tokensFile: string;
  readonly startedAt: number;
  readonly isTalking: boolean;
}

async function banner(
  deps: DemoDeps,
  { platform, admin, examples, tokensFile, startedAt, isTalking }: Scene,
): Promise<string> {
  const { services, proxy, proxyPorts } = platform;
  const near = (path: string): string => (isAbsolute(path) ? relative(deps.root, path) : path);
  const port = (name: keyof typeof services.ports): PortFact | null => {
    const chosen = services.ports[name];
    return chosen ? { name, ...chosen } : null;
  };
  const none: PortFact = { name: "", port: 0, wanted: 0 };
  return bannerText({
    version: deps.version,
    api: proxy.address.replace(/\/$/, ""),
    admin: proxy.adminAddress.replace(/\/$/, ""),
    operateTokenFile: proxy.operateTokenFile === null ? null : near(proxy.operateTokenFile),
    ports: { control: port("control") ?? none, candidate: port("candidate") ?? none, model: port("model") },
    host: port("host"),
    modelUrl: services.urls.model,
    shadow: shadowFact(platform),
    otherPorts: proxyPorts,
    exposurePercent: await admin.exposure(UNIT),
    students: isTalking ? examples.counts : { control: 0, candidate: 0 },
    tokensFile: near(tokensFile),
    exampleUser: (examples.candidate ?? examples.control)?.userId ?? null,
    logs: "data/logs/",
    readyMs: performance.now() - startedAt,
  });
}

const shadowFact = ({ services: { cassette }, shadow }: Platform): ShadowFact | null =>
  cassette &&
  shadow && {
    cassette: [
      { name: "record", ...cassette.ports.record },
      { name: "replay", ...cassette.ports.replay },
      { name: "cassette", ...cassette.ports.cassette },
    ],
    control: { name: "shadow-control", ...shadow.targets.ports.control },
    candidate: { name: "shadow-candidate", ...shadow.targets.ports.candidate },
    host: { name: "shadow-host", ...shadow.targets.ports.host },
  };

interface Ending {
  readonly why: string;
  readonly exitCode: number;
}

async function untilOver(proxy: RunningProxy, signals: Signals, forMs: number | undefined): Promise<Ending> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<Ending>((done) => {
    if (forMs !== undefined) timer = setTimeout(() => done({ why: "time is over", exitCode: 0 }), forMs);
  });
  const asked = signals.first.then((signal): Ending => ({ why: signal, exitCode: 0 }));
  const ended = proxy.done.then((code): Ending => ({ why: "the proxy ended", exitCode: code }));
  const ending = await Promise.race([asked, over, ended]);
  clearTimeout(timer);
  return ending;
}

/** The students first, then the proxy with its drain, then the shadow targets and the arms, then the model they use. */
async function stopAll(
  { parts, proxy }: Platform,
  traffic: DemoTraffic,
  say: (line: string) => void,
  ending: Ending,
): Promise<void> {
  say(`${ending.why}: stopping; a second signal stops at once`);
  await traffic.stop();
  proxy.stop("SIGTERM");
  await proxy.done;
  await parts.stop();
  const { good, bad } = traffic.totals();
  say(`stopped; the students made ${good} calls and turns, ${bad} failed`);
}
