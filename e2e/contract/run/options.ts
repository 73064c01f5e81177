import { parseArgs } from "node:util";
import { TARGETS, type TargetName } from "../harness/index.ts";

export interface RunOptions {
  readonly targets: readonly TargetName[];
  readonly only?: string;
  readonly check: boolean;
  readonly jobs: number;
  /** Services that are already running, by target; then nothing is started. */
  readonly urls: Partial<Record<TargetName, string>>;
  readonly secret?: string;
}

/** What a person may say on the command line, and the columns it stands for. */
const GROUPS: Record<string, readonly TargetName[]> = {
  control: ["control-sqlite", "control-postgres"],
  proxy: ["proxy-control", "proxy-candidate"],
  ...Object.fromEntries(TARGETS.map((name) => [name, [name]])),
};

export class UsageError extends Error {}

function targetsOf(list: string): TargetName[] {
  return list.split(",").flatMap((name) => {
    const group = GROUPS[name];
    if (!group) throw new UsageError(`--targets: "${name}" is none of ${Object.keys(GROUPS).join(", ")}`);
    return [...group];
  });
}

export function readOptions(argv: readonly string[]): RunOptions {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      targets: { type: "string" },
      only: { type: "string" },
      check: { type: "boolean", default: false },
      jobs: { type: "string", default: "4" },
      "control-url": { type: "string" },
      "candidate-url": { type: "string" },
      "proxy-url": { type: "string" },
      "proxy-arm": { type: "string", default: "control" },
      "secret-env": { type: "string", default: "JWT_SECRET_KEY" },
    },
  });
  const urls: Partial<Record<TargetName, string>> = {};
  if (values["control-url"]) urls["control-sqlite"] = values["control-url"];
  if (values["candidate-url"]) urls["candidate"] = values["candidate-url"];
  if (values["proxy-url"])
    urls[values["proxy-arm"] === "candidate" ? "proxy-candidate" : "proxy-control"] = values["proxy-url"];
  const given = Object.keys(urls) as TargetName[];
  const jobs = Number(values.jobs);
  if (!Number.isInteger(jobs) || jobs < 1) throw new UsageError("--jobs: a whole number from 1 up");
  const secret = process.env[values["secret-env"]];
  if (given.length > 0 && secret === undefined) {
    throw new UsageError(
      `services that are already running need their token secret in the variable ${values["secret-env"]}`,
    );
  }
  return {
    targets: given.length > 0 ? given : values.targets === undefined ? TARGETS : targetsOf(values.targets),
    check: values.check,
    jobs,
    urls,
    ...(values.only === undefined ? {} : { only: values.only }),
    ...(given.length > 0 && secret !== undefined ? { secret } : {}),
  };
}
