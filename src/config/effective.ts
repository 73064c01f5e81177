import type { SourceDocument } from "./document.ts";
import { type Path, pathText } from "./paths.ts";
import { nodeAt, type SchemaNode, schemaTree } from "./schemaTree.ts";
import type { Setting } from "./variables.ts";

/** One leaf of the merged configuration with the place it came from. */
export interface EffectiveValue {
  readonly path: string;
  /** As `config show` prints it; secrets are masked, for only their place is configuration (security D4). */
  readonly value: string;
  /** `default`, `switchyard.config.yaml:7`, `env SWITCHYARD__LISTEN`, `flag`. */
  readonly origin: string;
}

export type Effective = readonly EffectiveValue[];

export interface EffectiveInput {
  readonly file: string;
  readonly document: SourceDocument;
  readonly settings: readonly Setting[];
  readonly merged: unknown;
}

/**
 * Every leaf: what is written, and the defaults of what is not (`–` without one). Options that a route leaves open are
 * not repeated per route: they follow `limits`.
 */
export function toEffective(input: EffectiveInput): Effective {
  const found: EffectiveValue[] = [];
  const walk = (value: unknown, node: SchemaNode | null, path: Path): void => {
    if (value === undefined) return addDefaults(node, path);
    if (Array.isArray(value) && value.length > 0) {
      for (const [i, item] of value.entries()) walk(item, node?.items ?? null, [...path, i]);
    } else if (typeof value === "object" && value !== null && !Array.isArray(value)) {
      for (const key of new Set([...keysIn(node), ...Object.keys(value)])) {
        walk((value as Record<string, unknown>)[key], nodeAt([key], node ?? {}), [...path, key]);
      }
    } else {
      found.push({ path: pathText(path), value: print(value), origin: originOf(path, input) });
      found.push(...masked(path, print(value)));
    }
  };
  const addDefaults = (node: SchemaNode | null, path: Path): void => {
    if (node?.properties)
      for (const [key, child] of Object.entries(node.properties)) addDefaults(child, [...path, key]);
    else
      found.push({
        path: pathText(path),
        value: node?.default === undefined ? "–" : print(node.default),
        origin: "default",
      });
  };
  walk(input.merged, schemaTree(), []);
  return Object.freeze(found.map((leaf) => Object.freeze(leaf)));
}

/** The secret behind an `…Env` or `…File` key: that it is there, never what it is. */
function masked(path: Path, place: string): EffectiveValue[] {
  const match = /^(.*(?:[sS]ecret|[tT]oken|storeUrl|printKey|bodyKey))(Env|File)$/.exec(pathText(path));
  if (!match) return [];
  return [{ path: match[1] ?? "", value: "********", origin: match[2] === "Env" ? `env ${place}` : `file ${place}` }];
}

/** Of a route only what is written. */
const keysIn = (node: SchemaNode | null): readonly string[] => Object.keys(node?.properties ?? {});

const print = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

function originOf(path: Path, input: EffectiveInput): string {
  const setting = input.settings.findLast((one) => one.path.every((part, i) => path[i] === part));
  if (setting) return setting.origin;
  return `${input.file}:${input.document.valueAt(path).line}`;
}

/** The table of `config show --effective`. */
export function explainEffective(effective: Effective): string {
  const pathWidth = Math.max(...effective.map((leaf) => leaf.path.length)) + 3;
  const valueWidth = Math.min(60, Math.max(...effective.map((leaf) => leaf.value.length))) + 3;
  return effective
    .map((leaf) => `${leaf.path.padEnd(pathWidth)}${leaf.value.padEnd(valueWidth)}${leaf.origin}`)
    .join("\n");
}
