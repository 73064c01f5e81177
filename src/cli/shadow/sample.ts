// What the evidence keeps of one exchange: shapes of both sides, and where they differ.
import { z } from "zod";
import type { Arm } from "../../kernel/index.ts";
import { DIFFERENCE_KINDS, SEVERITIES } from "../../shadow/index.ts";

const side = z.union([
  z.object({ status: z.number(), headers: z.array(z.string()), body: z.unknown().optional() }),
  z.object({ error: z.string() }),
  z.null(),
]);

const stored = z.object({
  differences: z.array(
    z.object({
      template: z.string(),
      path: z.string(),
      kind: z.enum(DIFFERENCE_KINDS),
      severity: z.enum(SEVERITIES),
      control: z.string().nullable(),
      candidate: z.string().nullable(),
    }),
  ),
  control: side,
  candidate: side,
  /** Values are kept beside it, sealed. */
  bodies: z.string().optional(),
});

type Stored = z.infer<typeof stored>;
export type SeenSide = z.infer<typeof side>;

export type SeenDifference = Stored["differences"][number] & {
  /** What stands there, as far as it is kept. */
  readonly shown: Readonly<Record<Arm, string>>;
};

export interface SeenSample {
  readonly differences: readonly SeenDifference[];
  readonly control: SeenSide;
  readonly candidate: SeenSide;
  readonly hasBodies: boolean;
}

const SHOWN_MAX = 200;

/** Null: another version has stored it. */
export function sampleOf(body: unknown): SeenSample | null {
  const { data } = stored.safeParse(body);
  if (data === undefined) return null;
  const differences = data.differences.map((one): SeenDifference => {
    const shown = (arm: Arm): string => shownAt(data[arm], one.path, one[arm]);
    return { ...one, shown: { control: shown("control"), candidate: shown("candidate") } };
  });
  const { control, candidate, bodies } = data;
  return { control, candidate, differences, hasBodies: bodies !== undefined };
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
