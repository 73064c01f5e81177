import cluster, { type Worker } from "node:cluster";
import type { Config } from "../config/index.ts";
import type { FlagStateData } from "../flags/index.ts";
import type { Clock } from "../kernel/index.ts";
import type { MetricsJson } from "../metrics/index.ts";
import type { DataPlane } from "./dataPlane.ts";
import type { FlagView, ProxyLog } from "./ports.ts";
import type { OpenSocket, Proxy } from "./proxy.ts";
import type { ToPrimary, ToWorker } from "./workerMessages.ts";

export interface ClusterOptions {
  readonly config: Config;
  readonly flags: FlagView;
  readonly subjectKey: Uint8Array;
  readonly version: string;
  readonly clock: Clock;
  readonly log: ProxyLog;
}

const ASK_MS = 1_000;
const START_MS = 10_000;
const RESTART_FIRST_MS = 200;
const RESTART_MAX_MS = 5_000;

/** Shared-nothing workers under `node:cluster`; each gets the whole decision state and never asks back on the path. */
export function createClusterDataPlane(options: ClusterOptions): DataPlane {
  const { flags, clock, log } = options;
  let config = options.config;
  let isStopping = false;
  let restartMs = RESTART_FIRST_MS;
  let nextId = 1;
  const workers = new Set<Worker>();
  const waiting = new Map<number, (value: unknown) => void>();
  const drained = new Map<Worker, () => void>();
  cluster.setupPrimary({ serialization: "advanced", args: ["worker"] });

  const send = (worker: Worker, message: ToWorker): void => {
    if (worker.isConnected()) worker.send(message);
  };
  const fork = (): Promise<{ address: string; port: number }> => {
    const { promise, resolve, reject } = Promise.withResolvers<{ address: string; port: number }>();
    const worker = cluster.fork();
    workers.add(worker);
    const cancel = clock.after(START_MS, () => reject(new Error("a worker did not start in time")));
    worker.on("message", (message: ToPrimary) => {
      if (message.type === "listening") {
        cancel();
        restartMs = RESTART_FIRST_MS;
        resolve({ address: message.address, port: message.port });
      } else if (message.type === "failed") {
        cancel();
        reject(Object.assign(new Error(message.message), { code: message.code }));
      } else if (message.type === "answer") {
        waiting.get(message.id)?.(message.value);
      } else drained.get(worker)?.();
    });
    worker.on("exit", (code, signal) => {
      workers.delete(worker);
      drained.get(worker)?.();
      reject(new Error("a worker ended while it started"));
      if (isStopping) return;
      log.event("worker.died", { pid: worker.process.pid ?? 0, code, signal }, "error");
      clock.after(restartMs, () => void (isStopping ? null : fork().catch(() => {})));
      restartMs = Math.min(RESTART_MAX_MS, restartMs * 2);
    });
    const { subjectKey, version } = options;
    send(worker, { type: "start", config, state: flags.state.data, subjectKey, version });
    return promise;
  };
  const ask = <T>(what: Omit<Extract<ToWorker, { type: "ask" }>, "id" | "type">): Promise<readonly T[]> =>
    Promise.all([...workers].map((worker) => askOne<T>(worker, what))).then(
      (answers) => answers.filter((answer) => answer !== undefined) as T[],
    );
  const askOne = <T>(worker: Worker, what: object): Promise<T | undefined> => {
    const id = nextId++;
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    const finish = (value: unknown): void => {
      cancel();
      waiting.delete(id);
      resolve(value as T | undefined);
    };
    // A worker that is silent is left out: the page shows the others.
    const cancel = clock.after(ASK_MS, () => finish(undefined));
    waiting.set(id, finish);
    send(worker, { type: "ask", id, ...what } as ToWorker);
    return promise;
  };
  const stopFollowing = flags.onChange((state) => {
    for (const worker of workers) send(worker, { type: "state", state: state.data as FlagStateData });
  });
  return {
    async start() {
      const started = await Promise.all(Array.from({ length: config.workers }, fork));
      return started[0] as { address: string; port: number };
    },
    reconfigure(next) {
      config = next;
      for (const worker of workers) send(worker, { type: "config", config });
    },
    socketsOf: async (subject) => (await ask<readonly OpenSocket[]>({ what: "sockets", subject } as never)).flat(),
    arms: async () => (await ask<ReturnType<Proxy["arms"]>>({ what: "arms" } as never))[0] ?? [],
    metrics: () => ask<MetricsJson>({ what: "metrics" } as never),
    async drain() {
      isStopping = true;
      stopFollowing();
      await Promise.all(
        [...workers].map((worker) => {
          const { promise, resolve } = Promise.withResolvers<void>();
          drained.set(worker, resolve);
          send(worker, { type: "drain" });
          return promise;
        }),
      );
      for (const worker of workers) worker.kill();
    },
    stop() {
      isStopping = true;
      stopFollowing();
      for (const worker of workers) worker.process.kill("SIGKILL");
    },
  };
}
