import type { Config } from "../config/index.ts";
import type { LocalFlagControl } from "../flags/index.ts";
import { systemClock } from "../kernel/index.ts";
import type { Metrics } from "../metrics/index.ts";

interface Parts {
  readonly metrics: Metrics;
  readonly flags: LocalFlagControl;
  readonly config: Config;
}

const GAUGES_MS = 1_000;

/** What only the control plane knows: age and shares of the flags, the kill layers that hold. */
export function startControlGauges({ metrics, flags, config }: Parts): () => void {
  let cancel = () => {};
  const tick = (): void => {
    const { state } = flags;
    const { reading, overrides, epoch } = state.data;
    metrics.flagsAge.set({ source: reading.source }, Math.max(0, (systemClock.now() - reading.confirmedAtMs) / 1_000));
    metrics.epoch.set(epoch);
    metrics.flagsInvalid.set(flags.problems.filter(({ code }) => code === "flag-invalid").length);
    for (const layer of ["L0", "L1", "L4"] as const) {
      metrics.overrideActive.set({ layer }, overrides.kills.some((kill) => kill.layer === layer) ? 1 : 0);
    }
    for (const unit of config.units.values()) {
      if (unit.fixed) continue;
      const { exposurePercent } = state.explain(unit, null, systemClock.now());
      metrics.exposure.set({ unit: unit.id }, (exposurePercent ?? 0) / 100);
    }
    cancel = systemClock.after(GAUGES_MS, tick);
  };
  tick();
  return () => cancel();
}
