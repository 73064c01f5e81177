// What of a body may leave the compare thread (shadow P1–P3): by default its shape; values only where an operator asked for them,
// and never those that names, paths or their own look give away.
import { isHarmlessText, isPersonalKey } from "../compare/personal.ts";
import { idClassOf, valueClass } from "../compare/valueClass.ts";
import { isArray, isNumber, isObject, JsonNumber, type JsonObject, type JsonValue } from "../json/values.ts";
import { createMatcher, type Place } from "../paths/matcher.ts";
import type { Fingerprint } from "./fingerprint.ts";

/** `shape`: no value at all. `redacted`: values that nothing speaks against. */
export type BodyPolicy = "shape" | "redacted";

export interface RedactionRules {
  /** Path patterns of values that are never shown. */
  readonly hidden: readonly string[];
  /** Path patterns of values that are names of the protocol, such as codes of errors: shown in a shape too. */
  readonly visible: readonly string[];
}

/** Shown in an evidence row; anything more is cut, and said to be. */
const NODES_MAX = 2_000;

/** By name, whatever the path (shadow P3). */
const HIDDEN_NAME =
  /pass(?:word|wd|phrase|code)|secret|token|cookie|authoriz|authentic|credential|api[-_]?key|e-?mail|phone|mobile|(?:^|[-_.])(?:first|last|full|sur|user|display|given|family|nick)?[-_]?name$|^name$|address|birth|ssn|iban|card|(?:^|[-_.])(?:pin|otp|cvv|cvc|jwt)$/i;

type Mark = "hidden" | "visible";

export class Redactor {
  readonly #place: Place<Mark>;
  readonly #print: Fingerprint;

  /** @throws SyntaxError for a pattern that is none */
  constructor({ hidden, visible }: RedactionRules, print: Fingerprint) {
    this.#place = createMatcher<Mark>([
      ...hidden.map((pattern) => ({ pattern, value: "hidden" as const })),
      ...visible.map((pattern) => ({ pattern, value: "visible" as const })),
    ]);
    this.#print = print;
  }

  /** A value as JSON of the same form, in which every scalar is either shown or a text such as `text(12)#9f86d081884c`. */
  redact(value: JsonValue, policy: BodyPolicy): unknown {
    const left = { nodes: NODES_MAX };
    return this.#write(value, this.#place, policy, false, left);
  }

  /** Of one scalar, alone. */
  shapeOf(value: Scalar): string {
    const kind = valueClass(value) ?? "nothing";
    if (typeof value === "string") return `${kind}(${value.length})#${this.#print(value)}`;
    if (isNumber(value)) return `${kind}#${this.#print(String(value instanceof JsonNumber ? value.text : value))}`;
    return value === null ? "null" : `${kind}#${this.#print(String(value))}`;
  }

  #write(value: JsonValue, at: Place<Mark>, policy: BodyPolicy, isHidden: boolean, left: { nodes: number }): unknown {
    if (left.nodes-- <= 0) return "…";
    const hidden = isHidden || at.found.includes("hidden");
    if (isArray(value)) {
      const items: unknown[] = [];
      for (const item of value) {
        if (left.nodes <= 0) break;
        items.push(this.#write(item, at.item(), policy, hidden, left));
      }
      return items.length < value.length ? [...items, `… ${value.length - items.length} more`] : items;
    }
    if (isObject(value)) {
      const members = Object.create(null) as Record<string, unknown>;
      for (const [key, item] of Object.entries(value)) {
        if (left.nodes <= 0) break;
        const isNamed = hidden || HIDDEN_NAME.test(key);
        members[this.#key(key)] = this.#write(item, at.key(key), policy, isNamed, left);
      }
      return { ...members };
    }
    const isWanted = at.found.includes("visible") || (policy === "redacted" && !isCode(value));
    const isShown = !hidden && isWanted && isHarmless(value);
    return isShown ? plain(value) : this.shapeOf(value);
  }

  /** Keys are names of the protocol, unless they are data themselves. */
  #key(key: string): string {
    return isPersonalKey(key) ? `key#${this.#print(key)}` : key;
  }
}

type Scalar = Exclude<JsonValue, readonly JsonValue[] | JsonObject>;

/** A number, a truth, or a single word that looks like nobody's. */
const isHarmless = (value: Scalar): boolean =>
  typeof value === "boolean" ||
  value === null ||
  isHarmlessText(value instanceof JsonNumber ? value.text : String(value));

/** Letters and digits mixed, as in ids, keys and codes: of those a fingerprint tells as much. Times are none. */
function isCode(value: Scalar): boolean {
  if (typeof value !== "string" || valueClass(value)?.startsWith("time")) return false;
  if (idClassOf(value) !== null) return true;
  const joined = value.replace(/[^A-Za-z\d]/g, "");
  const [digits, letters] = [/\d/g, /[A-Za-z]/g].map((kind) => joined.match(kind)?.length ?? 0) as [number, number];
  const hasMixedRun = value
    .split(/[^A-Za-z\d]+/)
    .some((run) => run.length >= RUN_MIN && /\d/.test(run) && /\D/.test(run));
  return hasMixedRun || (joined.length >= CODE_MIN && digits >= MIXED_MIN && letters >= MIXED_MIN);
}

const RUN_MIN = 8;
const CODE_MIN = 12;
const MIXED_MIN = 3;

/** As a number, so that it is told from a text; how it was spelt is no difference. */
function plain(value: Scalar): null | boolean | string | number {
  if (!(value instanceof JsonNumber)) return value;
  return Number.isFinite(Number(value.text)) ? Number(value.text) : value.text;
}
