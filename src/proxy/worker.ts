import { compileFlagState, type FlagState, type FlagStateData } from "../flags/index.ts";
import { type SeatOrder, systemClock } from "../kernel/index.ts";
import { createMetrics } from "../metrics/index.ts";
import type { Config } from "../config/index.ts";
import { createPinoLog } from "./pinoLog.ts";
import type { FlagView, MirrorFactory, ProxyApplication, SeatLink } from "./ports.ts";
import { createProxy, type Proxy } from "./proxy.ts";
import type { ToPrimary, ToWorker } from "./workerMessages.ts";

interface Port {
  send(message: ToPrimary): void;
  onMessage(listener: (message: ToWorker) => void): void;
}

/** Serves in a worker process until the primary says drain. */
export function runWorker(application: ProxyApplication, port: Port, createMirror: MirrorFactory | null = null): void {
  let serving: ReturnType<typeof serve> | null = null;
  port.onMessage((message) => {
    if (message.type === "start") {
      serving = serve(application, message, port, createMirror);
      serving.proxy.listen().then(
        ({ address, port: bound }) => port.send({ type: "listening", address, port: bound }),
        (error: NodeJS.ErrnoException) => port.send({ type: "failed", code: error.code ?? "", message: error.message }),
      );
      return;
    }
    if (!serving) return;
    const { proxy, view, metrics, log, obey } = serving;
    switch (message.type) {
      case "state":
        view.receive(message.state, proxy.core.config);
        break;
      case "config":
        try {
          proxy.reconfigure(message.config);
        } catch (error) {
          // Checked before it was sent, so this is our bug; the old configuration serves on rather than nobody.
          log.event("config.failed", { error: error instanceof Error ? error.name : "unknown" }, "error");
        }
        break;
      case "seat":
        obey(message.order);
        break;
      case "ask":
        void answer(message, proxy, metrics).then((value) => port.send({ type: "answer", id: message.id, value }));
        break;
      case "drain":
        void proxy
          .drain()
          .then(() => log.flush())
          .then(() => port.send({ type: "drained" }));
        break;
    }
  });
}

function serve(
  application: ProxyApplication,
  message: Extract<ToWorker, { type: "start" }>,
  port: Port,
  createMirror: MirrorFactory | null,
) {
  const { config, subjectKey, version, hasSeats } = message;
  const metrics = createMetrics({ version });
  const log = createPinoLog({
    level: config.log.level,
    subjectKey,
    onDrop: () => metrics.queueDropped.inc({ queue: "log" }),
  });
  const view = new ReceivedFlags(message.state, config);
  let obey: (order: SeatOrder) => void = () => {};
  const link: SeatLink = {
    report: (report) => port.send({ type: "seat", report }),
    onOrder: (listener) => {
      obey = listener;
    },
  };
  const seats = hasSeats ? link : null;
  const clock = systemClock;
  // Where subjects sit is known to the process that coordinates.
  const armOf = (): null => null;
  const mirror = createMirror?.({ config, clock, metrics, log, subjectKey, armOf }) ?? null;
  const proxy = createProxy({ config, clock, metrics, log, flags: view, application, seats, mirror });
  return { proxy, view, metrics, log, obey };
}

async function answer(
  message: Extract<ToWorker, { type: "ask" }>,
  proxy: Proxy,
  metrics: ReturnType<typeof createMetrics>,
): Promise<unknown> {
  if (message.what === "remove-samples") return proxy.removeSamples(message.subject);
  if (message.what === "sockets") return proxy.socketsOf(message.subject);
  return message.what === "arms" ? proxy.arms() : metrics.json();
}

/** The decision state as the primary sends it; late or lost messages leave the last one in force. */
class ReceivedFlags implements FlagView {
  #state: FlagState;
  readonly #listeners = new Set<(state: FlagState) => void>();

  constructor(data: FlagStateData, config: Config) {
    this.#state = compileFlagState(data, config.units.values());
  }

  get state(): FlagState {
    return this.#state;
  }

  receive(data: FlagStateData, config: Config): void {
    if (data.epoch < this.#state.data.epoch) return;
    this.#state = compileFlagState(data, config.units.values());
    for (const listener of this.#listeners) listener(this.#state);
  }

  onChange(listener: (state: FlagState) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
