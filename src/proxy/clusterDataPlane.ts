import cluster, { type Worker } from "node:cluster";
import type { Config } from "../config/index.ts";
import type { Clock } from "../kernel/index.ts";
import type { MetricsJson } from "../metrics/index.ts";
import type { DataPlane } from "./dataPlane.ts";
import type { FlagView, ProxyLog, SamplesRemoved, SeatHub } from "./ports.ts";
import { NOTHING_REMOVED, type OpenSocket, type Proxy } from "./proxy.ts";
import type { ToPrimary, ToWorker } from "./workerMessages.ts";

export interface ClusterOptions {
  readonly config: Config;
  readonly flags: FlagView;
  readonly subjectKey: Uint8Array;
  readonly version: string;
  readonly clock: Clock;
  readonly log: ProxyLog;
  /** null: no data follows a subject. */
  readonly seats: SeatHub | null;
}

const ASK_MS = 1_000;
/** More than its threads take for it. */
const REMOVE_MS = 5_000;
const START_MS = 10_000;
const RESTART_FIRST_MS = 200;
const RESTART_MAX_MS = 5_000;
/** A worker ends its own drain in time; one that hangs is not waited for. */
const DRAIN_GRACE_MS = 5_000;

type Address = { readonly address: string; readonly port: number };

interface Member {
  readonly worker: Worker;
  readonly listening: Promise<Address>;
  readonly drained: Promise<void>;
  readonly exited: Promise<void>;
}

/** Shared-nothing workers under `node:cluster`; each gets the whole decision state and never asks back on the path. */
export function createClusterDataPlane(options: ClusterOptions): DataPlane {
  const { flags, clock, log, seats } = options;
  let config = options.config;
  let isStopping = false;
  let restartMs = RESTART_FIRST_MS;
  let nextId = 1;
  const members = new Set<Member>();
  const waiting = new Map<number, (value: unknown) => void>();
  const seated = new WeakMap<Worker, ReturnType<SeatHub["join"]>>();
  cluster.setupPrimary({ serialization: "advanced", args: ["worker"] });

  const send = (worker: Worker, message: ToWorker): void => {
    // One that died a moment ago still looks connected: its exit follows, the failed write must not end this process.
    if (worker.isConnected()) worker.send(message, undefined, () => {});
  };
  const follow = (worker: Worker): Member => {
    const listening = Promise.withResolvers<Address>();
    const drained = Promise.withResolvers<void>();
    const exited = Promise.withResolvers<void>();
    listening.promise.catch(() => worker.process.kill("SIGKILL")); // one that does not listen serves nobody
    const cancel = clock.after(START_MS, () => listening.reject(new Error("a worker did not start in time")));
    worker.on("message", (message: ToPrimary) => {
      if (message.type === "listening") listening.resolve({ address: message.address, port: message.port });
      else if (message.type === "failed")
        listening.reject(Object.assign(new Error(message.message), { code: message.code }));
      else if (message.type === "answer") waiting.get(message.id)?.(message.value);
      else if (message.type === "seat") seated.get(worker)?.report(message.report);
      else drained.resolve();
    });
    worker.on("error", (error) => listening.reject(error));
    worker.on("exit", () => {
      seated.get(worker)?.leave();
      listening.reject(new Error("a worker ended while it started"));
      drained.resolve();
      exited.resolve();
    });
    void Promise.allSettled([listening.promise]).then(cancel);
    return { worker, listening: listening.promise, drained: drained.promise, exited: exited.promise };
  };
  const fork = (): Member => {
    const worker = cluster.fork();
    const member = follow(worker);
    members.add(member);
    worker.on("exit", (code, signal) => {
      members.delete(member);
      if (isStopping) return;
      log.event("worker.died", { pid: worker.process.pid ?? 0, code, signal }, "error");
      clock.after(restartMs, () => void (isStopping || fork()));
      restartMs = Math.min(RESTART_MAX_MS, restartMs * 2);
    });
    member.listening.then(
      () => {
        restartMs = RESTART_FIRST_MS;
      },
      () => {},
    );
    const { subjectKey, version } = options;
    send(worker, { type: "start", config, state: flags.state.data, subjectKey, version, hasSeats: seats !== null });
    if (seats)
      seated.set(
        worker,
        seats.join((order) => send(worker, { type: "seat", order })),
      );
    return member;
  };
  const ask = <T>(what: Omit<Extract<ToWorker, { type: "ask" }>, "id" | "type">): Promise<readonly T[]> =>
    Promise.all([...members].map(({ worker }) => askOne<T>(worker, what))).then(
      (answers) => answers.filter((answer) => answer !== undefined) as T[],
    );
  const askOne = <T>(worker: Worker, what: object, capMs = ASK_MS): Promise<T | undefined> => {
    const id = nextId++;
    const { promise, resolve } = Promise.withResolvers<T | undefined>();
    const finish = (value: unknown): void => {
      cancel();
      waiting.delete(id);
      resolve(value as T | undefined);
    };
    // A worker that is silent is left out: the page shows the others.
    const cancel = clock.after(capMs, () => finish(undefined));
    waiting.set(id, finish);
    send(worker, { type: "ask", id, ...what } as ToWorker);
    return promise;
  };
  /** Its sockets and calls first, then the process. */
  const end = async ({ worker, drained, exited }: Member, capMs: number): Promise<void> => {
    const cancel = clock.after(capMs, () => worker.process.kill("SIGKILL"));
    send(worker, { type: "drain" });
    await drained;
    if (worker.isConnected()) worker.disconnect();
    await exited;
    cancel();
  };
  const stopFollowing = flags.onChange((state) => {
    for (const { worker } of members) send(worker, { type: "state", state: state.data });
  });
  return {
    async start() {
      const started = await Promise.all(Array.from({ length: config.workers }, () => fork().listening));
      return started[0] as Address;
    },
    reconfigure(next) {
      config = next;
      for (const { worker } of members) send(worker, { type: "config", config });
    },
    socketsOf: async (subject) => (await ask<readonly OpenSocket[]>({ what: "sockets", subject } as never)).flat(),
    async removeSamples(subject) {
      const asked = [...members].map(({ worker }) =>
        askOne<SamplesRemoved>(worker, { what: "remove-samples", subject }, REMOVE_MS),
      );
      // Here one that is silent may not be left out: what it holds it will store.
      return (await Promise.all(asked)).map((answer) => answer ?? { ...NOTHING_REMOVED, failure: "silent" });
    },
    arms: async () => (await ask<ReturnType<Proxy["arms"]>>({ what: "arms" } as never))[0] ?? [],
    metrics: () => ask<MetricsJson>({ what: "metrics" } as never),
    async drain() {
      isStopping = true;
      stopFollowing();
      const { delayMs, exchangesMs, socketsMs } = config.drain;
      const capMs = delayMs + Math.max(exchangesMs, socketsMs) + DRAIN_GRACE_MS;
      await Promise.all([...members].map((member) => end(member, capMs)));
    },
    stop() {
      isStopping = true;
      stopFollowing();
      for (const { worker } of members) worker.process.kill("SIGKILL");
    },
  };
}
