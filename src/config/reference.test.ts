import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { staleTargets } from "./generate.ts";
import { referenceMarkdown } from "./reference.ts";
import { type SchemaNode, schemaTree } from "./schemaTree.ts";

function* nodes(node: SchemaNode, path: string): Generator<readonly [string, SchemaNode]> {
  yield [path, node];
  for (const [key, child] of Object.entries(node.properties ?? {})) yield* nodes(child, `${path}.${key}`);
  if (node.additionalProperties) yield* nodes(node.additionalProperties, `${path}.*`);
  if (node.items) yield* nodes(node.items, `${path}[]`);
  for (const [i, option] of (node.anyOf ?? []).entries()) yield* nodes(option, `${path}|${i}`);
}

const ALL = [...nodes(schemaTree(), "")].slice(1);

test("the committed schema and reference are what the schema yields", () => {
  assert.deepEqual(staleTargets(fileURLToPath(new URL("../../", import.meta.url))), []);
});

test("a repository without them is stale", () => {
  assert.deepEqual(staleTargets("/nowhere"), ["schemas/switchyard.schema.json", "docs/config.md"]);
});

test("every key says in one sentence what it is", () => {
  const silent = ALL.filter(([path, node]) => !path.endsWith("|1") && !/^[A-Z`/].*\.$/s.test(node.description ?? ""));
  assert.deepEqual(
    silent.map(([path]) => path),
    [],
  );
});

test("every mapping refuses unknown keys, so that an editor marks them too", () => {
  const loose = ALL.filter(([, node]) => node.type === "object" && node.additionalProperties === undefined);
  assert.deepEqual(
    loose.map(([path]) => path),
    [],
  );
});

test("every key has one row in the reference", () => {
  const page = referenceMarkdown();
  const keys = ALL.map(([path]) => path).filter((path) => !/\[\]$|\|\d$|\|0/.test(path));
  for (const path of keys) {
    const key = path.slice(1).replaceAll(".*", ".<name>").replaceAll("|1", "");
    assert.equal(page.split(`\n| \`${key}\` |`).length, 2, key);
  }
});
