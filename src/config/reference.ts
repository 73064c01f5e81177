import { nodeAt, type SchemaNode, schemaTree } from "./schemaTree.ts";

/** `schemas/switchyard.schema.json`: for editors; the loader itself reads the zod schema. */
export function schemaJson(): string {
  const { $schema, ...rest } = schemaTree() as SchemaNode & { readonly $schema?: string };
  const head = { $schema, $id: "urn:switchyard:config", title: "Configuration of Switchyard" };
  return `${JSON.stringify({ ...head, ...rest }, null, 2)}\n`;
}

interface Row {
  readonly key: string;
  readonly type: string;
  readonly fallback: string;
  readonly description: string;
}

/** One row per key, parents before children; `<unit>` and `[]` stand for any name and any entry. */
function rowsOf(node: SchemaNode, path: string, isRequired: boolean): Row[] {
  const shape = node.anyOf?.find((option) => option.type === "object") ?? node;
  const rows: Row[] = path === "" ? [] : [toRow(node, shape, path, isRequired)];
  for (const [key, child] of Object.entries(shape.properties ?? {})) {
    rows.push(...rowsOf(child, path === "" ? key : `${path}.${key}`, shape.required?.includes(key) ?? false));
  }
  if (shape.additionalProperties) rows.push(...rowsOf(shape.additionalProperties, `${path}.<name>`, false));
  if (shape.items && (shape.items.anyOf || shape.items.properties))
    rows.push(...rowsOf(shape.items, `${path}[]`, false));
  return rows;
}

function toRow(node: SchemaNode, shape: SchemaNode, key: string, isRequired: boolean): Row {
  const hasParts = shape.properties !== undefined || shape.additionalProperties !== undefined;
  const fallback = isRequired
    ? "required"
    : hasParts || node.default === undefined
      ? "–"
      : `\`${JSON.stringify(node.default)}\``;
  return {
    key,
    type: typeOf(node, shape),
    fallback: fallback.replaceAll('"', ""),
    description: node.description ?? ENTRY,
  };
}

const ENTRY = "An entry.";

const hasParts = (node: SchemaNode): boolean =>
  node.properties !== undefined || (node.additionalProperties ?? false) !== false;

function typeOf(node: SchemaNode, shape: SchemaNode): string {
  if (node.anyOf) return `${node.anyOf[0]?.title ?? "value"} or mapping`;
  if (shape.enum) return shape.enum.map((word) => `\`${word}\``).join(" or ");
  if (shape.type === "array") {
    const item = shape.items ? typeOf(shape.items, shape.items) : "value";
    return `list of ${item}`;
  }
  return shape.type === "object" ? "mapping" : (shape.title ?? shape.type ?? "value");
}

const INTRO = `# Configuration

One YAML file, \`switchyard.config.yaml\` unless \`--config\` names another. \`switchyard validate\` checks it without touching the network and lists
everything that is wrong at once; \`switchyard config show --effective\` shows each value with its origin.

This page is generated from the schema: \`node src/config/generate.ts\`.

**Order.** Defaults, then the file, then variables, then flags of the command line. A variable names a path with double underscores:
\`SWITCHYARD__ARMS__CONTROL__URL\`, \`SWITCHYARD__LIMITS__HEAD_TIME\`. Lists are given as \`a, b\` or \`[a, b]\`. Names with a single underscore are no settings.

**Values** carry their unit; a bare number is refused, counts excepted.

| Type | Forms |
|---|---|
| duration | \`250ms\`, \`2s\`, \`2m\`, \`1h\`, \`1d\` |
| size | \`512B\`, \`64KiB\`, \`1MiB\`, \`2GiB\` |
| rate | \`50/s\`, \`120/min\`, \`600/h\` |
| count | a whole number |
| switch | \`true\`, \`false\` |
| address | \`127.0.0.1:8000\`, \`[::1]:8000\`; port 0 takes a free one |
| origin | scheme, host and port: \`https://api.example.org\` |
| match | methods and pattern: \`GET /a/:id\`, \`GET|POST /a\`, \`* /a/**\` (every call), \`WS /ws/:id\` (sockets) |

**Secrets** never stand in the file: an \`…Env\` key names a variable, an \`…File\` key names a file. Both need at least 32 bytes.

**Patterns.** \`:name\` is one segment, \`**\` at the end is everything below and the path itself. The more specific pattern wins: literal before
\`:name\` before \`**\`. Two units never share a call; \`*\` never takes sockets.

**Strict.** Unknown keys, keys that would have no effect, duplicate keys, tabs, words that YAML versions read differently (\`no\`, \`on\`,
dates, leading zeros), more than 100 aliases, 32 levels or 1 MiB are errors. Relative paths start at the working directory.

**Reload.** On SIGHUP or when the file is saved it is checked first and applied whole or not at all. \`listen\`, \`workers\`, \`stateDir\` and
\`admin.listen\` need a restart.
`;

/** `docs/config.md`: one table per section of the file. */
export function referenceMarkdown(): string {
  const root = schemaTree();
  const keys = Object.keys(root.properties ?? {});
  const isPlain = (key: string): boolean => !hasParts(nodeAt([key]) ?? {});
  const rows = (key: string): Row[] => rowsOf(nodeAt([key]) ?? {}, key, root.required?.includes(key) ?? false);
  const groups = [table("The process", keys.filter(isPlain).flatMap(rows))];
  for (const key of keys) if (!isPlain(key)) groups.push(table(`\`${key}\``, rows(key)));
  return `${INTRO}\n${groups.join("\n")}`;
}

function table(title: string, rows: readonly Row[]): string {
  const lines = rows.map(
    (row) => `| \`${row.key}\` | ${[row.type, row.fallback, row.description].map(cell).join(" | ")} |`,
  );
  return `## ${title}\n\n| Key | Type | Default | Meaning |\n|---|---|---|---|\n${lines.join("\n")}\n`;
}

const cell = (text: string): string => text.replaceAll("|", "\\|");
