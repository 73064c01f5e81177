// The mirror thread (shadow I5): sockets only, so that its clock can be trusted.
import type { MessagePort } from "node:worker_threads";
import { type Arm, ARMS, systemClock, type UnitId } from "../../kernel/index.ts";
import { type Builds, buildOf } from "../campaign.ts";
import type { MirrorMode, ShadowApplication } from "../ports.ts";
import { Batch, LEISURELY } from "./batch.ts";
import { codecOf } from "./codecs.ts";
import { Copier } from "./copier.ts";
import { Destination } from "./destinations.ts";
import { FaultEvent } from "./faultEvent.ts";
import type { CopyItem, FromMirror, JudgedItem, ToMirror } from "./messages.ts";
import type { ShadowSettings } from "./shadowSettings.ts";

const TELL_MS = 1_000;
const BUILD_MS = 30_000;
/** Of the time that a stop has (shadow A2). */
const DRAIN_MS = 2_500;
const METRICS_BYTES_MAX = 4 * 1_048_576;

/** Runs until it is told to stop. @param parent to the serving thread */
export function runMirrorThread(
  parent: MessagePort,
  application: Pick<ShadowApplication, "codecs" | "identity">,
): void {
  let compare: MessagePort | null = null;
  const clock = systemClock;
  const tell = (message: FromMirror): void => parent.postMessage(message);
  const copies = new Batch<CopyItem>((items, transfer) => compare?.postMessage(items, [...transfer]), LEISURELY);
  const sent = new Map<string, readonly [UnitId, MirrorMode, number]>();
  const repeats = { answered: 0, failed: 0 };
  let identityWaits = 0;
  let destinations: Readonly<Record<Arm, Destination>> | null = null;
  let builds: BuildReader | null = null;
  /** Replaced, and perhaps still in use. */
  const retired = new Set<Destination>();
  const faults = new FaultEvent(clock, "shadow.mirror.failed", tell);
  const copier = new Copier({
    clock,
    templates: application.identity.templates,
    codecFor: (surface, isPlain, settings) => codecOf(application, surface, isPlain, settings),
    destination: (arm) => (destinations as Readonly<Record<Arm, Destination>>)[arm],
    post(item, bodies, isAwaited = false) {
      copies.addAll(item, bodies);
      if (isAwaited) copies.hurry();
    },
    onCopy(unit, mode) {
      const name = `${unit}\n${mode}`;
      sent.set(name, [unit, mode, (sent.get(name)?.[2] ?? 0) + 1]);
    },
    onRepeat(outcome) {
      repeats[outcome] += 1;
    },
    onIdentityWait() {
      identityWaits += 1;
    },
    onFault: (error) => faults.tell(error),
  });

  const tellTargets = (): void => {
    if (destinations === null) return;
    const { control, candidate } = destinations;
    tell({ type: "targets", targets: { control: control.state, candidate: candidate.state } });
  };
  const configure = (settings: ShadowSettings): void => {
    const before = destinations;
    const make = (arm: Arm): Destination => {
      const known = before?.[arm];
      if (known?.isOf(settings.arms[arm]) === true) return known;
      const made = new Destination(settings.arms[arm], {
        arm,
        clock,
        onChange: tellTargets,
        onEvent: (event, level) => tell({ type: "event", event, level, fields: { arm } }),
      });
      made.start();
      if (known !== undefined) {
        known.retire(() => retired.delete(known));
        retired.add(known);
      }
      return made;
    };
    destinations = { control: make("control"), candidate: make("candidate") };
    copier.configure(settings);
    tellTargets();
    builds?.stop();
    builds = new BuildReader(settings, destinations, (found) => tell({ type: "builds", builds: found }));
  };
  const timer = setInterval(() => {
    const inFlight = destinations === null ? 0 : destinations.control.inFlight + destinations.candidate.inFlight;
    tell({ type: "copies", sent: [...sent.values()], repeats: { ...repeats }, identityWaits, inFlight });
    sent.clear();
    repeats.answered = 0;
    repeats.failed = 0;
    identityWaits = 0;
    tellTargets();
  }, TELL_MS);

  const connect = (port: MessagePort): void => {
    compare?.close();
    compare = port;
    copier.judgeLost();
    port.on("message", (items: readonly JudgedItem[]) => {
      for (const item of items) copier.judged(item);
    });
  };
  const stop = async (): Promise<void> => {
    await copier.drain(DRAIN_MS);
    const all = [...retired, ...Object.values(destinations ?? {})];
    await Promise.allSettled(all.map((one) => one.stop()));
    await new Promise((resolve) => void setImmediate(resolve)); // what was cut has its say
    copies.flush();
    compare?.close();
    tell({ type: "stopped" });
    parent.close();
  };
  parent.on("message", (message: ToMirror) => {
    if (message.type === "settings") configure(message.settings);
    else if (message.type === "items") for (const item of message.items) copier.take(item);
    else if (message.type === "peer") connect(message.port);
    else {
      clearInterval(timer);
      builds?.stop();
      void stop();
    }
  });
}

/** Reads which build each arm is, at start and every 30 s (shadow, terms); what cannot be read stays as it was. */
class BuildReader {
  readonly #cancel: (() => void)[] = [];
  #isStopped = false;

  constructor(
    settings: ShadowSettings,
    destinations: Readonly<Record<Arm, Destination>>,
    tell: (builds: Partial<Builds>) => void,
  ) {
    const { build } = settings;
    for (const [at, arm] of ARMS.entries()) {
      const look = async (): Promise<void> => {
        const text = build === null ? null : await metricsOf(destinations[arm], build.path);
        if (this.#isStopped) return;
        const found = build === null || text === null ? null : buildOf(text, build.metric, build.label);
        // Of an arm that tells no build all evidence is of one.
        tell({ [arm]: found ?? (build === null ? "unversioned" : undefined) });
        if (build !== null)
          this.#cancel[at] = systemClock.after(found === null ? TELL_MS : BUILD_MS, () => void look());
      };
      void look();
    }
  }

  stop(): void {
    this.#isStopped = true;
    for (const cancel of this.#cancel) cancel?.();
  }
}

async function metricsOf(destination: Destination, path: string): Promise<string | null> {
  const client = destination.clientFor("", false);
  if (client === null) return null;
  const headers = ["accept", "text/plain"];
  const { result } = await client.send({
    method: "GET",
    target: path,
    headers,
    body: null,
    servedFirstByteMs: null,
    replyBytesMax: METRICS_BYTES_MAX,
  });
  if ("error" in result || result.reply.status !== 200) return null;
  return Buffer.from(result.reply.body).toString("utf8");
}
