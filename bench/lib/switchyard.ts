import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { jsonLine, type Running, start } from "./process.ts";
import { SECRET } from "./tokens.ts";
import { VoidMeasurement } from "./void.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const SHIPPED = join(ROOT, "switchyard.config.yaml");
const ENTRY = join(ROOT, "src/main.ts");
/** Node's own flags as `npm start` has them, and as the launcher does (a test of scripts/ says so). */
const NODE_FLAGS = (
  JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: { start: string } }
).scripts.start
  .split(" ")
  .filter((word) => word.startsWith("--"));

export interface SwitchyardOptions {
  readonly name: string;
  readonly dir: string;
  readonly controlUrl: string;
  readonly candidateUrl: string;
  /** Further `SWITCHYARD__…` variables. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Replacements in the text of the shipped file, for what no variable reaches: routes are a list. */
  readonly replacements?: readonly (readonly [from: string, to: string])[];
}

export interface Switchyard extends Running {
  readonly url: string;
  /** Decisions made so far by a flag, over both arms: proof that the whole pipeline is on. */
  decisions(): Promise<number>;
  metrics(): Promise<string>;
}

/** A thousand subjects from one address: only the limits per subject and per address are raised (security §11). */
export const RAISED_LIMITS: Readonly<Record<string, string>> = {
  SWITCHYARD__LIMITS__CALLS_PER_SUBJECT__RATE: "1000000/s",
  SWITCHYARD__LIMITS__CALLS_PER_SUBJECT__BURST: "1000000",
  SWITCHYARD__LIMITS__CALLS_PER_ADDRESS__RATE: "1000000/s",
  SWITCHYARD__LIMITS__CALLS_PER_ADDRESS__BURST: "1000000",
};

/** Half of the subjects on each arm, so that every call is decided by its subject's rank. */
function flagDocument(): string {
  const parameters = { rollout: "50", stickiness: "userId", groupId: "switchyard" };
  const feature = (name: string, type: string, strategy: object) => ({
    name,
    type,
    enabled: true,
    strategies: [{ constraints: [], ...strategy }],
  });
  const features = [
    feature("switchyard.armed", "kill-switch", { name: "default", parameters: {} }),
    ...["tutoring", "realtime", "conversations"].map((unit) =>
      feature(`switchyard.${unit}`, "release", { name: "flexibleRollout", parameters }),
    ),
  ];
  return JSON.stringify({ version: 2, features, segments: [], meta: { revisionId: 1 } });
}

function configFile(stateDir: string, replacements: SwitchyardOptions["replacements"] = []): string {
  // The arms of a bench hold no data that could follow anybody.
  let text = readFileSync(SHIPPED, "utf8").replace(/^continuity:.*$/m, "");
  for (const [from, to] of replacements) {
    if (!text.includes(from)) throw new Error(`the shipped configuration has no "${from}" to replace`);
    text = text.replace(from, to);
  }
  const file = join(stateDir, "switchyard.config.yaml");
  writeFileSync(file, text);
  return file;
}

/** The proxy as shipped, but for `continuity`: its own configuration, its log to a file, all of its pipeline. */
export async function startSwitchyard(options: SwitchyardOptions): Promise<Switchyard> {
  const { name, dir } = options;
  const stateDir = join(dir, `${name}-state`);
  mkdirSync(stateDir, { recursive: true, mode: 0o700 });
  writeFileSync(join(stateDir, "flags.json"), flagDocument(), { mode: 0o600 });
  const env = {
    JWT_SECRET_KEY: SECRET,
    SWITCHYARD__LISTEN: "127.0.0.1:0",
    SWITCHYARD__ADMIN__LISTEN: "127.0.0.1:0",
    SWITCHYARD__STATE_DIR: stateDir,
    SWITCHYARD__ARMS__CONTROL__URL: options.controlUrl,
    SWITCHYARD__ARMS__CANDIDATE__URL: options.candidateUrl,
    ...RAISED_LIMITS,
    ...options.settings,
  };
  const args = [...NODE_FLAGS, ENTRY, "run", "--quiet", "--config", configFile(stateDir, options.replacements)];
  const addresses = jsonLine((line) =>
    line["event"] === "listening" ? { url: String(line["address"]), admin: String(line["admin"]) } : null,
  );
  const started = await start({ name, command: process.execPath, args, dir, env }, addresses);
  const { url, admin } = started.ready;
  const token = readFileSync(join(stateDir, "operate.token"), "utf8").trim();
  const metrics = async (): Promise<string> => {
    const reply = await fetch(`${admin}/metrics`, { headers: { authorization: `Bearer ${token}` } });
    if (reply.status !== 200) throw new VoidMeasurement(`the metrics of switchyard answered ${reply.status}`);
    return reply.text();
  };
  const decisions = async (): Promise<number> => metricSum(await metrics(), DECIDED);
  return { ...started, url, metrics, decisions };
}

const DECIDED = /^switchyard_decisions_total\{.*reason="flag-o(?:n|ff)".*\} (\d+)/;

/** Over all series that match; the pattern's first group is the value. */
export function metricSum(text: string, series: RegExp): number {
  return text.split("\n").reduce((sum, line) => sum + Number(series.exec(line)?.[1] ?? 0), 0);
}
