import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Config } from "../config/index.ts";
import type { Arm, Clock } from "../kernel/index.ts";
import { createAuditFile } from "./auditFile.ts";
import { auditedWriter } from "./auditedWriter.ts";
import { causeOf, FlagsError } from "./errors.ts";
import { createFileSource, type FileSource } from "./fileSource.ts";
import { createFileWriter, createInitialFile } from "./fileWriter.ts";
import { createKillSwitch, type KillSwitch, type SignalSource } from "./killSwitch.ts";
import { checkedReason, newPin, NO_OVERRIDES, withKill, withoutExpired, withoutPin, withPin } from "./overrides.ts";
import { loadOverrides } from "./overridesFile.ts";
import { createOverridesKeeper, type OverridesKeeper } from "./overridesKeeper.ts";
import type { DecidableUnit, FlagControl, FlagProblem, FlagState, FlagWriter, KillLayer, Pin } from "./ports.ts";
import { makePrivateFolder } from "./privateFile.ts";
import { createProblems, type Problems } from "./problems.ts";
import { createReadingKeeper, type ReadingKeeper } from "./readingKeeper.ts";
import { createStateHolder, type StateHolder } from "./stateHolder.ts";
import { CHECK_INTERVAL_MS } from "./watch.ts";

export interface FlagControlOptions {
  readonly flags: Config["flags"];
  /** Units whose arm is fixed need no flag; `fixed` absent or null: the flag decides. */
  readonly units: Iterable<DecidableUnit & { readonly fixed?: Arm | null }>;
  readonly stateDir: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly onProblem: (problem: FlagProblem) => void;
  readonly signals?: SignalSource;
}

export interface LocalFlagControl extends FlagControl {
  /** What is wrong at the moment. */
  readonly problems: readonly FlagProblem[];
  /** Checks that found the flag file unusable. */
  readonly fileFailures: number;
}

/** Any value but an explicit no forces control: a misspelt yes must not serve the candidate. */
const isForced = (value: string | undefined): boolean => value !== undefined && !["", "0", "false"].includes(value);

interface Parts {
  readonly problems: Problems;
  readonly holder: StateHolder;
  readonly keeper: OverridesKeeper;
  readonly killSwitch: KillSwitch;
  readonly readings: ReadingKeeper;
  readonly source: FileSource;
  readonly writer: FlagWriter;
}

function assemble(options: FlagControlOptions, units: readonly DecidableUnit[]): Parts {
  const { flags, stateDir, clock } = options;
  const problems = createProblems(options.onProblem);
  const reading = Object.freeze({ source: "file", data: null, confirmedAtMs: 0 } as const);
  const first = { reading, overrides: NO_OVERRIDES, leases: Object.freeze({}) };
  const holder = createStateHolder(first, units, (error) =>
    problems.begin("listener", `A listener of the flags failed (${causeOf(error)}).`),
  );
  const audit = createAuditFile(join(stateDir, "audit.jsonl"), clock.now);
  const onAuditLost = (lost: number) =>
    problems.begin("audit-lost", `The disk refuses writes and more audit lines wait than are kept: ${lost} lost.`);
  const keeper = createOverridesKeeper({ file: join(stateDir, "overrides.json"), audit, clock, holder, onAuditLost });
  const killSwitch = createKillSwitch({
    stateDir,
    clock,
    holder,
    keeper,
    problems,
    signals: options.signals ?? process,
  });
  const lastKnownFile = join(stateDir, "flags.last-known.json");
  const unitFlags = new Set(units.map(({ flag }) => flag));
  const readings = createReadingKeeper({ lastKnownFile, unitFlags, holder, problems, clock });
  const onFileProblem = (problem: string | null) =>
    problem === null ? problems.end("flag-file") : problems.begin("flag-file", problem);
  const source = createFileSource({ file: flags.file, clock, onProblem: onFileProblem });
  const epoch = () => holder.state.data.epoch;
  const writer = auditedWriter(createFileWriter(flags.file), audit, epoch, () => source.check());
  return { problems, holder, keeper, killSwitch, readings, source, writer };
}

class FileFlagControl implements LocalFlagControl {
  readonly #options: FlagControlOptions;
  readonly #units: readonly DecidableUnit[];
  readonly #parts: Parts;
  #isStopped = false;
  #cancelTick = () => {};

  constructor(options: FlagControlOptions) {
    this.#options = options;
    this.#units = [...options.units].filter(({ fixed }) => fixed === undefined || fixed === null);
    this.#parts = assemble(options, this.#units);
  }

  get state(): FlagState {
    return this.#parts.holder.state;
  }
  get writer(): FlagWriter {
    return this.#parts.writer;
  }
  get problems(): readonly FlagProblem[] {
    return this.#parts.problems.list;
  }
  get fileFailures(): number {
    return this.#parts.source.failures;
  }
  onChange(listener: (state: FlagState) => void): () => void {
    return this.#parts.holder.onChange(listener);
  }

  /** Overrides and the kill file before the flags: at no moment may the flags decide while a recorded kill does not hold. */
  async start(): Promise<void> {
    await this.#openStateFolder();
    await this.#loadOverrides();
    await this.#parts.killSwitch.start();
    await this.#startFlags();
    this.#tick();
  }

  async #openStateFolder(): Promise<void> {
    const { stateDir } = this.#options;
    try {
      await makePrivateFolder(stateDir);
      const { mode } = await stat(stateDir);
      if ((mode & 0o077) === 0) return;
    } catch (cause) {
      throw new FlagsError("STATE_WRITE", `The state folder ${stateDir} cannot be made (${causeOf(cause)}).`, {
        cause,
      });
    }
    const fix = `chmod 700 ${stateDir}`;
    this.#parts.problems.begin("state-folder", `The state folder is open to other users; make it private: ${fix}`);
  }

  async #loadOverrides(): Promise<void> {
    const { stateDir, clock, env } = this.#options;
    let overrides = withoutExpired(await loadOverrides(join(stateDir, "overrides.json")), clock.now());
    if (isForced(env.SWITCHYARD_FORCE_CONTROL)) {
      const reason = "SWITCHYARD_FORCE_CONTROL is set";
      overrides = withKill(overrides, { layer: "L4", reason, actor: "environment", sinceMs: clock.now() });
    }
    this.#parts.holder.change({ overrides });
  }

  async #startFlags(): Promise<void> {
    const { problems, source, readings } = this.#parts;
    const unitFlags = this.#units.map(({ flag }) => flag);
    try {
      await createInitialFile(this.#options.flags.file, unitFlags);
    } catch (error) {
      problems.begin("flag-file", causeOf(error));
    }
    await source.start((reading) => readings.take(reading));
    if (source.reading.data === null) await readings.fallBack();
  }

  kill(layer: "L0" | "L1", reason: string, actor: string): Promise<void> {
    return this.#parts.killSwitch.kill(layer, reason, actor);
  }

  clearKill(layer: KillLayer, reason: string, actor: string): Promise<void> {
    return this.#parts.killSwitch.clear(layer, reason, actor);
  }

  async addPin(wish: Omit<Pin, "id" | "createdAtMs">): Promise<Pin> {
    const now = this.#options.clock.now();
    const pin = newPin(wish, new Set(this.#units.map(({ id }) => id)), now);
    const { id, unit, arm, reason, actor, untilMs } = pin;
    const line = { event: "pin.add", actor, reason, pin: id, unit, arm, until: new Date(untilMs).toISOString() };
    await this.#parts.keeper.change(line, (before) => withPin(withoutExpired(before, now), pin));
    return pin;
  }

  async removePin(id: string, actor: string): Promise<boolean> {
    const by = checkedReason(actor, "PIN_REFUSED", "actor");
    let isRemoved = false;
    await this.#parts.keeper.change({ event: "pin.remove", actor: by, reason: "", pin: id }, (before) => {
      isRemoved ||= before.pins.some((pin) => pin.id === id);
      return isRemoved ? withoutPin(before, id) : before;
    });
    return isRemoved;
  }

  #tick(): void {
    this.#cancelTick = this.#options.clock.after(CHECK_INTERVAL_MS, () => {
      void this.#sweep().finally(() => {
        if (!this.#isStopped) this.#tick();
      });
    });
  }

  /** Each second: what the disk refused is written again, pins that have ended go. */
  async #sweep(): Promise<void> {
    const { keeper, problems } = this.#parts;
    try {
      await keeper.retry();
      const now = this.#options.clock.now();
      const expired = this.state.data.overrides.pins.filter(({ untilMs }) => untilMs <= now);
      if (expired.length > 0) {
        const line = { event: "pin.expired", actor: "clock", reason: "", pins: expired.map(({ id }) => id).join(" ") };
        await keeper.change(line, (before) => withoutExpired(before, now));
      }
      problems.end("state-write");
    } catch (error) {
      problems.begin("state-write", `The state folder cannot be written: ${causeOf(error)}`);
    }
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#cancelTick();
    const { killSwitch, source, keeper, readings } = this.#parts;
    await Promise.all([killSwitch.stop(), source.stop()]);
    await Promise.all([keeper.settled(), readings.settled()]);
  }
}

/** The process's one owner of flags and overrides, on local files; nothing holds before `start` resolved. */
export const createFlagControl = (options: FlagControlOptions): LocalFlagControl => new FileFlagControl(options);
