import { readFileSync } from "node:fs";

/** The columns of docs/parity.md, in their order. */
export const TARGETS = ["control-sqlite", "control-postgres", "candidate", "proxy-control", "proxy-candidate"] as const;
export type TargetName = (typeof TARGETS)[number];

export interface Target {
  readonly name: TargetName;
  readonly kind: "arm" | "proxy";
  /** The arm that serves: behind a proxy the one every subject is sent to. */
  readonly arm: "control" | "candidate";
  readonly baseUrl: string;
  readonly secret: string;
  /** Set when the arm was started by us, with SERVICE_TOKEN and fault headers on. */
  readonly serviceToken?: string;
}

/** What the runner hands to the test files, as a JSON file named by CONTRACT_BENCH. */
export interface Bench {
  readonly targets: Target[];
  /** The recording model in front of the stand-in; absent against services that were already running. */
  readonly modelUrl?: string;
  readonly databaseUrl?: string;
  readonly resultsDir: string;
  readonly only?: string;
}

export function loadBench(): Bench | undefined {
  const path = process.env["CONTRACT_BENCH"];
  return path === undefined ? undefined : (JSON.parse(readFileSync(path, "utf8")) as Bench);
}
