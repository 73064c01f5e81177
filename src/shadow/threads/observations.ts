// From what was served, as it was handed over, to an observation.
import type { Role } from "../../kernel/index.ts";
import type { Observation } from "../observation.ts";
import type { CompareItem } from "./messages.ts";

export function servedObservation(served: Extract<CompareItem, { kind: "served" }>): Observation {
  const { facts, result, loss, firstByteMs, totalMs } = served;
  const role: Role = "served";
  const common = { arm: facts.served, role, isCut: loss !== null, firstByteMs, totalMs };
  return { ...common, result };
}
