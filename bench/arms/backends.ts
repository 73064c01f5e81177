// Both backends as `npm start` runs them, and the model they ask.
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { startCandidate } from "../../src/app.ts";
import { jsonLine, type Running, start } from "../lib/process.ts";
import type { Contestant } from "../lib/rounds.ts";
import { SECRET } from "../lib/tokens.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const LEGACY = join(ROOT, "legacy");
const PYTHON = join(LEGACY, ".venv/bin/python");

export const BACKENDS = ["legacy", "candidate"] as const;
export type BackendName = (typeof BACKENDS)[number];

export interface Backend extends Contestant {
  readonly name: BackendName;
  readonly url: string;
  /** Before a session's id: the two serve the tutor's socket at different paths (contract README §6). */
  readonly tutorPath: string;
  /** Of all its processes. */
  readonly pids: readonly number[];
  emptyLog(): void;
}

const at = (port: unknown): string => `http://127.0.0.1:${String(port)}`;
const listening = jsonLine((line) =>
  line["msg"] === "listening" && Number(line["port"]) > 0 ? at(line["port"]) : null,
);

/** The model of the demo, which answers at once: what is measured are the backends. */
export async function startModel(dir: string, running: Running[]): Promise<string> {
  const model = await start(
    {
      name: "model",
      command: process.execPath,
      args: [join(ROOT, "src/modelStandIn/main.ts")],
      dir,
      env: { HOST: "127.0.0.1", PORT: "0", STANDIN_CHUNK_MS: "0", STANDIN_DELAY_MS: "0" },
    },
    listening,
  );
  running.push(model);
  return model.ready;
}

function environment(dir: string, name: BackendName, modelUrl: string): Record<string, string> {
  const dataDir = join(dir, `${name}-data`);
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  return {
    HOST: "127.0.0.1",
    PORT: "0",
    TZ: "UTC",
    DATA_DIR: dataDir,
    JWT_SECRET_KEY: SECRET,
    OPENAI_BASE_URL: `${modelUrl}/v1`,
    SESSION_IDLE_END_S: "0",
  };
}

export async function startLegacy(dir: string, modelUrl: string, running: Running[]): Promise<Backend> {
  if (!existsSync(PYTHON)) throw new Error("legacy/.venv is missing: `npm test` and `npm start` make it");
  const env = { ...environment(dir, "legacy", modelUrl), PYTHONPATH: LEGACY };
  const legacy = await start({ name: "legacy", command: PYTHON, args: ["-m", "tutoring"], dir, env }, listening);
  running.push(legacy);
  const tutorPath = "/api/v1/ws/session/";
  const { ready: url, pid, emptyLog } = legacy;
  return { name: "legacy", isOurs: false, url, tutorPath, pids: [pid], emptyLog };
}

/** The service, and the embedded host that the composition root starts before it. */
export async function startCandidateBackend(dir: string, modelUrl: string, running: Running[]): Promise<Backend> {
  const { service, host } = await startCandidate({
    env: environment(dir, "candidate", modelUrl),
    startService: (env) =>
      start(
        {
          name: "candidate",
          command: process.execPath,
          args: [join(ROOT, "src/convexBackend/main.ts")],
          dir,
          env: env as Record<string, string>,
        },
        listening,
      ),
  });
  // The service is stopped first: it works on the host.
  running.push({
    ...service,
    async stop() {
      await service.stop();
      await host?.stop();
    },
  });
  const { ready: url, pid, emptyLog } = service;
  const pids = host === null ? [pid] : [pid, host.pid];
  return { name: "candidate", isOurs: true, url, tutorPath: "/ws/v2/session/", pids, emptyLog };
}
