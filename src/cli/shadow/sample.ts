// What the evidence keeps of one exchange: shapes of both sides, and where they differ.
import type { Arm } from "../../kernel/index.ts";
import { readSample, type SampleBody, type SampleDifference, type SampleSide } from "../../shadow/index.ts";

export type SeenSide = SampleSide;

export type SeenDifference = SampleDifference & {
  /** What stands there, as far as it is kept. */
  readonly shown: Readonly<Record<Arm, string>>;
};

export interface SeenSample {
  readonly differences: readonly SeenDifference[];
  readonly control: SeenSide;
  readonly candidate: SeenSide;
  readonly hasBodies: boolean;
  /** It was a call: there are two sides. */
  readonly isCall: boolean;
  readonly views: Pick<SampleBody, "conversation" | "document">;
}

const SHOWN_MAX = 200;

/** Null: another version has stored it. */
export function sampleOf(body: unknown): SeenSample | null {
  const data = readSample(body);
  if (data === null) return null;
  const differences = data.differences.map((one): SeenDifference => {
    const shown = (arm: Arm): string => shownAt(data[arm] ?? null, one.path, one[arm]);
    return { ...one, shown: { control: shown("control"), candidate: shown("candidate") } };
  });
  const { control = null, candidate = null, bodies, conversation, document } = data;
  return {
    control,
    candidate,
    differences,
    hasBodies: bodies !== undefined,
    isCall: data.control !== undefined,
    views: { conversation, document },
  };
}

/** Of control, as rules ask for it. */
export const statusOf = ({ control }: Pick<SeenSample, "control">): number | "failed" | null =>
  control === null ? null : "error" in control ? "failed" : control.status;

/** The shape at a path, or else its class: a list in another order has something else in that place. */
function shownAt(seen: SeenSide, path: string, found: string | null): string {
  if (found === null) return "nothing";
  if (seen === null || "error" in seen || !path.startsWith("$")) return found;
  const value = valueAt(seen.body, path);
  if (value === undefined) return found;
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const isIt = typeof value !== "string" || !/#[\da-f]{6,}$/.test(value) || value.startsWith(found);
  return isIt ? cut(text) : found;
}

const cut = (text: string): string => (text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text);

const PART = /\.([\p{L}\p{N}_$-]+)|\["((?:[^"\\]|\\["\\])*)"\]|\[(\d+)\]/uy;

function valueAt(body: unknown, path: string): unknown {
  let value: unknown = body;
  for (PART.lastIndex = 1; PART.lastIndex < path.length; ) {
    const part = PART.exec(path);
    if (part === null || typeof value !== "object" || value === null) return undefined;
    const key = part[1] ?? part[2]?.replace(/\\(["\\])/g, "$1") ?? part[3] ?? "";
    if (!Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}
