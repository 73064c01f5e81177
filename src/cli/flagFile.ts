import type { Config } from "../config/index.ts";
import { type FlagsView, SCHEMA_VERSION } from "../console/index.ts";
import { type FlagControl, FlagsError } from "../flags/index.ts";
import { EXIT } from "../kernel/index.ts";
import { CliError } from "./cliError.ts";
import type { CliDeps } from "./ports.ts";

/** Works on the flags of a stopped process with the very code that the running one uses, audit included. */
export async function withFlagFile<T>(
  config: Config,
  deps: Pick<CliDeps, "openFlags">,
  work: (flags: FlagControl) => Promise<T>,
): Promise<T> {
  const flags = deps.openFlags(config);
  try {
    await flags.start();
    return await work(flags);
  } catch (error) {
    if (error instanceof FlagsError) throw new CliError(EXIT.finding, error.message);
    throw error;
  } finally {
    await flags.stop();
  }
}

export function viewOf(config: Config, { state }: FlagControl): FlagsView {
  const nowMs = Date.now();
  const { reading, epoch } = state.data;
  const flags = [...config.units.values()].map((unit) => ({
    unit: unit.id,
    flag: unit.flag,
    fixed: unit.fixed,
    exposurePercent:
      unit.fixed === null ? state.explain(unit, null, nowMs).exposurePercent : unit.fixed === "candidate" ? 100 : 0,
  }));
  const dataAgeMs = reading.data === null ? null : Math.max(0, nowMs - reading.confirmedAtMs);
  return { schemaVersion: SCHEMA_VERSION, data: { source: reading.source, epoch, dataAgeMs, isStale: false }, flags };
}
