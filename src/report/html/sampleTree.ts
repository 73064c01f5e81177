// Both sides of a sample as one tree, of which only the changed branches are open (shadow §16).
import type { Arm } from "../../kernel/index.ts";
import { plural } from "../format.ts";
import { type Markup, markup } from "../markup.ts";
import { armName } from "./parts.ts";

/** Deeper ones are cut: the comparer reads no deeper either (shadow N3). */
const LEVELS_MAX = 64;
const CHARS_MAX = 200;

/** How much of a page is left; what is not shown for want of it is in the JSON. */
export interface Budget {
  nodes: number;
  isUsedUp: boolean;
}

/** Told apart from everything that JSON can say. */
const NOTHING = Symbol("nothing");
type Side = unknown;

interface Pair {
  readonly name: string;
  readonly control: Side;
  readonly candidate: Side;
}

interface Node extends Pair {
  readonly isChanged: boolean;
  /** Null: at least one side is a single value. */
  readonly children: readonly Node[] | null;
}

const isBranch = (side: Side): side is object => typeof side === "object" && side !== null;

const memberOf = (side: Side, key: string): Side =>
  isBranch(side) && Object.hasOwn(side, key) ? (side as Readonly<Record<string, unknown>>)[key] : NOTHING;

function nodeOf({ name, control, candidate }: Pair, level: number): Node {
  const sides = { name, control, candidate };
  const isList = Array.isArray(control);
  const areBranches = isBranch(control) && isBranch(candidate) && isList === Array.isArray(candidate);
  if (!areBranches) return { ...sides, isChanged: !isSame(control, candidate), children: null };
  if (level >= LEVELS_MAX) return { ...sides, isChanged: false, children: [] };
  const keys = [...new Set([...Object.keys(control), ...Object.keys(candidate)])];
  const children = keys.map((key) =>
    nodeOf(
      { name: isList ? `[${key}]` : key, control: memberOf(control, key), candidate: memberOf(candidate, key) },
      level + 1,
    ),
  );
  return { ...sides, isChanged: children.some((one) => one.isChanged), children };
}

const isSame = (one: Side, other: Side): boolean => one === other || textOf(one) === textOf(other);

function textOf(side: Side): string {
  if (side === NOTHING) return "nothing";
  const text = typeof side === "string" ? side : (JSON.stringify(side) ?? "nothing");
  return text.length > CHARS_MAX ? `${text.slice(0, CHARS_MAX)}…` : text;
}

function write(node: Node, budget: Budget): Markup {
  if (budget.nodes <= 0) {
    budget.isUsedUp = true;
    return markup``;
  }
  budget.nodes -= 1;
  const { name, control, candidate, isChanged, children } = node;
  if (children === null) {
    const sides = isChanged
      ? markup`${side("control", control)}${side("candidate", candidate)}`
      : markup`<code class="quiet">${textOf(control)}</code>`;
    return markup`<li class="${isChanged ? "leaf changed" : "leaf"}"><code>${name}</code>${sides}</li>\n`;
  }
  const changed = children.filter((one) => one.isChanged);
  if (!isChanged) {
    return markup`<li><details><summary><code>${name}</code> <span class="quiet">${plural(children.length, "entry", "entries")}, equal</span></summary>${list(children, budget)}</details></li>\n`;
  }
  const equal = children.filter((one) => !one.isChanged);
  const rest =
    equal.length === 0
      ? null
      : markup`<li><details><summary class="quiet">${equal.length} equal</summary>${list(equal, budget)}</details></li>\n`;
  return markup`<li><details open="open"><summary><code>${name}</code> <span class="quiet">${changed.length} of ${children.length} changed</span></summary><ul>${changed.map((one) => write(one, budget))}${rest}</ul></details></li>\n`;
}

const list = (nodes: readonly Node[], budget: Budget): Markup =>
  nodes.length === 0 ? markup`` : markup`<ul>${nodes.map((one) => write(one, budget))}</ul>`;

const side = (arm: Arm, value: Side): Markup =>
  markup`<span class="side">${armName(arm)} <code>${textOf(value)}</code></span>`;

/** One side alone. */
export const shapeTree = (shape: unknown, budget: Budget): Markup =>
  isBranch(shape)
    ? markup`<ul class="tree">${write(nodeOf({ name: "$", control: shape, candidate: shape }, 0), budget)}</ul>`
    : markup`<code class="quiet">${textOf(shape)}</code>`;

/** A body with both sides, or any other one beside itself. */
export function sampleTree(body: unknown, budget: Budget): Markup {
  const hasSides = memberOf(body, "control") !== NOTHING || memberOf(body, "candidate") !== NOTHING;
  const pair = hasSides
    ? { name: "$", control: memberOf(body, "control"), candidate: memberOf(body, "candidate") }
    : { name: "$", control: body, candidate: body };
  return markup`<ul class="tree">${write(nodeOf(pair, 0), budget)}</ul>`;
}

/** What else a sample says, such as the normalisers that ran; single words and lists of them. */
export function sampleNotes(body: unknown): readonly (readonly [name: string, text: string])[] {
  if (!isBranch(body) || Array.isArray(body) || !Object.hasOwn(body, "control")) return [];
  return Object.entries(body)
    .filter(([name, value]) => name !== "control" && name !== "candidate" && isPlain(value))
    .map(([name, value]) => [name, Array.isArray(value) ? value.join(", ") : String(value)] as const);
}

const isPlain = (value: unknown): boolean =>
  Array.isArray(value)
    ? value.length > 0 && value.every((one) => typeof one === "string" || typeof one === "number")
    : typeof value === "string" || typeof value === "number";
