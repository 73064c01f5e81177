import { distance } from "fastest-levenshtein";
import type { z } from "zod";
import { type Path, pathText } from "./paths.ts";
import { closest, type Fault } from "./problems.ts";
import { keysOf, nodeAt, type SchemaNode, schemaTree } from "./schemaTree.ts";
import { show } from "./values.ts";

/** A fault with its path; `at` says whether the key or the value is to blame. */
export interface PlacedFault {
  readonly path: Path;
  readonly at: "key" | "value";
  readonly fault: Fault;
  readonly isWarning?: boolean;
}

type Issue = z.core.$ZodIssue;

/** Puts the schema's findings into our words, one per key or value. */
export function toFaults(issues: readonly Issue[], tree: unknown, base: Path = []): PlacedFault[] {
  return issues.flatMap((issue) => toFault(issue, tree, [...base, ...(issue.path as Path)]));
}

function toFault(issue: Issue, tree: unknown, path: Path): PlacedFault[] {
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey([...path, key]));
  if (issue.code === "invalid_union") {
    // A route is a text or a mapping: the reader of the kind that was written knows what is wrong.
    const value = valueIn(tree, path);
    const branch = typeof value === "object" && value !== null ? issue.errors[1] : issue.errors[0];
    return toFaults(branch ?? [], tree, path);
  }
  if (issue.code === "custom" && issue.params?.["fault"]) {
    return [{ path, at: "value", fault: issue.params["fault"] as Fault }];
  }
  return [{ path, at: "value", fault: builtIn(issue, valueIn(tree, path), nodeAt(path)) }];
}

function builtIn(issue: Issue, value: unknown, node: SchemaNode | null): Fault {
  if (issue.code === "too_small") return { what: "an empty list", expected: `at least ${issue.minimum} entry` };
  if (issue.code === "too_big")
    return { what: "a list that is too long", expected: `at most ${issue.maximum} entries` };
  const kind = node?.type === "array" ? "a list" : "a mapping";
  const keys = keysOf(node).slice(0, 4).join(", ");
  const expected = keys === "" ? kind : `${kind} with ${keys}${keysOf(node).length > 4 ? ", …" : ""}`;
  return value === undefined ? { what: "missing", expected } : { what: `${show(value)} stands here`, expected };
}

export function valueIn(tree: unknown, path: Path): unknown {
  let value = tree;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string | number, unknown>)[part];
  }
  return value;
}

/** Names of secrets people write out; the key that names their place stands beside. */
const SECRETS = ["secret", "token", "viewToken", "operateToken", "password", "key"];

function unknownKey(path: Path): PlacedFault {
  const key = String(path.at(-1));
  const parent = path.slice(0, -1);
  return { path, at: "key", fault: secretFault(key, parent) ?? ignoredFault(key, parent) ?? misspelt(key, parent) };
}

function secretFault(key: string, parent: Path): Fault | null {
  const siblings = keysOf(nodeAt(parent));
  const stem = siblings.includes(`${key}Env`)
    ? key
    : SECRETS.includes(key)
      ? siblings.find((name) => name.endsWith("Env"))?.slice(0, -3)
      : null;
  if (!stem) return null;
  const fix = "A file is copied, committed and shown; a secret in it has to be taken as known. Change it now.";
  return { what: "a secret in the file", expected: `${stem}Env with the name of a variable, or ${stem}File`, fix };
}

/** Keys of flag sources that this version does not have: said as such, not as slips of the keyboard. */
function ignoredFault(key: string, parent: Path): Fault | null {
  if (pathText(parent) !== "flags" || !["url", "tokenEnv", "tokenFile"].includes(key)) return null;
  return { what: `no effect with source: file`, expected: "no such key" };
}

function misspelt(key: string, parent: Path): Fault {
  const siblings = keysOf(nodeAt(parent));
  const meant = closest(key.replace(/(?:Ms|Bytes|Seconds|Percent)$/, ""), siblings, distance);
  if (meant !== null) return { what: "unknown key", didYouMean: meant };
  const elsewhere = findKey(key, schemaTree(), []);
  if (elsewhere !== null) return { what: "unknown key", didYouMean: elsewhere };
  return { what: "unknown key", expected: siblings.length === 0 ? "nothing here" : `one of ${siblings.join(", ")}` };
}

/** Where a key of this name belongs, when it is known only somewhere else. */
function findKey(key: string, node: SchemaNode, path: Path): string | null {
  for (const [name, child] of Object.entries(node.properties ?? {})) {
    if (name === key) return pathText([...path, name]);
    const found = findKey(key, child, [...path, name]);
    if (found !== null) return found;
  }
  return null;
}
