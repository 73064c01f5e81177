import { distance } from "fastest-levenshtein";
import { parse } from "yaml";
import { type Path, pathText } from "./paths.ts";
import { closest, type ConfigProblem, type Fault } from "./problems.ts";
import { nodeAt, type SchemaNode, schemaTree } from "./schemaTree.ts";

/** A setting from outside the file. */
export interface Setting {
  readonly path: Path;
  readonly value: unknown;
  /** `env SWITCHYARD__LISTEN` or `flag`, as `config show` prints it. */
  readonly origin: string;
  readonly name: string;
}

export interface SettingsRead {
  readonly settings: readonly Setting[];
  readonly problems: readonly ConfigProblem[];
}

const PREFIX = "SWITCHYARD__";

/** `SWITCHYARD__ARMS__CONTROL__URL` is `arms.control.url`; names with a single underscore are no settings (ux.md §4). */
export function readVariables(env: Readonly<Record<string, string | undefined>>, tree: unknown): SettingsRead {
  const settings: Setting[] = [];
  const problems: ConfigProblem[] = [];
  for (const name of Object.keys(env)
    .filter((key) => key.startsWith(PREFIX))
    .sort()) {
    const found = resolve(name.slice(PREFIX.length).split("__"), tree);
    if ("fault" in found) problems.push(toProblem(name, "", found.fault));
    else
      settings.push({ path: found.path, value: readValue(env[name] ?? "", found.node), origin: `env ${name}`, name });
  }
  return { settings, problems };
}

/** Settings of the command line: `arms.control.url`. Texts are read like variables, everything else is taken as it is. */
export function readOverrides(overrides: Readonly<Record<string, unknown>>): SettingsRead {
  const settings: Setting[] = [];
  for (const [dotted, value] of Object.entries(overrides)) {
    const path = dotted.split(".");
    const node = nodeAt(path);
    settings.push({
      path,
      value: typeof value === "string" && node !== null ? readValue(value, node) : value,
      origin: "flag",
      name: `flag ${dotted}`,
    });
  }
  return { settings, problems: [] };
}

const toProblem = (variable: string, path: string, fault: Fault): ConfigProblem => ({
  severity: "error",
  line: 0,
  col: 0,
  variable,
  path,
  ...fault,
});

type Resolved = { readonly path: Path; readonly node: SchemaNode } | { readonly fault: Fault };

function resolve(parts: readonly string[], tree: unknown): Resolved {
  const path: string[] = [];
  let value = tree;
  for (const part of parts) {
    const node = nodeAt(path, schemaTree());
    const names = Object.keys(node?.properties ?? {});
    const known = names.find((name) => fold(name) === fold(part));
    const id = known ?? (node?.additionalProperties ? unitName(part, value) : undefined);
    if (id === undefined) return { fault: unknown(part, path, names) };
    path.push(id);
    value = (value as Record<string, unknown> | undefined)?.[id];
  }
  const node = nodeAt(path);
  return node === null ? { fault: { what: "names no setting" } } : { path, node };
}

const fold = (name: string): string => name.replaceAll("_", "").toLowerCase();

/** Variables have no lower case: a unit of the file is found by its folded name, a new one is lower-cased. */
const unitName = (part: string, units: unknown): string =>
  Object.keys(units ?? {}).find((id) => fold(id.replaceAll("-", "_")) === fold(part)) ??
  part.toLowerCase().replaceAll("_", "-");

function unknown(part: string, path: Path, names: readonly string[]): Fault {
  const meant = closest(fold(part), names, distance);
  const what = "names no setting";
  if (meant === null)
    return {
      what,
      expected: names.length === 0 ? `${pathText(path)} has no parts` : `one of ${names.map(spell).join(", ")}`,
    };
  return { what, didYouMean: PREFIX + [...path.map((name) => spell(String(name))), spell(meant)].join("__") };
}

const spell = (name: string): string =>
  name
    .replace(/[A-Z]/g, (letter) => `_${letter}`)
    .replaceAll("-", "_")
    .toUpperCase();

/** A variable is a text; what kind of value it means is the schema's to say. */
function readValue(text: string, node: SchemaNode): unknown {
  if (node.type === "string") return text;
  if (node.type === "integer") return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  if (node.type === "boolean") return text === "true" ? true : text === "false" ? false : text;
  if (node.type === "array" && !text.trim().startsWith("["))
    return text
      .split(",")
      .map((item) => item.trim())
      .filter((item) => item !== "");
  try {
    return parse(text, { maxAliasCount: 0 });
  } catch {
    return text; // the schema then says what was expected
  }
}
