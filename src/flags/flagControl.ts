import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config/index.ts";
import type { Arm, Clock } from "../kernel/index.ts";
import { type AuditFile, createAuditFile } from "./auditFile.ts";
import { causeOf, FlagsError } from "./errors.ts";
import { createFileSource, type FileSource } from "./fileSource.ts";
import { createFileWriter, createInitialFile } from "./fileWriter.ts";
import { KILL_FILE, readKillFile, removeKillFile, watchKillFile, writeKillFile } from "./killFile.ts";
import {
  checkedReason,
  newPin,
  NO_OVERRIDES,
  withKill,
  withoutExpired,
  withoutKill,
  withoutPin,
  withPin,
} from "./overrides.ts";
import { loadOverrides } from "./overridesFile.ts";
import { createOverridesKeeper, type OverridesKeeper } from "./overridesKeeper.ts";
import type { DecidableUnit, FlagControl, FlagProblem, FlagWriter, KillLayer, KillRecord, Pin } from "./ports.ts";
import { makePrivateFolder } from "./privateFile.ts";
import { createProblems, type Problems } from "./problems.ts";
import { createReadingKeeper, type ReadingKeeper } from "./readingKeeper.ts";
import { createStateHolder, type StateHolder } from "./stateHolder.ts";
import { CHECK_INTERVAL_MS, type Watch } from "./watch.ts";

export interface FlagControlOptions {
  readonly flags: Config["flags"];
  /** Units whose arm is fixed need no flag; `fixed` absent or null: the flag decides. */
  readonly units: Iterable<DecidableUnit & { readonly fixed?: Arm | null }>;
  readonly stateDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly onProblem: (problem: FlagProblem) => void;
  /** Where SIGUSR2 comes from; the process itself unless a test says otherwise. */
  readonly signals?: SignalSource;
}

export interface SignalSource {
  on(signal: "SIGUSR2", listener: () => void): unknown;
  off(signal: "SIGUSR2", listener: () => void): unknown;
}

export interface LocalFlagControl extends FlagControl {
  /** What is wrong at the moment. */
  readonly problems: readonly FlagProblem[];
  /** Checks that found the flag file unusable. */
  readonly fileFailures: number;
}

/** Any value but an explicit no forces control: a misspelt yes must not serve the candidate. */
const isForced = (value: string | undefined): boolean => value !== undefined && !["", "0", "false"].includes(value);

class FileFlagControl implements LocalFlagControl {
  readonly #options: FlagControlOptions;
  readonly #units: readonly DecidableUnit[];
  readonly #killFile: string;
  readonly #problems: Problems;
  readonly #holder: StateHolder;
  readonly #audit: AuditFile;
  readonly #keeper: OverridesKeeper;
  readonly #readings: ReadingKeeper;
  readonly #source: FileSource;
  readonly #signals: SignalSource;
  readonly writer: FlagWriter;
  #killWatch: Watch | null = null;
  #isWritingKillFile = false;
  #isStopped = false;
  #cancelTick = () => {};

  constructor(options: FlagControlOptions) {
    const { flags, stateDir, clock, onProblem } = options;
    this.#options = options;
    this.#units = [...options.units].filter(({ fixed }) => fixed === undefined || fixed === null);
    this.#killFile = join(stateDir, KILL_FILE);
    this.#signals = options.signals ?? process;
    const problems = createProblems(onProblem);
    this.#problems = problems;
    const nothing = Object.freeze({ source: "file", data: null, confirmedAtMs: 0 } as const);
    this.#holder = createStateHolder(
      { reading: nothing, overrides: NO_OVERRIDES, leases: Object.freeze({}) },
      this.#units,
      (error) => problems.begin("listener", `A listener of the flags failed (${causeOf(error)}).`),
    );
    this.#audit = createAuditFile(join(stateDir, "audit.jsonl"), clock.now);
    this.#keeper = createOverridesKeeper({
      file: join(stateDir, "overrides.json"),
      audit: this.#audit,
      clock,
      holder: this.#holder,
      onAuditLost: (lost) =>
        problems.begin("audit-lost", `${lost} audit line could not be kept while the disk refuses writes.`),
    });
    this.#readings = createReadingKeeper({
      lastKnownFile: join(stateDir, "flags.last-known.json"),
      unitFlags: new Set(this.#units.map(({ flag }) => flag)),
      holder: this.#holder,
      problems,
      clock,
    });
    this.#source = createFileSource({
      file: flags.file,
      clock,
      onProblem: (problem) => (problem === null ? problems.end("flag-file") : problems.begin("flag-file", problem)),
    });
    this.writer = this.#createWriter();
  }

  get state() {
    return this.#holder.state;
  }
  get problems() {
    return this.#problems.list;
  }
  get fileFailures() {
    return this.#source.failures;
  }
  onChange(listener: Parameters<FlagControl["onChange"]>[0]): () => void {
    return this.#holder.onChange(listener);
  }

  /** Overrides first: at no moment after `start` may a recorded kill not hold. */
  async start(): Promise<void> {
    await this.#openStateFolder();
    await this.#loadOverrides();
    await this.#startFlags();
    this.#killWatch = watchKillFile({
      file: this.#killFile,
      clock: this.#options.clock,
      onFound: (reason) => this.#foundKillFile(reason),
      onProblem: (problem) => this.#problems.begin("kill-file", problem),
    });
    await this.#killWatch.check();
    this.#signals.on("SIGUSR2", this.#onSignal);
    this.#tick();
  }

  async #openStateFolder(): Promise<void> {
    const { stateDir } = this.#options;
    try {
      await makePrivateFolder(stateDir);
    } catch (error) {
      throw new FlagsError("STATE_WRITE", `The state folder ${stateDir} cannot be made (${causeOf(error)}).`, {
        cause: error,
      });
    }
    const { mode } = await stat(stateDir);
    if ((mode & 0o077) !== 0) {
      this.#problems.begin(
        "state-folder",
        `The state folder ${stateDir} is open to other users; make it private: chmod 700 ${stateDir}`,
      );
    }
  }

  async #loadOverrides(): Promise<void> {
    const { stateDir, clock, env } = this.#options;
    let overrides = withoutExpired(await loadOverrides(join(stateDir, "overrides.json")), clock.now());
    if (isForced(env.SWITCHYARD_FORCE_CONTROL)) {
      const reason = "SWITCHYARD_FORCE_CONTROL is set";
      overrides = withKill(overrides, { layer: "L4", reason, actor: "environment", sinceMs: clock.now() });
    }
    const reason = await readKillFile(this.#killFile);
    this.#holder.change({ overrides });
    if (reason !== null) this.#foundKillFile(reason);
  }

  async #startFlags(): Promise<void> {
    const { file } = this.#options.flags;
    try {
      await createInitialFile(
        file,
        this.#units.map(({ flag }) => flag),
      );
    } catch (error) {
      this.#problems.begin("flag-file", causeOf(error));
    }
    await this.#source.start((reading) => this.#readings.take(reading));
    if (this.#source.reading.data === null) await this.#readings.fallBack();
  }

  #onSignal = (): void => {
    this.kill("L1", "signal SIGUSR2", "signal").catch((error: unknown) =>
      this.#problems.begin("state-write", causeOf(error)),
    );
  };

  #foundKillFile(reason: string): void {
    if (this.#isWritingKillFile || this.#isActive("L1")) return;
    const record: KillRecord = { layer: "L1", reason, actor: "file", sinceMs: this.#options.clock.now() };
    // The file is the record already: this holds at once and is only written down a second time.
    this.#holder.change({ overrides: withKill(this.state.data.overrides, record) });
    this.#keeper.record(record).catch((error: unknown) => this.#problems.begin("state-write", causeOf(error)));
  }

  #isActive(layer: KillLayer): boolean {
    return this.state.data.overrides.kills.some((kill) => kill.layer === layer);
  }

  async kill(layer: "L0" | "L1", reason: string, actor: string): Promise<void> {
    if (layer !== "L0" && layer !== "L1")
      throw new FlagsError("KILL_REFUSED", `The layer ${String(layer)} is not switched on by hand; use L0 or L1.`);
    const record: KillRecord = Object.freeze({
      layer,
      reason: checkedReason(reason, "KILL_REFUSED"),
      actor: checkedReason(actor, "KILL_REFUSED", "actor"),
      sinceMs: this.#options.clock.now(),
    });
    if (layer === "L0") return this.#keeper.kill(record);
    this.#isWritingKillFile = true;
    try {
      await this.#keeper.kill(record, () => writeKillFile(this.#killFile, record.reason));
    } finally {
      this.#isWritingKillFile = false;
    }
  }

  async clearKill(layer: KillLayer, reason: string, actor: string): Promise<void> {
    const line = {
      event: "kill.off",
      layer,
      reason: checkedReason(reason, "KILL_REFUSED"),
      actor: checkedReason(actor, "KILL_REFUSED", "actor"),
    };
    if (layer === "L4" && this.#isActive("L4")) {
      throw new FlagsError("KILL_FORCED", "L4 holds while SWITCHYARD_FORCE_CONTROL is set; start without it.");
    }
    if (!this.#isActive(layer)) return;
    await this.#keeper.change(
      line,
      (before) => withoutKill(before, layer),
      layer === "L1" ? () => this.#removeKillFile() : undefined,
    );
  }

  /** Waits for a check that may have seen the file before it went: its finding must not switch L1 on again. */
  async #removeKillFile(): Promise<void> {
    await removeKillFile(this.#killFile);
    await this.#killWatch?.check();
  }

  async addPin(wish: Omit<Pin, "id" | "createdAtMs">): Promise<Pin> {
    const pin = newPin(wish, new Set(this.#units.map(({ id }) => id)), this.#options.clock.now());
    const { id, unit, arm, reason, actor, untilMs } = pin;
    const line = { event: "pin.add", actor, reason, pin: id, unit, arm, until: new Date(untilMs).toISOString() };
    await this.#keeper.change(line, (before) => withPin(withoutExpired(before, this.#options.clock.now()), pin));
    return pin;
  }

  async removePin(id: string, actor: string): Promise<boolean> {
    const by = checkedReason(actor, "PIN_REFUSED", "actor");
    let isRemoved = false;
    await this.#keeper.change({ event: "pin.remove", actor: by, reason: "", pin: id }, (before) => {
      isRemoved ||= before.pins.some((pin) => pin.id === id);
      return isRemoved ? withoutPin(before, id) : before;
    });
    return isRemoved;
  }

  #createWriter(): FlagWriter {
    const file = createFileWriter(this.#options.flags.file);
    return {
      setExposure: async (flag, percent, actor) => {
        const line = { event: "flags.set", actor, reason: "", flag, percent, epoch: this.state.data.epoch };
        await this.#audit.append(line).catch((error: unknown) => {
          throw new FlagsError(
            "STATE_WRITE",
            `Nothing was changed: the audit could not be written (${causeOf(error)}).`,
            { cause: error },
          );
        });
        try {
          await file.setExposure(flag, percent, actor);
        } catch (error) {
          await this.#audit.append({ ...line, event: "flags.set.failed", reason: causeOf(error) }).catch(() => {});
          throw error;
        }
        await this.#source.check();
      },
    };
  }

  #tick(): void {
    this.#cancelTick = this.#options.clock.after(CHECK_INTERVAL_MS, () => {
      void this.#sweep().finally(() => {
        if (!this.#isStopped) this.#tick();
      });
    });
  }

  async #sweep(): Promise<void> {
    try {
      await this.#keeper.retry();
      const now = this.#options.clock.now();
      const expired = this.state.data.overrides.pins.filter(({ untilMs }) => untilMs <= now);
      if (expired.length > 0) {
        const line = { event: "pin.expired", actor: "clock", reason: "", pins: expired.map(({ id }) => id).join(" ") };
        await this.#keeper.change(line, (before) => withoutExpired(before, now));
      }
      this.#problems.end("state-write");
    } catch (error) {
      this.#problems.begin("state-write", causeOf(error));
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTick();
    this.#signals.off("SIGUSR2", this.#onSignal);
    await Promise.all([this.#killWatch?.stop(), this.#source.stop()]);
    await Promise.all([this.#keeper.settled(), this.#readings.settled()]);
  }
}

/** The process's one owner of flags and overrides, on local files; nothing holds before `start` resolved. */
export const createFlagControl = (options: FlagControlOptions): LocalFlagControl => new FileFlagControl(options);
