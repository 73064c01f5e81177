import { join } from "node:path";
import type { Clock } from "../kernel/index.ts";
import { causeOf, FlagsError } from "./errors.ts";
import { KILL_FILE, removeKillFile, watchKillFile, writeKillFile } from "./killFile.ts";
import { checkedReason, withKill, withoutKill } from "./overrides.ts";
import type { OverridesKeeper } from "./overridesKeeper.ts";
import type { KillLayer, KillRecord } from "./ports.ts";
import type { Problems } from "./problems.ts";
import type { StateHolder } from "./stateHolder.ts";
import type { Watch } from "./watch.ts";

/** Where SIGUSR2 comes from; the process itself unless a test says otherwise. */
export interface SignalSource {
  on(signal: "SIGUSR2", listener: () => void): unknown;
  off(signal: "SIGUSR2", listener: () => void): unknown;
}

export interface KillSwitch {
  /** Obeys a kill file that is there already, and listens for the file and the signal from then on. */
  start(): Promise<void>;
  kill(layer: "L0" | "L1", reason: string, actor: string): Promise<void>;
  clear(layer: KillLayer, reason: string, actor: string): Promise<void>;
  stop(): Promise<void>;
}

export interface KillSwitchOptions {
  readonly stateDir: string;
  readonly clock: Clock;
  readonly holder: StateHolder;
  readonly keeper: OverridesKeeper;
  readonly problems: Problems;
  readonly signals: SignalSource;
}

/**
 * The layers a person switches by hand (rollout.md §1.5). L1 latches: once the file or the signal was seen it holds
 * until it is cleared with a reason, also when somebody removes the file.
 */
export function createKillSwitch({
  stateDir,
  clock,
  holder,
  keeper,
  problems,
  signals,
}: KillSwitchOptions): KillSwitch {
  const file = join(stateDir, KILL_FILE);
  let watch: Watch | null = null;
  let isWritingFile = false;

  const isActive = (layer: KillLayer): boolean =>
    holder.state.data.overrides.kills.some((kill) => kill.layer === layer);
  const reportUnwritten = (error: unknown): void => problems.begin("state-write", causeOf(error));

  const found = (reason: string): void => {
    if (isWritingFile || isActive("L1")) return;
    const record: KillRecord = Object.freeze({ layer: "L1", reason, actor: "file", sinceMs: clock.now() });
    // The file is the record already: this holds at once and is only written down a second time.
    holder.change({ overrides: withKill(holder.state.data.overrides, record) });
    keeper.record(record).catch(reportUnwritten);
  };

  /** Waits for a check that may have seen the file before it went: its finding must not switch L1 on again. */
  const removeFile = async (): Promise<void> => {
    await removeKillFile(file);
    await watch?.check();
  };

  const kill = async (layer: "L0" | "L1", reason: string, actor: string): Promise<void> => {
    if (layer !== "L0" && layer !== "L1") {
      throw new FlagsError("KILL_REFUSED", `The layer ${String(layer)} is not switched on by hand; use L0 or L1.`);
    }
    const record: KillRecord = Object.freeze({
      layer,
      reason: checkedReason(reason, "KILL_REFUSED"),
      actor: checkedReason(actor, "KILL_REFUSED", "actor"),
      sinceMs: clock.now(),
    });
    if (layer === "L0") return keeper.kill(record);
    isWritingFile = true;
    try {
      await keeper.kill(record, () => writeKillFile(file, record.reason));
    } finally {
      isWritingFile = false;
    }
  };
  const onSignal = (): void => void kill("L1", "signal SIGUSR2", "signal").catch(reportUnwritten);

  return {
    kill,
    async start() {
      const onProblem = (problem: string | null) =>
        problem === null ? problems.end("kill-file") : problems.begin("kill-file", problem);
      watch = watchKillFile({ file, clock, onFound: found, onProblem });
      await watch.check();
      signals.on("SIGUSR2", onSignal);
    },
    async clear(layer, reason, actor) {
      const why = checkedReason(reason, "KILL_REFUSED");
      const by = checkedReason(actor, "KILL_REFUSED", "actor");
      if (!isActive(layer)) return;
      if (layer === "L4") {
        throw new FlagsError("KILL_FORCED", "L4 holds while SWITCHYARD_FORCE_CONTROL is set; start without it.");
      }
      const line = { event: "kill.off", actor: by, reason: why, layer };
      await keeper.change(line, (before) => withoutKill(before, layer), layer === "L1" ? removeFile : undefined);
    },
    async stop() {
      signals.off("SIGUSR2", onSignal);
      await watch?.stop();
    },
  };
}
