// A strict reader of markup for tests: every tag closed in its order, every attribute quoted, nothing that should be escaped.
import assert from "node:assert/strict";

export interface Element {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: readonly (Element | string)[];
}

interface Open {
  readonly name: string;
  readonly attributes: ReadonlyMap<string, string>;
  readonly children: (Element | string)[];
}

const TAG = /<(?:(!DOCTYPE html|\?xml[^?]*\?)|(\/)?([A-Za-z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/)?)>/y;
const TEXT = /[^<]+/y;
const ENTITY = /&(?!(?:amp|lt|gt|quot|#39|#\d+);)/;
const CONTROLS = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

const unescaped = (text: string): string => {
  assert.doesNotMatch(text, ENTITY);
  const marks: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
  return text.replace(/&([a-z]+|#39);/g, (whole, name: string) => marks[name] ?? whole);
};

/** @throws AssertionError at the first thing that is wrong */
export function readMarkup(source: string): Element {
  assert.doesNotMatch(source, CONTROLS);
  const root: Open = { name: "", attributes: new Map(), children: [] };
  const open = [root];
  for (let at = 0; at < source.length; ) {
    const part = source[at] === "<" ? TAG : TEXT;
    part.lastIndex = at;
    const found = part.exec(source);
    assert.ok(found, `no markup: ${source.slice(at, at + 80)}`);
    at = part.lastIndex;
    const inner = open.at(-1) as Open;
    if (part === TEXT) {
      inner.children.push(unescaped(found[0]));
      continue;
    }
    const [, prolog, isEnd, name = "", attributes = "", isEmpty] = found;
    if (prolog !== undefined) continue;
    if (isEnd !== undefined) {
      assert.equal(inner.name, name, `</${name}> ends <${inner.name}>`);
      open.pop();
      continue;
    }
    const pairs = [...attributes.matchAll(/([\w:-]+)="([^"]*)"/g)].map(
      ([, key = "", value = ""]) => [key, unescaped(value)] as const,
    );
    assert.equal(new Map(pairs).size, pairs.length, `an attribute of <${name}> twice`);
    const element: Open = { name, attributes: new Map(pairs), children: [] };
    inner.children.push(element);
    if (isEmpty === undefined) open.push(element);
  }
  assert.deepEqual(
    open.map(({ name }) => name),
    [""],
    "everything is closed",
  );
  return root;
}

export function* elementsOf(element: Element): Iterable<Element> {
  yield element;
  for (const child of element.children) if (typeof child !== "string") yield* elementsOf(child);
}

export const textOf = (element: Element): string =>
  element.children.map((child) => (typeof child === "string" ? child : textOf(child))).join("");
