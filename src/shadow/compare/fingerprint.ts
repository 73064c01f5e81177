// A text for a value that is equal for values a comparison takes for equal: pairs items of arrays in O(n log n) (shadow N2).
// What a rule ignores or compares with tolerance is left out; of what is in lists and objects only the scalars are.
import { hash } from "node:crypto";
import type { Arm } from "../../kernel/index.ts";
import { areNumbersEqual, canonicalNumber, numberText } from "../json/decimal.ts";
import { isArray, isNumber, isObject, type JsonObject, jsonTypeOf, type JsonValue } from "../json/values.ts";
import { type BodyPlace, type BodyRules, isTolerant, type NodeRules } from "./bodyRules.ts";
import type { Meetings } from "./meetings.ts";

/** Longer texts are told by their hash: what is deep in lists would be written out at every level above it. */
const TEXT_MAX = 1_024;
/** What says of a fingerprint that two values with it may differ. */
const LOOSE = "~";

const folded = (text: string): string =>
  text.length <= TEXT_MAX ? text : `${text.includes(LOOSE) ? LOOSE : ""}#${hash("sha256", text, "base64")}`;

export const isLoose = (fingerprint: string): boolean => fingerprint.includes(LOOSE);

export class Fingerprints {
  readonly #rules: BodyRules;
  readonly #meetings: Meetings | null;
  readonly #known = { control: new Map<object, string>(), candidate: new Map<object, string>() };
  /** Of the meetings, when they were written. */
  #version = 0;

  constructor(rules: BodyRules, meetings: Meetings | null) {
    this.#rules = rules;
    this.#meetings = meetings;
  }

  of(arm: Arm, value: JsonValue, place: BodyPlace): string {
    const version = this.#meetings?.version ?? 0;
    if (version !== this.#version) {
      this.#version = version;
      this.#known.control.clear();
      this.#known.candidate.clear();
    }
    return this.#item(arm, value, place);
  }

  /** A list in a list is asked for again when it is walked itself. */
  #item(arm: Arm, value: JsonValue, place: BodyPlace): string {
    if (!isArray(value) && !isObject(value)) return this.#write(arm, value, place);
    let known = this.#known[arm].get(value);
    if (known === undefined) {
      known = this.#write(arm, value, place);
      this.#known[arm].set(value, known);
    }
    return known;
  }

  #write(arm: Arm, one: JsonValue, at: BodyPlace): string {
    const node = this.#rules.at(at);
    const left = leftOut(node, one);
    if (left !== null) return left;
    if (one === null || typeof one === "boolean") return String(one);
    if (typeof one === "string") return JSON.stringify(this.#printOf(arm, one, node));
    if (isNumber(one))
      return node.isId ? JSON.stringify(this.#printOf(arm, numberText(one), node)) : canonicalNumber(one);
    if (isArray(one)) {
      const place = at.item();
      const items = one.map((item) => this.#item(arm, item, place));
      if (node.pairing !== null && node.pairing.pairing.by !== "position") items.sort();
      return folded(`[${items.join()}]`);
    }
    return this.#writeObject(arm, one, at);
  }

  #writeObject(arm: Arm, one: JsonObject, at: BodyPlace): string {
    const members: string[] = [];
    for (const key of Object.keys(one)) {
      const under = at.key(key);
      // Whether it is there does not matter either.
      if (at.goesOn && this.#rules.at(under).ignore?.how === "all") continue;
      const print = this.#meetings?.printOf(arm, key, "key") ?? key;
      members.push(`${JSON.stringify(print)}:${this.#write(arm, one[key] as JsonValue, under)}`);
    }
    return folded(`{${members.sort().join()}}`);
  }

  #printOf(arm: Arm, text: string, { isId }: NodeRules): string {
    return this.#meetings?.printOf(arm, text, isId ? "id" : "text") ?? text;
  }

  /** Whether both arms' values have one fingerprint, found out without writing it: most differ early. */
  areOne(control: JsonValue, candidate: JsonValue, at: BodyPlace): boolean {
    const node = this.#rules.at(at);
    const left = leftOut(node, control);
    if (left !== null || leftOut(node, candidate) !== null) return left === leftOut(node, candidate);
    if (isArray(control)) return isArray(candidate) && this.#areListsOne(control, candidate, at, node);
    if (isObject(control)) return isObject(candidate) && this.#areObjectsOne(control, candidate, at);
    if (isArray(candidate) || isObject(candidate)) return false;
    if (node.isId) return this.#write("control", control, at) === this.#write("candidate", candidate, at);
    if (isNumber(control)) return isNumber(candidate) && areNumbersEqual(control, candidate);
    if (typeof control !== "string" || typeof candidate !== "string") return control === candidate;
    if (this.#meetings === null) return control === candidate;
    return this.#printOf("control", control, node) === this.#printOf("candidate", candidate, node);
  }

  #areListsOne(
    control: readonly JsonValue[],
    candidate: readonly JsonValue[],
    at: BodyPlace,
    { pairing }: NodeRules,
  ): boolean {
    if (control.length !== candidate.length) return false;
    if (pairing !== null && pairing.pairing.by !== "position")
      return this.#write("control", control, at) === this.#write("candidate", candidate, at);
    const place = at.item();
    return control.every((item, index) => this.areOne(item, candidate[index] as JsonValue, place));
  }

  #areObjectsOne(control: JsonObject, candidate: JsonObject, at: BodyPlace): boolean {
    const keys = this.#keysOf("control", control, at);
    const others = this.#keysOf("candidate", candidate, at);
    // Keys that are called otherwise are seldom.
    if (keys === null || others === null) {
      return this.#write("control", control, at) === this.#write("candidate", candidate, at);
    }
    return (
      keys.length === others.length &&
      keys.every(
        (key) =>
          Object.hasOwn(candidate, key) &&
          this.areOne(control[key] as JsonValue, candidate[key] as JsonValue, at.key(key)),
      )
    );
  }

  /** Null: some of them are ids of things. */
  #keysOf(arm: Arm, value: JsonObject, at: BodyPlace): readonly string[] | null {
    const keys = Object.keys(value);
    if (this.#meetings?.hasPairs === true && keys.some((key) => this.#meetings?.printOf(arm, key, "key") !== key))
      return null;
    return at.goesOn ? keys.filter((key) => this.#rules.at(at.key(key)).ignore?.how !== "all") : keys;
  }
}

/** Of a whole body or message, where no ids are known. */
export const fingerprintOf = (value: JsonValue, rules: BodyRules): string =>
  new Fingerprints(rules, null).of("control", value, rules.root);

/** Null: it counts. */
function leftOut(node: NodeRules, one: JsonValue): string | null {
  if (node.ignore !== null) return node.ignore.how === "value" ? LOOSE + jsonTypeOf(one) : LOOSE;
  return isTolerant(node, one) ? LOOSE + jsonTypeOf(one) : null;
}
