// Puts the other arm's ids into a copy (shadow M2): whole segments of the path, whole values of the query, whole texts of JSON,
// and where an application says how it embeds an id in a longer text. Everything else stays as it was, byte for byte.

import { readJson } from "../json/reader.ts";

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

/** Every text that is a value, by hand: a regular expression would take long on texts without an end, and fail on long ones. */
function rewriteJson(text: string, one: (text: string) => string): string {
  // Nothing inside of what is no JSON (M2).
  if ("undecodable" in readJson(text)) return text;
  let out = "";
  let plain = 0;
  for (let at = text.indexOf('"'); at >= 0; ) {
    const end = endOfText(text, at);
    const changed = isKey(text, end) ? null : changedToken(text.slice(at, end), one);
    if (changed !== null) {
      out += text.slice(plain, at) + changed;
      plain = end;
    }
    at = text.indexOf('"', end);
  }
  return out + text.slice(plain);
}

/** Null: it stays as it is written. */
function changedToken(token: string, one: (text: string) => string): string | null {
  const value = JSON.parse(token) as string;
  const changed = one(value);
  return changed === value ? null : JSON.stringify(changed);
}

/** Behind the closing mark. */
function endOfText(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const mark = text.charCodeAt(at);
    if (mark === 0x5c) at += 1;
    else if (mark === 0x22) return at + 1;
  }
  return text.length;
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (text[at] === " " || text[at] === "\n" || text[at] === "\r" || text[at] === "\t") at++;
  return text[at] === ":";
}
