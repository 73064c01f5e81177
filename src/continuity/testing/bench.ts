import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { createManualClock, type ManualClock } from "../../kernel/index.ts";
import { createMetrics, type Metrics } from "../../metrics/index.ts";
import type { ContinuityState, SeatState } from "../ports.ts";
import { openContinuityState } from "../sqliteState.ts";
import { createTwoArms, type TwoArms } from "./twoArms.ts";

export interface ContinuityBench {
  readonly arms: TwoArms;
  readonly clock: ManualClock;
  readonly metrics: Metrics;
  readonly events: [name: string, fields: Readonly<Record<string, unknown>>][];
  readonly log: { event(name: string, fields: Readonly<Record<string, unknown>>): void };
  readonly file: string;
  /** The state in the bench's file; opened again after a close. */
  open(): ContinuityState & SeatState;
  /** Advances the clock until `holds`, letting promises settle in between; at most two minutes of its time. */
  until(holds: () => boolean): Promise<void>;
  counted(name: string): Promise<number>;
}

export function makeContinuityBench(t: TestContext): ContinuityBench {
  const folder = mkdtempSync(join(tmpdir(), "continuity-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "continuity.sqlite3");
  const clock = createManualClock();
  const metrics = createMetrics({ version: "test" });
  const events: [string, Readonly<Record<string, unknown>>][] = [];
  return {
    arms: createTwoArms(),
    clock,
    metrics,
    events,
    log: { event: (name, fields) => void events.push([name, fields]) },
    file,
    open: () => openContinuityState(file),
    async until(holds) {
      for (let step = 0; step < 2_400; step++) {
        for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
        if (holds()) return;
        clock.advance(50);
      }
      throw new Error("it did not happen within two minutes of the manual clock");
    },
    async counted(name) {
      const found = (await metrics.json()).find((metric) => metric.name === name);
      return (found?.values ?? []).reduce((sum, { value }) => sum + Number(value), 0);
    },
  };
}
