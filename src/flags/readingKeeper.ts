import type { Clock } from "../kernel/index.ts";
import { causeOf } from "./errors.ts";
import { loadLastKnown, saveLastKnown } from "./lastKnown.ts";
import type { ClientFeatures, FeatureDefinition, FlagReading } from "./ports.ts";
import type { Problems } from "./problems.ts";
import type { StateHolder } from "./stateHolder.ts";
import { accept } from "./validate.ts";

export interface ReadingKeeper {
  /** Takes a source's reading: validates what is new, renews the age of what is not. */
  take(reading: FlagReading): void;
  /** Falls back to the last known flags; only for a start at which the source gave nothing. */
  fallBack(): Promise<void>;
  settled(): Promise<unknown>;
}

export interface ReadingKeeperOptions {
  readonly lastKnownFile: string;
  readonly unitFlags: ReadonlySet<string>;
  readonly holder: StateHolder;
  readonly problems: Problems;
  readonly clock: Clock;
}

export function createReadingKeeper(options: ReadingKeeperOptions): ReadingKeeper {
  const { lastKnownFile, unitFlags, holder, problems, clock } = options;
  let taken: ClientFeatures | null = null;
  let held: ReadonlyMap<string, FeatureDefinition> = new Map();
  let saving: Promise<unknown> = Promise.resolve();

  const hold = (reading: FlagReading, data: ClientFeatures): ClientFeatures => {
    const accepted = accept(data, unitFlags, held);
    held = accepted.held;
    for (const flag of unitFlags) {
      const fault = accepted.faults.find((candidate) => candidate.flag === flag);
      if (fault)
        problems.begin("flag-invalid", `The flag ${flag} is invalid (${fault.problem}); ${fault.kept} holds.`, flag);
      else problems.end("flag-invalid", flag);
    }
    holder.change({ reading: Object.freeze({ ...reading, data: accepted.data }) });
    return accepted.data;
  };

  const save = (data: ClientFeatures): void => {
    const run = () => saveLastKnown(lastKnownFile, data, clock.now());
    saving = saving.then(run).then(
      () => problems.end("last-known"),
      (error: unknown) => problems.begin("last-known", `${lastKnownFile} cannot be written (${causeOf(error)}).`),
    );
  };

  return {
    take(reading) {
      if (reading.data === null) return;
      if (reading.data === taken) return holder.renew(reading.confirmedAtMs);
      taken = reading.data;
      save(hold(reading, reading.data));
    },
    async fallBack() {
      try {
        const reading = await loadLastKnown(lastKnownFile);
        if (reading?.data) hold(reading, reading.data);
      } catch (error) {
        problems.begin("last-known", `${lastKnownFile} is of no use (${causeOf(error)}): control serves everyone.`);
      }
    },
    settled: () => saving,
  };
}
