// The compare thread (shadow I5): parsing, comparing and storing, away from the loop that serves and from the one that keeps time.
import type { MessagePort } from "node:worker_threads";
import { type Arm, systemClock } from "../../kernel/index.ts";
import type { StateCarrier } from "../../continuity/ports.ts";
import { Seeding } from "./seeding.ts";
import { createGroupPrint } from "../evidence/fingerprint.ts";
import { Saver, type SaverOptions } from "../evidence/saver.ts";
import type { ShadowApplication } from "../ports.ts";
import { Batch, LEISURELY } from "./batch.ts";
import { CassetteMisses } from "./cassetteMisses.ts";
import { Comparer } from "./comparer.ts";
import { FaultEvent } from "./faultEvent.ts";
import type { CopyItem, EndedItem, FromCompare, JudgedItem, ShadowGauges, ToCompare } from "./messages.ts";
import { countFamilies } from "./unitEvidence.ts";

/** `kill -9` loses at most the last second (shadow A2): what a checkpoint itself takes, and a late timer, are within it. */
const CHECKPOINT_MS = 900;
/** Turns and documents whose time has come. */
const LOOK_MS = 250;
const EXPIRE_MS = 10 * 60_000;

export interface CompareThreadOptions extends Pick<SaverOptions, "openStore" | "siblings"> {
  /** Between serving instances of one arm and the target of the other; null: the application has no such way. */
  readonly createCarrier: CarrierFactory | null;
  readonly application: ShadowApplication;
  readonly process: string;
  readonly printKey: Uint8Array;
}

export type CarrierFactory = (way: {
  readonly urls: Readonly<Record<Arm, readonly string[]>>;
  readonly tokens: Readonly<Record<Arm, string>>;
  /** The arm whose instance is a shadow target. */
  readonly target: Arm;
}) => StateCarrier;

/** Runs until it is told to stop. */
export function runCompareThread(parent: MessagePort, options: CompareThreadOptions): void {
  let mirror: MessagePort | null = null;
  const clock = systemClock;
  const tell = (message: FromCompare): void => parent.postMessage(message);
  const ended = new Batch<EndedItem>((items) => tell({ type: "ended", items }), LEISURELY);
  const taken = new Batch<readonly [number, number]>((frames) => tell({ type: "taken", frames }), LEISURELY);
  const judged = new Batch<JudgedItem>((items) => mirror?.postMessage(items), LEISURELY);
  const dropped: Record<string, number> = {};
  const onDropped = (reason: string): void => {
    dropped[reason] = (dropped[reason] ?? 0) + 1;
  };
  const faults = new FaultEvent(clock, "shadow.compare.failed", tell);
  let missesDropped = 0;
  const misses = new CassetteMisses({
    clock,
    onDrop: (count) => {
      missesDropped += count;
    },
    onEvent: tell,
    onFault: (error) => faults.tell(error),
  });
  const comparer = new Comparer({
    ...options,
    clock,
    misses,
    random: Math.random,
    onDropped,
    onEnded: (item) => ended.add(item),
    onTaken: (id, bytes) => taken.add([id, bytes]),
    onSocketEnded: (id, surface, verdict) => {
      taken.flush();
      ended.flush();
      tell({ type: "socket-ended", id, surface, verdict });
    },
    onDiverged: (unit, group) => tell({ type: "diverged", unit, group }),
    onJudged: (item, isAwaited) => {
      judged.add(item);
      if (isAwaited) judged.hurry();
    },
    onFault: (error) => faults.tell(error),
  });
  const seeding = new Seeding({
    clock,
    comparer,
    createCarrier: options.createCarrier,
    modelSections: options.application.liveModels?.sections ?? [],
    tell,
    onEnded: (item) => ended.add(item),
  });
  const saver = new Saver({
    ...options,
    clock,
    series: () => [...comparer.units.values()].flatMap(({ series }) => series),
    onLost: () => onDropped("lost"),
    onFull: () => onDropped("full"),
    // Its end is this thread's: it is started again, and all its runs get other names.
    onOver: (error) =>
      setImmediate(() => {
        throw error;
      }),
    tell: (event, fields) => tell({ type: "event", event, level: "warn", fields }),
  });
  const gauges = (): ShadowGauges => {
    const all = [...comparer.units];
    return {
      families: countFamilies(all.flatMap(([, unit]) => [...unit.families])),
      divergedGroups: Object.fromEntries(all.map(([name, unit]) => [name, unit.divergedGroups])),
      identityPairs: all.reduce((sum, [, unit]) => sum + unit.identityPairs, 0),
      evidenceBytes: saver.bytes,
      evidenceDropped: { ...dropped },
      missesDropped,
      ratios: all.flatMap(([, unit]) => [...unit.ratios]),
      documents: comparer.conversations.documentCounts,
    };
  };
  const checkpoint = setInterval(() => {
    comparer.expire();
    void saver.save();
    tell({ type: "gauges", gauges: gauges() });
  }, CHECKPOINT_MS);
  const look = setInterval(() => {
    try {
      comparer.conversations.tick();
    } catch (error) {
      faults.tell(error);
    }
  }, LOOK_MS);
  const expire = setInterval(() => void saver.expire(), EXPIRE_MS);

  const removeSamples = async (id: number, group: string): Promise<void> => {
    const removed = await saver.remove({
      fromMemory: () => comparer.removeSamples(group),
      printOf: (campaign) => createGroupPrint(options.printKey, campaign)(group),
    });
    tell({ type: "samples-removed", id, removed });
  };
  const connect = (port: MessagePort): void => {
    mirror?.close();
    mirror = port;
    comparer.mirrorFound();
    port.on("message", (items: readonly CopyItem[]) => {
      for (const item of items) comparer.copied(item);
    });
  };
  parent.on("message", (message: ToCompare) => {
    if (message.type === "settings") {
      // A rule that cannot be used must not end the thread, time after time: what was in force stays.
      try {
        comparer.configure(message.settings);
        misses.configure(message.settings.cassette);
        seeding.configure(message.settings);
      } catch (error) {
        const why = error instanceof Error ? error.message : "unknown";
        tell({ type: "event", event: "shadow.settings.refused", level: "error", fields: { why } });
      }
    } else if (message.type === "seed") seeding.seed(message.wish);
    else if (message.type === "check") seeding.check(message.wish);
    else if (message.type === "list") void seeding.list(message.wish);
    else if (message.type === "items") for (const item of message.items) comparer.take(item);
    else if (message.type === "peer") connect(message.port);
    else if (message.type === "remove-samples") void removeSamples(message.id, message.group);
    else if (message.type === "groups") comparer.setGroups(message.units);
    else if (message.type === "builds") comparer.setBuilds(message.builds);
    else if (message.type === "missed") comparer.missed(message);
    else if (message.type === "mirror-lost") comparer.mirrorLost(message.lastId);
    else {
      clearInterval(checkpoint);
      clearInterval(expire);
      clearInterval(look);
      seeding.stop();
      // What the mirror thread has said last may not be here yet: its line closes behind it.
      void lineClosed(mirror).then(() => {
        comparer.stop();
        misses.stop();
        taken.flush();
        ended.flush();
        void saver.stop().finally(() => {
          tell({ type: "stopped" });
          parent.close();
          mirror?.close();
        });
      });
    }
  });
}

/** shadow A2: the stop has an end, whatever the other thread does. */
const LINE_MS = 500;

async function lineClosed(line: MessagePort | null): Promise<void> {
  if (line === null) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  line.once("close", resolve);
  const cap = setTimeout(resolve, LINE_MS);
  await promise;
  clearTimeout(cap);
}
