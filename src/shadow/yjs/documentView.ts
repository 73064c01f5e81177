// What two documents differ in, for whoever has to look at it (shadow §16.5).
import type { FoundDifference } from "../compare/foundDifferences.ts";
import type { JsonObject } from "../json/values.ts";

export interface DocumentView {
  /** The first that differs, and what both have there; null: the contents are equal. */
  readonly root: { readonly name: string; readonly control: JsonObject; readonly candidate: JsonObject } | null;
  /** Clocks by Yjs client. */
  readonly control: ReadonlyMap<number, number>;
  readonly candidate: ReadonlyMap<number, number>;
}

const ROOT = /^\$(?:\.([\p{L}\p{N}_$-]+)|\["((?:[^"\\]|\\.)*)"\])/u;

/** Both contents with nothing but the root in which the first difference lies. */
export function firstRoot(
  control: JsonObject,
  candidate: JsonObject,
  differences: readonly FoundDifference[],
): DocumentView["root"] {
  const found = differences.find(({ acceptedBy }) => acceptedBy === null) ?? differences[0];
  const [, plain, quoted] = ROOT.exec(found?.path ?? "") ?? [];
  const name = plain ?? quoted?.replace(/\\(["\\])/g, "$1");
  if (name === undefined) return null;
  const only = (content: JsonObject): JsonObject =>
    Object.fromEntries(Object.entries(content).filter(([key]) => key === name));
  return { name, control: only(control), candidate: only(candidate) };
}
