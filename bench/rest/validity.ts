import { VoidMeasurement } from "../lib/void.ts";
import type { LoadResult } from "./load.ts";

/** What the other processes saw of a measurement. */
export interface Witnesses {
  /** Calls that the upstream answered, always with 200; null for a contestant that answers by itself. */
  readonly answered: number | null;
  /** Calls that were decided by a flag; null for the peers. */
  readonly decided: number | null;
}

/**
 * A measurement with one answer that is not 2xx is void. Load tools tell 4xx and 5xx only; the rest is seen by the
 * upstream: what it did not answer cannot have been its 200. Ours must have decided every call besides, or it was
 * measured without its pipeline.
 * @throws VoidMeasurement
 */
export function checkValidity(name: string, load: LoadResult, { answered, decided }: Witnesses): void {
  const { calls, failures } = load;
  if (failures > 0) throw new VoidMeasurement(`${name}: ${failures} of ${calls} calls failed`);
  if (calls === 0) throw new VoidMeasurement(`${name} answered nothing`);
  if (answered !== null && answered < calls) {
    throw new VoidMeasurement(`${name}: the upstream answered ${answered} of ${calls} calls`);
  }
  if (decided !== null && decided < calls) {
    throw new VoidMeasurement(`${name} decided ${decided} of ${calls} calls by a flag`);
  }
}
