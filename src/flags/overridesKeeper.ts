import type { Clock } from "../kernel/index.ts";
import type { AuditEvent, AuditFile, AuditLine } from "./auditFile.ts";
import { causeOf, FlagsError } from "./errors.ts";
import { withKill } from "./overrides.ts";
import { saveOverrides } from "./overridesFile.ts";
import type { KillRecord, Overrides } from "./ports.ts";
import type { StateHolder } from "./stateHolder.ts";

/** Longer than this a kill does not wait for the disk (rollout.md §6: intent first, then act regardless). */
export const KILL_WAIT_MS = 100;
const UNRECORDED_MAX = 100;

export interface OverridesKeeper {
  /** Anything but a kill: no record, no act. `also` runs between the audit line and the state file. */
  change(line: AuditEvent, next: (before: Overrides) => Overrides, also?: () => Promise<void>): Promise<void>;
  /** A kill: recorded first if the disk is quick, and holds in any case. Rejects when the record is still missing. */
  kill(record: KillRecord, also?: () => Promise<void>): Promise<void>;
  /** Only the record of a kill that holds already and has a record of its own. */
  record(record: KillRecord): Promise<void>;
  /** Writes again what a failing disk refused; called each second. */
  retry(): Promise<void>;
  /** Resolves when nothing is being written. */
  settled(): Promise<unknown>;
}

export interface KeeperOptions {
  readonly file: string;
  readonly audit: AuditFile;
  readonly clock: Clock;
  readonly holder: StateHolder;
  readonly onAuditLost: (lost: number) => void;
}

export function createOverridesKeeper({ file, audit, clock, holder, onAuditLost }: KeeperOptions): OverridesKeeper {
  let last: Promise<unknown> = Promise.resolve();
  let isUnsaved = false;
  let unrecorded: AuditLine[] = [];

  const current = (): Overrides => holder.state.data.overrides;
  const stamped = (line: AuditEvent): AuditLine => ({ ...line, epoch: holder.state.data.epoch });
  const exclusive = <T>(run: () => Promise<T>): Promise<T> => {
    const mine = last.then(run, run);
    last = mine.catch(() => {});
    return mine;
  };
  const postpone = (line: AuditLine): void => {
    if (unrecorded.length < UNRECORDED_MAX) unrecorded.push(line);
    else onAuditLost(1);
  };

  const change: OverridesKeeper["change"] = (line, next, also) =>
    exclusive(async () => {
      const before = current();
      const after = next(before);
      if (after === before) return;
      try {
        await audit.append(stamped(line));
        await also?.();
        await saveOverrides(file, after);
      } catch (error) {
        await audit.append(stamped({ ...line, event: `${line.event}.failed` })).catch(() => {});
        throw new FlagsError("STATE_WRITE", `Nothing was changed: ${file} could not be written (${causeOf(error)}).`, {
          cause: error,
        });
      }
      // Asked again: a kill does not queue, and may have come while the disk worked.
      holder.change({ overrides: next(current()) });
    });

  const recordKill = (record: KillRecord, also?: () => Promise<void>): Promise<void> =>
    exclusive(async () => {
      const { layer, reason, actor } = record;
      const line = stamped({ event: "kill.on", actor, reason, layer });
      const failures: unknown[] = [];
      const attempt = async (step: () => Promise<void>): Promise<boolean> => {
        try {
          await step();
          return true;
        } catch (error) {
          failures.push(error);
          return false;
        }
      };
      // Each by itself: one that fails must not keep the others from being written.
      if (also) await attempt(also);
      if (!(await attempt(() => saveOverrides(file, withKill(current(), record))))) isUnsaved = true;
      if (!(await attempt(() => audit.append(line)))) postpone(line);
      if (failures.length > 0) throw new Error(causeOf(failures[0]), { cause: failures[0] });
    });

  return {
    change,
    record: recordKill,
    async kill(record, also) {
      const recorded = recordKill(record, also);
      let cancel = () => {};
      const late = new Promise<void>((resolve) => {
        cancel = clock.after(KILL_WAIT_MS, resolve);
      });
      await Promise.race([recorded.catch(() => {}), late]);
      cancel();
      holder.change({ overrides: withKill(current(), record) });
      try {
        await recorded;
      } catch (error) {
        const sentence = `The kill holds, but it could not be recorded (${causeOf(error)}); that is tried again each second.`;
        throw new FlagsError("STATE_WRITE", sentence, { cause: error });
      }
    },
    retry: () =>
      exclusive(async () => {
        if (isUnsaved) {
          await saveOverrides(file, current());
          isUnsaved = false;
        }
        while (unrecorded[0]) {
          await audit.append(unrecorded[0]);
          unrecorded = unrecorded.slice(1);
        }
      }),
    settled: () => last,
  };
}
