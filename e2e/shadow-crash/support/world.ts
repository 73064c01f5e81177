// A proxy that can end and start again on the same evidence. All around it are recorders in this process, which outlive it and
// know what has left it.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { type Recorder, startRecorder } from "../../shadow-integrity/support/recorder.ts";
import { commandEnv, type ShadowProxy, startShadowProxy } from "../../shadow-integrity/support/world.ts";
import { REPOSITORY, stopAll, temporaryDir } from "../../support/index.ts";

const run = promisify(execFile);

const config = (sample: string): string => `
listen: 127.0.0.1:8000
arms:
  control: { backend: recorder-1, url: http://127.0.0.1:8001, readyPath: /healthz }
  candidate: { backend: recorder-2, url: http://127.0.0.1:8002, readyPath: /healthz }
identity:
  jwt: { algorithms: [HS256], secretEnv: JWT_SECRET_KEY }
units:
  notes:
    routes: [GET /notes/:id, POST /notes]
shadow:
  sample: ${sample}
  # Recorders and load share two cores with the proxy: what is shed by pressure would be no figure of a crash.
  yieldAbove: 5s
  targets:
    candidate: { url: http://127.0.0.1:8012, jwtSecretEnv: SHADOW_JWT_SECRET }
`;

export interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Of \`switchyard shadow report --json\`, what is asked here. */
export interface Report {
  readonly sampled: number;
  readonly compared: number;
  readonly missing: Readonly<Record<string, number>>;
  readonly gaps: readonly Gap[];
  readonly cannotSay: readonly string[];
}

interface Printed {
  readonly head: {
    readonly sampled: number;
    readonly compared: number;
    readonly notCompared: readonly { readonly reason: string; readonly count: number }[];
  };
  readonly gaps: readonly Gap[];
  readonly cannotSay: readonly { readonly what: string }[];
}

export interface CrashWorld {
  readonly target: Recorder;
  start(): Promise<ShadowProxy>;
  report(): Promise<Report>;
  /** Epoch ms of the newest checkpoint; 0 before the first one. */
  savedMs(): number;
}

export interface CrashOptions {
  readonly sample: string;
  /** How long after its head an answer of the target ends. */
  readonly bodyAfterMs?: (url: string) => number;
}

export async function startCrashWorld(
  t: Pick<TestContext, "after">,
  { sample, bodyAfterMs = () => 0 }: CrashOptions,
): Promise<CrashWorld> {
  const arms = [await startRecorder("serving"), await startRecorder("serving")] as const;
  const target = await startRecorder("target", { bodyAfterMs });
  const stateDir = temporaryDir("crash");
  let proxy: ShadowProxy | null = null;
  t.after(() => stopAll([...(proxy === null ? [] : [proxy]), ...arms, target]));
  return {
    target,
    async start() {
      proxy = await startShadowProxy({
        arms: { control: arms[0].url, candidate: arms[1].url },
        targets: { candidate: target.url },
        config: config(sample),
        stateDir,
      });
      return proxy;
    },
    report: () => reportOf(stateDir),
    savedMs: () => savedMs(join(stateDir, "shadow-0.sqlite3")),
  };
}

async function reportOf(stateDir: string): Promise<Report> {
  const file = join(stateDir, "switchyard.config.yaml");
  const args = [join(REPOSITORY, "src/main.ts"), "shadow", "report", "--json", "--config", file];
  const env = commandEnv(stateDir);
  // Exit 1 says that there is not enough data, which is so.
  const { stdout, stderr } = await run(process.execPath, args, { env }).catch(
    (error: { stdout: string; stderr: string }) => error,
  );
  if (stdout === "") throw new Error(stderr);
  const { head, gaps, cannotSay } = JSON.parse(stdout) as Printed;
  return {
    sampled: head.sampled,
    compared: head.compared,
    missing: Object.fromEntries(head.notCompared.map(({ reason, count }) => [reason, count])),
    gaps,
    cannotSay: cannotSay.map(({ what }) => what),
  };
}

function savedMs(file: string): number {
  let store: DatabaseSync | null = null;
  try {
    store = new DatabaseSync(file, { readOnly: true });
    const row = store.prepare("SELECT max(saved_ms) AS at FROM processes").get() as { at: number | null };
    return row.at ?? 0;
  } catch {
    return 0; // nothing is stored yet
  } finally {
    store?.close();
  }
}
