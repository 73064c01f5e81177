// The proxy's own program between two origins, with or without a shadow, whose target is a third origin or something bad.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { eventually, metricSum, REPOSITORY, temporaryDir, TEST_SECRET } from "../../support/index.ts";
import { type Service, startService, stopAll } from "../../support/process.ts";
import { stopWithEvenAccounts } from "../../support/shadowSight.ts";

export const SHADOW_SECRET = "the-key-that-only-shadow-targets-accept-0001";

export const TOXICS = [
  "black-hole",
  "byte-a-second",
  "reset-on-accept",
  "reset-at-first-byte",
  "late",
  "endless-body",
  "endless-headers",
] as const;
export type Toxic = (typeof TOXICS)[number];

const program = (file: string, name: string, ...args: readonly string[]): Promise<Service> =>
  startService({ name, command: process.execPath, args: [file, ...args], cwd: REPOSITORY, env: {} });

export const startOrigin = (name: string, frameMs = 0): Promise<Service> =>
  program(fileURLToPath(new URL("./origin.ts", import.meta.url)), name, String(frameMs));
export const startToxic = (toxic: Toxic): Promise<Service> =>
  program(fileURLToPath(new URL("./toxicTarget.ts", import.meta.url)), toxic, toxic);

export interface ShadowProxyOptions {
  readonly arms: Readonly<Record<"control" | "candidate", string>>;
  /** The whole file; addresses and secrets come by the environment. */
  readonly config: string;
  readonly targets?: Readonly<Partial<Record<"control" | "candidate", string>>>;
  readonly env?: Readonly<Record<string, string>>;
  /** Reused to restart a proxy on the same evidence. */
  readonly stateDir?: string;
}

export interface ShadowProxy extends Service {
  readonly stateDir: string;
  readonly configFile: string;
  metrics(): Promise<string>;
  /** Events of this name so far. */
  events(name: string): number;
}

/** One address plays every client here: only the limits per subject and per address are raised (security §11). */
const RAISED = {
  SWITCHYARD__LIMITS__CALLS_PER_SUBJECT__RATE: "1000000/s",
  SWITCHYARD__LIMITS__CALLS_PER_SUBJECT__BURST: "1000000",
  SWITCHYARD__LIMITS__CALLS_PER_ADDRESS__RATE: "1000000/s",
  SWITCHYARD__LIMITS__CALLS_PER_ADDRESS__BURST: "1000000",
};
/** As `npm start` has them. */
const NODE_FLAGS = (
  JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8")) as { scripts: { start: string } }
).scripts.start
  .split(" ")
  .filter((word) => word.startsWith("--"));

/** For a command beside such a proxy. */
export const commandEnv = (stateDir: string): Record<string, string> => ({
  PATH: process.env["PATH"] ?? "",
  HOME: process.env["HOME"] ?? "/",
  JWT_SECRET_KEY: TEST_SECRET,
  SHADOW_JWT_SECRET: SHADOW_SECRET,
  SWITCHYARD__STATE_DIR: stateDir,
});

export async function startShadowProxy(options: ShadowProxyOptions): Promise<ShadowProxy> {
  const { arms, config, targets, env, stateDir = temporaryDir("shadow") } = options;
  const file = join(stateDir, "switchyard.config.yaml");
  writeFileSync(file, config);
  const urls = Object.entries(targets ?? {}).map(([arm, url]) => [
    `SWITCHYARD__SHADOW__TARGETS__${arm.toUpperCase()}__URL`,
    url,
  ]);
  const proxy = await startService({
    name: "proxy",
    command: process.execPath,
    args: [...NODE_FLAGS, join(REPOSITORY, "src/main.ts"), "run", "--quiet", "--config", file],
    cwd: stateDir,
    env: {
      JWT_SECRET_KEY: TEST_SECRET,
      SHADOW_JWT_SECRET: SHADOW_SECRET,
      SWITCHYARD__LISTEN: "127.0.0.1:0",
      SWITCHYARD__ADMIN__LISTEN: "127.0.0.1:0",
      SWITCHYARD__ADMIN__OPEN_METRICS: "true",
      SWITCHYARD__STATE_DIR: stateDir,
      SWITCHYARD__ARMS__CONTROL__URL: arms.control,
      SWITCHYARD__ARMS__CANDIDATE__URL: arms.candidate,
      SWITCHYARD__DRAIN__DELAY: "0s",
      ...RAISED,
      ...Object.fromEntries(urls),
      ...env,
    },
  });
  const admin = String(proxy.logLines().find(({ msg }) => msg === "listening")?.admin ?? "");
  const events = (name: string): number => proxy.logLines().filter(({ event }) => event === name).length;
  await eventually(() => {
    if (events("shadow.target.safe") < urls.length) throw new Error("the targets are not known yet");
  });
  const metrics = async (): Promise<string> => (await fetch(`${admin}/metrics`)).text();
  return stopWithEvenAccounts(Object.assign(proxy, { stateDir, configFile: file, metrics, events }), admin);
}

const ORIGIN_CONFIG = `
listen: 127.0.0.1:8000
arms:
  control: { backend: origin-1, url: http://127.0.0.1:8001, readyPath: /healthz }
  candidate: { backend: origin-2, url: http://127.0.0.1:8002, readyPath: /healthz }
identity:
  jwt: { algorithms: [HS256], secretEnv: JWT_SECRET_KEY }
units:
  origin:
    routes:
      - GET /bytes
      - { match: POST /bytes, kind: upload }
      - GET /events
      - GET /large
      - { match: POST /unmirrored/bytes, kind: upload }
      - GET /unmirrored/large
      - { match: WS /socket, codec: frames, messages: 10000/s }
`;

/** Everything is mirrored, writes and sockets too, bodies up to \`tap\`. */
const everything = (tap: string): string => `
shadow:
  sample: 100%
  targets:
    candidate: { url: http://127.0.0.1:8012, guard: network, jwtSecretEnv: SHADOW_JWT_SECRET }
  modes: { origin: sandbox }
  surfaces: { frames: { codec: opaque, mode: sandbox } }
  routes:
    - { route: GET /bytes, tap: ${tap}, copiesPerMinute: 1000000 }
    - { route: POST /bytes, tap: ${tap}, copiesPerMinute: 1000000 }
    - { route: POST /unmirrored/bytes, mode: never }
    - { route: GET /unmirrored/large, mode: never }
`;

export interface OriginWorldOptions {
  readonly arms: Readonly<Record<"control" | "candidate", string>>;
  /** Of the candidate; null: shadow off. */
  readonly target: string | null;
  readonly tap?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Control serves everybody. */
export const startOriginProxy = ({
  arms,
  target,
  tap = "256KiB",
  env = {},
}: OriginWorldOptions): Promise<ShadowProxy> =>
  startShadowProxy({
    arms,
    config: target === null ? ORIGIN_CONFIG : ORIGIN_CONFIG + everything(tap),
    ...(target !== null && { targets: { candidate: target } }),
    env,
  });

/** Two arms, a proxy that mirrors everything and a healthy target; all of them end with the test. */
export async function startWorld(t: Pick<TestContext, "after">, options: Pick<OriginWorldOptions, "tap" | "env"> = {}) {
  const services: Service[] = [];
  t.after(() => stopAll(services));
  const started = await Promise.all(["control", "candidate", "target"].map((name) => startOrigin(name)));
  services.push(...started);
  const [control, candidate, target] = started as [Service, Service, Service];
  const arms = { control: control.baseUrl, candidate: candidate.baseUrl };
  const proxy = await startOriginProxy({ arms, target: target.baseUrl, ...options });
  services.unshift(proxy);
  return { proxy, arms };
}

/** What the metrics say of the shadow's books (shadow A1). */
export interface Books {
  readonly offered: number;
  readonly sampled: number;
  readonly compared: number;
  readonly different: number;
  readonly notCompared: number;
  readonly unsafe: number;
  /** Sampled and without a verdict: each of them holds a credit. */
  readonly open: number;
  readonly gap: number;
  readonly tapBytes: number;
  readonly inFlight: number;
  readonly conversations: number;
}

const PREFIX = "switchyard_shadow_";

export function booksOf(text: string): Books {
  const sum = (name: string, labels?: Record<string, string>): number => metricSum(text, PREFIX + name, labels);
  const unsafe = sum("not_compared_total", { reason: "unsafe_write" });
  const notCompared = sum("not_compared_total") - unsafe;
  const [sampled, compared] = [sum("sampled_total"), sum("comparisons_total")];
  return {
    offered: sum("offered_total"),
    sampled,
    compared,
    different: sum("comparisons_total", { verdict: "different" }),
    notCompared,
    unsafe,
    open: sampled - compared - notCompared,
    gap: sum("accounting_gap"),
    tapBytes: sum("tap_bytes"),
    inFlight: sum("inflight"),
    conversations: sum("conversations_total"),
  };
}

/** Waits until nothing of the shadow is under way any more. @throws Error when that does not come */
export const settledBooks = (proxy: ShadowProxy, withinMs = 60_000): Promise<Books> =>
  eventually(
    async () => {
      const books = booksOf(await proxy.metrics());
      if (books.open !== 0 || books.tapBytes !== 0 || books.inFlight !== 0)
        throw new Error(`the shadow still holds ${JSON.stringify(books)}`);
      return books;
    },
    withinMs,
    250,
  );

/** Why what was not compared was not, for people who read the output. */
export function reasonsOf(text: string): string {
  const found = [...text.matchAll(/^switchyard_shadow_not_compared_total\{.*reason="(\w+)".*\} (\d+)$/gm)];
  return found.map(([, reason, count]) => `${reason} ${count}`).join(", ") || "none";
}

/** Which routes differed, and how often. */
export const differencesOf = (text: string): readonly string[] =>
  text.split("\n").filter((line) => /^switchyard_shadow_comparisons_total\{.*verdict="different"/.test(line));

/** Of calls alone: when a socket's answers come is a matter of time. */
export const differingCalls = (text: string): readonly string[] =>
  differencesOf(text).filter((line) => !line.includes('route="WS '));
