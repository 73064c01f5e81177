// A family as a rule of an operator's file (shadow N4), to be read, signed and reviewed by a person: the report mutes nothing.
import type { DifferenceKind } from "../shadow/ports.ts";
import { day } from "./format.ts";

const DAY_MS = 86_400_000;
/** So long until somebody has to look again. */
const LIVES_MS = 30 * DAY_MS;

interface Place {
  readonly route: string;
  readonly template: string;
  readonly kind: DifferenceKind;
}

/** JSON is YAML; but what is not printable must be escaped there (YAML 1.2 §5.1). */
const quoted = (text: string): string =>
  JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (mark) => `\\u${mark.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** What a rule calls the place; null: rules have no word for it. */
function placeOf(template: string): readonly (readonly [key: string, value: string])[] | null {
  if (template.startsWith("$")) return [["path", quoted(template)]];
  if (template === "status") return [["status", "true"]];
  const [, header] = /^header:([a-z0-9-]+)$/.exec(template) ?? [];
  if (header !== undefined) return [["header", quoted(header)]];
  const [, message, path] = /^message:(.+?)(?: (\$.*))?$/s.exec(template) ?? [];
  if (message === undefined) return null;
  return [["message", quoted(message)], ...(path === undefined ? [] : ([["path", quoted(path)]] as const))];
}

/**
 * Owner and reason are empty, which no rule may be: somebody has to fill them in.
 * @param fromMs the rule lives for 30 days from here on
 */
export function ruleYaml({ route, template, kind }: Place, fromMs: number): string | null {
  const place = placeOf(template);
  if (place === null) return null;
  const rows = [
    ["id", `accept-${kind}-${idOf(`${route} ${template}`)}`],
    ["owner", '""'],
    ["reason", '""'],
    ["until", quoted(day(fromMs + LIVES_MS))],
    ["on", `[${quoted(route)}]`],
    ...place,
    ["kinds", `[${kind}]`],
    ["accept", "true"],
  ];
  return `${rows.map(([key, value], at) => `${at === 0 ? "- " : "  "}${key}: ${value}`).join("\n")}\n`;
}

const ID_CHARS_MAX = 40;

const idOf = (text: string): string =>
  text
    .replace(/[^A-Za-z0-9]+/g, "-")
    .slice(-ID_CHARS_MAX)
    .replace(/^-|-$/g, "");

/** Whether the rule of `one` would hide `other`, too. */
export function isHidden(one: Place, other: Place): boolean {
  if (one.route !== other.route || one.kind !== other.kind) return false;
  return one.template === other.template || patternOf(one.template).test(other.template);
}

/** `.*` in a path stands for any key. */
const patternOf = (template: string): RegExp =>
  new RegExp(
    `^${template
      .split(".*")
      .map((part) => part.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&"))
      .join(String.raw`(?:\.[^.["\]]+|\["(?:[^"\\]|\\.)*"\])`)}$`,
    "u",
  );
