// What is kept of one exchange that differs (shadow P1–P4, §16.4, §16.5).
import { decode } from "../compare/decode.ts";
import type { ObservedPair, SeenExchange } from "../judgement.ts";
import type { RecheckSeen } from "../noise/recheck.ts";
import type { Observation } from "../observation.ts";
import type { BodyPolicy, Redactor } from "./redact.ts";
import type { SampleAgain, SampleBody, SampleSide } from "./sampleBody.ts";
import { conversationView, documentView } from "./sampleViews.ts";

export interface KeptExchange {
  /** For everybody who reads evidence: no value of a body. */
  readonly shape: SampleBody;
  /** Both sides with the values that may be shown, for whoever has the key; null: there are none. */
  readonly bodies: unknown;
}

type Shapes = Pick<Redactor, "redact">;

/** @param onFailed the redactor has failed: the verdict stays, the bodies go (shadow P4) */
export function keptExchange(
  seen: SeenExchange,
  policy: BodyPolicy,
  redactor: Shapes,
  onFailed: () => void,
): KeptExchange {
  const { pair, view } = seen;
  const differences = seen.differences.map(({ template, path, kind, severity, control, candidate }) => {
    return { template, path, kind, severity, control, candidate };
  });
  const told = { differences, ...againOf(seen) };
  try {
    const views = {
      ...(view.conversation && { conversation: conversationView(view.conversation, redactor) }),
      ...(view.document && { document: documentView(view.document, redactor) }),
    };
    if (pair === null) return { shape: { ...told, ...views }, bodies: null };
    const shape = { ...told, ...sidesOf(pair, redactor, "shape") };
    if (policy === "shape") return { shape, bodies: null };
    return { shape: { ...shape, bodies: policy }, bodies: sidesOf(pair, redactor, policy) };
  } catch {
    onFailed();
    return { shape: pair === null ? told : { ...told, control: null, candidate: null }, bodies: null };
  }
}

/** Names of paths are those that families have. */
const TEMPLATES_MAX = 20;

const namesOf = (templates: ReadonlySet<string>): string[] => [...templates].sort().slice(0, TEMPLATES_MAX);

function againOf({ rechecks, repeat }: SeenExchange): { readonly again?: SampleAgain } {
  if (rechecks.length === 0 && repeat === null) return {};
  const recheck = ({ arms, control, candidate }: RecheckSeen) => {
    return { arms: namesOf(arms), control: namesOf(control), candidate: namesOf(candidate) };
  };
  return { again: { rechecks: rechecks.map(recheck), repeat: repeat === null ? null : namesOf(repeat) } };
}

const sidesOf = ({ control, candidate }: ObservedPair, redactor: Shapes, policy: BodyPolicy) => ({
  control: sideOf(control, redactor, policy),
  candidate: sideOf(candidate, redactor, policy),
});

/** Status, names of headers, and the body. */
function sideOf({ result }: Observation, redactor: Shapes, policy: BodyPolicy): SampleSide {
  if ("error" in result) return { error: result.error };
  const { status, headers } = result.reply;
  const decoded = decode(result.reply);
  const body =
    decoded.as === "value"
      ? redactor.redact(decoded.value, policy)
      : { bytes: decoded.bytes.length, isUndecodable: decoded.isUndecodable };
  return { status, headers: headers.filter((_, at) => at % 2 === 0), body };
}
