// Small parts that every section of the page has.
import type { Arm } from "../../kernel/index.ts";
import { type Markup, markup } from "../markup.ts";
import type { RouteState } from "../model.ts";

/** A word with a mark and a colour, so that none of them has to be seen alone. */
const STATES: Readonly<Record<RouteState, readonly [tone: string, mark: string]>> = {
  "not ready": ["bad", "✕"],
  "not enough data": ["open", "…"],
  ready: ["good", "✓"],
  "not mirrored": ["none", "–"],
};

export const toneOf = (state: RouteState): string => STATES[state][0];

export function chip(state: RouteState): Markup {
  const [tone, mark] = STATES[state];
  return markup`<span class="chip ${tone}"><span aria-hidden="true">${mark}</span> ${state}</span>`;
}

/** Circle and triangle (ux §1), drawn around a place; and a hatch for fills that colours alone would not tell apart. Once on a page. */
export const SHAPES = markup`<svg width="0" height="0" aria-hidden="true"><defs><circle id="arm-control" class="control" r="4"/><path id="arm-candidate" class="candidate" d="M0 -5 L5 4 L-5 4 Z"/><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><line class="hatch" x1="0" y1="0" x2="0" y2="6"/></pattern></defs></svg>`;

export const armShape = (arm: Arm): Markup => markup`<use href="#arm-${arm}"/>`;

export const armMark = (arm: Arm): Markup =>
  markup`<svg viewBox="-6 -6 12 12" aria-hidden="true">${armShape(arm)}</svg>`;

export const armName = (arm: Arm, text: string = arm): Markup =>
  markup`<span class="arm">${armMark(arm)}${text}</span>`;

/** May be broken behind its slashes, not inside of a word. */
export const routeName = (route: string): Markup =>
  markup`${route.split("/").map((part, at) => (at === 0 ? part : markup`/<wbr/>${part}`))}`;

export interface Column {
  readonly name: string;
  readonly isNumber?: boolean;
}

export type Cell = string | Markup;

/** The first cell of a row names it. */
export function table(caption: string, columns: readonly Column[], rows: readonly (readonly Cell[])[]): Markup {
  const numeric = (at: number): Markup | null => (columns[at]?.isNumber === true ? markup` class="number"` : null);
  const head = columns.map(({ name }, at) => markup`<th scope="col"${numeric(at)}>${name}</th>`);
  const body = rows.map(([first = "", ...rest]) => {
    const cells = rest.map((cell, at) => markup`<td${numeric(at + 1)}>${cell}</td>`);
    return markup`<tr><th scope="row">${first}</th>${cells}</tr>\n`;
  });
  return markup`<div class="scroll"><table><caption>${caption}</caption><thead><tr>${head}</tr></thead><tbody>
${body}</tbody></table></div>`;
}
