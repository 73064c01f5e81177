// What is kept of one exchange that differs (shadow P1–P4).
import { decode } from "../compare/decode.ts";
import type { FoundDifference } from "../compare/foundDifferences.ts";
import type { Observation } from "../observation.ts";
import type { BodyPolicy, Redactor } from "./redact.ts";

export interface KeptExchange {
  /** For everybody who reads evidence: no value of a body. */
  readonly shape: unknown;
  /** Both sides with the values that may be shown, for whoever has the key; null: there are none. */
  readonly bodies: unknown;
}

interface Pair {
  readonly control: Observation;
  readonly candidate: Observation;
}

/** @param pair null: it was no call. @param onFailed the redactor has failed: the verdict stays, the bodies go (shadow P4) */
export function keptExchange(
  pair: Pair | null,
  differences: readonly FoundDifference[],
  policy: BodyPolicy,
  redactor: Pick<Redactor, "redact">,
  onFailed: () => void,
): KeptExchange {
  const told = differences.map(({ template, path, kind, severity, control, candidate }) => {
    return { template, path, kind, severity, control, candidate };
  });
  if (pair === null) return { shape: { differences: told }, bodies: null };
  try {
    const shape = { differences: told, ...sidesOf(pair, redactor, "shape") };
    if (policy === "shape") return { shape, bodies: null };
    return { shape: { ...shape, bodies: policy }, bodies: sidesOf(pair, redactor, policy) };
  } catch {
    onFailed();
    return { shape: { differences: told, control: null, candidate: null }, bodies: null };
  }
}

const sidesOf = ({ control, candidate }: Pair, redactor: Pick<Redactor, "redact">, policy: BodyPolicy) => ({
  control: sideOf(control, redactor, policy),
  candidate: sideOf(candidate, redactor, policy),
});

/** Status, names of headers, and the body. */
function sideOf({ result }: Observation, redactor: Pick<Redactor, "redact">, policy: BodyPolicy): unknown {
  if ("error" in result) return { error: result.error };
  const { status, headers } = result.reply;
  const decoded = decode(result.reply);
  const body =
    decoded.as === "value"
      ? redactor.redact(decoded.value, policy)
      : { bytes: decoded.bytes.length, isUndecodable: decoded.isUndecodable };
  return { status, headers: headers.map(([name]) => name), body };
}
