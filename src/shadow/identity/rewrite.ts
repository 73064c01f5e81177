// Puts the other arm's ids into a copy (shadow M2): whole segments of the path, whole values of the query, whole texts of JSON,
// and where an application says how it embeds an id in a longer text. Everything else stays as it was, byte for byte.

/** What becomes of the ids in one copy. */
export interface Ids {
  /** The other arm's name; null: as it is. */
  nameOf(id: string): string | null;
  /** Its other name is still to come (M3). */
  isAwaited(id: string): boolean;
}

/** Texts that hold an id, such as `mcq-{id}-text`. */
export type IdTemplate = string;

export interface Rewritten<T> {
  readonly value: T;
  /** Ids that were given their other name. */
  readonly used: readonly string[];
  /** Ids that are awaited: the copy may not leave like this. */
  readonly awaited: readonly string[];
}

export interface Rewriter {
  /** Path and query of a request target. */
  target(target: string): Rewritten<string>;
  /** A JSON body or message; any other text comes back as it is. */
  json(text: string): Rewritten<string>;
  /** A whole value, of a header for instance. */
  text(text: string): Rewritten<string>;
}

const escape = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

export function createRewriter(ids: Ids, templates: readonly IdTemplate[] = []): Rewriter {
  const patterns = templates.map((template) => {
    const [before = "", after = ""] = template.split("{id}");
    return new RegExp(`^(${escape(before)})(.+)(${escape(after)})$`, "s");
  });

  const run = <T>(rewrite: (one: (text: string) => string) => T): Rewritten<T> => {
    const [used, awaited] = [new Set<string>(), new Set<string>()];
    const ofId = (id: string): string | null => {
      const name = ids.nameOf(id);
      if (name !== null) used.add(id);
      else if (ids.isAwaited(id)) awaited.add(id);
      return name;
    };
    const one = (text: string): string => {
      const name = ofId(text);
      if (name !== null) return name;
      for (const pattern of patterns) {
        const [, before, id, after] = pattern.exec(text) ?? [];
        const inside = id === undefined ? null : ofId(id);
        if (inside !== null) return `${before}${inside}${after}`;
      }
      return text;
    };
    return { value: rewrite(one), used: [...used], awaited: [...awaited] };
  };

  return {
    target: (target) => run((one) => rewriteTarget(target, one)),
    json: (text) => run((one) => rewriteJson(text, one)),
    text: (text) => run((one) => one(text)),
  };
}

/** Decoded, changed and encoded again; what did not change keeps its spelling. */
function recode(part: string, one: (text: string) => string, encode: (text: string) => string): string {
  let text: string;
  try {
    text = decodeURIComponent(part.replaceAll("+", "%2B"));
  } catch {
    return part;
  }
  const changed = one(text);
  return changed === text ? part : encode(changed);
}

function rewriteTarget(target: string, one: (text: string) => string): string {
  const mark = target.indexOf("?");
  const path = mark < 0 ? target : target.slice(0, mark);
  const segments = path.split("/").map((segment) => recode(segment, one, encodeURIComponent));
  if (mark < 0) return segments.join("/");
  const pairs = target.slice(mark + 1).split("&");
  const query = pairs.map((pair) => {
    const at = pair.indexOf("=");
    if (at < 0) return pair;
    return `${pair.slice(0, at + 1)}${recode(pair.slice(at + 1), one, encodeURIComponent)}`;
  });
  return `${segments.join("/")}?${query.join("&")}`;
}

/** Texts of JSON, with the mark behind them that makes one a key. */
const TEXT = /"(?:[^"\\\u0000-\u001f]|\\.)*"(\s*:)?/gs;

function rewriteJson(text: string, one: (text: string) => string): string {
  return text.replace(TEXT, (token, key: string | undefined) => {
    if (key !== undefined) return token;
    let value: string;
    try {
      value = JSON.parse(token) as string;
    } catch {
      return token;
    }
    const changed = one(value);
    return changed === value ? token : JSON.stringify(changed);
  });
}
