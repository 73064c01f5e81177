import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SERVICE_TOKEN, TEST_SECRET, temporaryDir } from "./arms.ts";
import { REPOSITORY } from "./paths.ts";
import { startService, type Service } from "./process.ts";

export interface ProxyOptions {
  readonly controlUrl: string;
  /** null: `config` names its instances. */
  readonly candidateUrl: string | null;
  /** The arm that serves every subject at the start. */
  readonly everyoneOn: "control" | "candidate";
  /**
   * No: every arm keeps what it has, and nobody waits for data. Where arms are compared, what a test does on one must not
   * come to the other, and where one of them is not there, nobody's data ever follows.
   */
  readonly hasRelay?: boolean;
  /** More `SWITCHYARD__…` variables, or the secret of other tokens. */
  readonly env?: Record<string, string>;
  /** Changes the shipped configuration where no variable reaches. */
  readonly config?: (text: string) => string;
}

export interface Proxy extends Service {
  readonly adminUrl: string;
  /** Flags, overrides, tokens of the admin listener. */
  readonly stateDir: string;
}

const UNITS = ["tutoring", "realtime", "conversations"];

/** A flag file in Unleash's format that sends nobody or everybody to the candidate. */
function flagDocument(percent: 0 | 100): string {
  const parameters = { rollout: String(percent), stickiness: "userId", groupId: "switchyard" };
  const release = (unit: string): object => ({
    name: `switchyard.${unit}`,
    type: "release",
    enabled: true,
    strategies: [{ name: "flexibleRollout", parameters, constraints: [] }],
  });
  const armed = {
    name: "switchyard.armed",
    type: "kill-switch",
    enabled: true,
    strategies: [{ name: "default", parameters: {}, constraints: [] }],
  };
  return JSON.stringify({
    version: 2,
    features: [armed, ...UNITS.map(release)],
    segments: [],
    meta: { revisionId: 1 },
  });
}

/**
 * The rates per subject and per address are raised: one address plays every person here (security §11 allows
 * exactly these rows to be raised for such runs). Everything else is the shipped configuration.
 */
const RAISED = {
  SWITCHYARD__LIMITS__CALLS_PER_SUBJECT__RATE: "2000/s",
  SWITCHYARD__LIMITS__CALLS_PER_SUBJECT__BURST: "4000",
  SWITCHYARD__LIMITS__CALLS_PER_ADDRESS__RATE: "2000/s",
  SWITCHYARD__LIMITS__CALLS_PER_ADDRESS__BURST: "4000",
  SWITCHYARD__LIMITS__LOGINS_PER_ADDRESS__RATE: "6000/min",
  SWITCHYARD__LIMITS__LOGINS_PER_ADDRESS__BURST: "6000",
};

function configFile(dir: string, { config = (text) => text, hasRelay = true }: ProxyOptions): string {
  const file = join(dir, "switchyard.config.yaml");
  const shipped = config(readFileSync(join(REPOSITORY, "switchyard.config.yaml"), "utf8"));
  writeFileSync(file, hasRelay ? shipped : shipped.replace(/^continuity:.*$/m, ""));
  return file;
}

/** The proxy with the repository's own configuration, on free ports and a state folder of its own. */
export async function startProxy(options: ProxyOptions): Promise<Proxy> {
  const stateDir = temporaryDir("proxy");
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  writeFileSync(join(stateDir, "flags.json"), flagDocument(options.everyoneOn === "candidate" ? 100 : 0), {
    mode: 0o600,
  });
  const service = await startService({
    name: `proxy → ${options.everyoneOn}`,
    command: process.execPath,
    args: [join(REPOSITORY, "src/main.ts"), "run", "--quiet", "--config", configFile(stateDir, options)],
    cwd: stateDir,
    env: {
      JWT_SECRET_KEY: TEST_SECRET,
      SERVICE_TOKEN,
      SWITCHYARD__LISTEN: "127.0.0.1:0",
      SWITCHYARD__ADMIN__LISTEN: "127.0.0.1:0",
      SWITCHYARD__STATE_DIR: stateDir,
      SWITCHYARD__ARMS__CONTROL__URL: options.controlUrl,
      ...(options.candidateUrl !== null && { SWITCHYARD__ARMS__CANDIDATE__URL: options.candidateUrl }),
      SWITCHYARD__DRAIN__DELAY: "0s",
      ...RAISED,
      ...options.env,
    },
  });
  const line = service.logLines().find((entry) => entry.msg === "listening");
  return Object.assign(service, { adminUrl: String(line?.admin ?? ""), stateDir });
}
