import { z } from "zod";
import { createConfigSchema } from "./schema.ts";
import { NO_SECRETS } from "./secrets.ts";

/** The part of JSON Schema that our schema's input side uses. */
export interface SchemaNode {
  readonly type?: "string" | "integer" | "boolean" | "object" | "array";
  readonly title?: string;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: SchemaNode | false;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
}

let made: SchemaNode | null = null;

/** The input side as JSON Schema draft-07: what the editor, the reference and `config show` know about the file. */
export function schemaTree(): SchemaNode {
  made ??= z.toJSONSchema(createConfigSchema(NO_SECRETS), { target: "draft-7", io: "input" }) as SchemaNode;
  return made;
}

/** The node that describes `path`; null where the schema knows nothing. */
export function nodeAt(path: readonly (string | number)[], root: SchemaNode = schemaTree()): SchemaNode | null {
  let node: SchemaNode | null = root;
  for (const part of path) node = node === null ? null : childOf(node, part);
  return node;
}

function childOf(node: SchemaNode, part: string | number): SchemaNode | null {
  const shape = node.anyOf?.find((option) => option.type === "object") ?? node;
  if (typeof part === "number") return shape.items ?? null;
  if (shape.properties && Object.hasOwn(shape.properties, part)) return shape.properties[part] ?? null;
  return shape.additionalProperties || null;
}

export const keysOf = (node: SchemaNode | null): readonly string[] => {
  const shape = node?.anyOf?.find((option) => option.type === "object") ?? node;
  return Object.keys(shape?.properties ?? {});
};
