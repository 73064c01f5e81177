// Path patterns of rules: `$.folders[*].name`, `$..token`, `$.counts.*`, `$.a["b c"]`. A subset of JSONPath (RFC 9535 §2): no
// filters, no slices, because a rule must be readable at a glance and cheap on every node.

export type Step =
  | { readonly on: "key"; readonly name: string }
  | { readonly on: "any-key" }
  | { readonly on: "item" }
  /** Any number of levels, none too. */
  | { readonly on: "descend" };

const NAME = /\.([\p{L}\p{N}_$-]+|\*)/uy;
const QUOTED = /\["((?:[^"\\]|\\["\\])*)"\]/y;
const ITEM = /\[\*\]/y;

/** @throws SyntaxError saying where the pattern ends to be one */
export function parsePattern(pattern: string): readonly Step[] {
  if (!pattern.startsWith("$")) throw new SyntaxError(`a path pattern starts with "$": ${pattern}`);
  const steps: Step[] = [];
  const read = (part: RegExp, at: number): RegExpExecArray | null => {
    part.lastIndex = at;
    return part.exec(pattern);
  };
  for (let at = 1; at < pattern.length; ) {
    if (pattern.startsWith("..", at)) {
      steps.push({ on: "descend" });
      at += pattern[at + 2] === "[" ? 2 : 1;
    }
    const name = read(NAME, at);
    const found = name ?? read(QUOTED, at) ?? read(ITEM, at);
    if (found === null) throw new SyntaxError(`unexpected "${pattern.slice(at)}" in path pattern ${pattern}`);
    at += found[0].length;
    if (found[1] === undefined) steps.push({ on: "item" });
    else if (name !== null && found[1] === "*") steps.push({ on: "any-key" });
    else steps.push({ on: "key", name: name === null ? found[1].replace(/\\(["\\])/g, "$1") : found[1] });
  }
  return steps;
}

const PLAIN = /^[\p{L}_$][\p{L}\p{N}_$-]*$/u;

/** How a key is written behind a path. */
export const keyText = (key: string): string =>
  PLAIN.test(key) ? `.${key}` : `["${key.replace(/["\\]/g, (mark) => `\\${mark}`)}"]`;
