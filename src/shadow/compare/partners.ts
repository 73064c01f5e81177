// Which items of two lists, and which keys of two objects, are one thing, under the rules of a route (shadow N2, §6).
import { areNumbersEqual, numberText } from "../json/decimal.ts";
import { isArray, isNumber, isObject, jsonTypeOf, type JsonObject, type JsonValue } from "../json/values.ts";
import { type BodyPlace, type BodyRules, isTolerant, type NodeRules } from "./bodyRules.ts";
import { Fingerprints, isLoose } from "./fingerprint.ts";
import { type Meetings, UNKNOWN_ID } from "./meetings.ts";
import type { NormaliserContext, Pairing } from "./normalisers.ts";
import { type Named, type Naming, type Pairs, pairUp, settleTies } from "./pairing.ts";
import { timeOf } from "./times.ts";
import { idClassOf } from "./valueClass.ts";

type Items = readonly JsonValue[];
type ByName = Exclude<Pairing, { by: "position" }>;

const UNKNOWN_KEY = JSON.stringify(UNKNOWN_ID);
/** Before the name of an item whose key is an id without a known partner: its partner is guessed by all that it says. */
const GUESSED = "?";

/** Whether only what two items say speaks for it that they are one thing. */
export const isGuessed = ({ by }: Pairing, { name }: Named): boolean => by !== "key" || name.startsWith(GUESSED);

/** Which keys of the candidate have a partner: nearly always each that control has too. */
export class Paired {
  readonly #control: JsonObject;
  #isEachItself = true;
  readonly #others = new Set<string>();
  readonly #alone = new Set<string>();

  constructor(control: JsonObject) {
    this.#control = control;
  }

  add(key: string, other: string | null): void {
    if (other === key) return;
    this.#isEachItself = false;
    this.#alone.add(key);
    if (other !== null) this.#others.add(other);
  }

  /** Those that nobody is the partner of. */
  without(keys: readonly string[]): readonly string[] {
    const isItself = (key: string): boolean =>
      Object.hasOwn(this.#control, key) && (this.#isEachItself || !this.#alone.has(key));
    return keys.filter((key) => !isItself(key) && !this.#others.has(key));
  }
}

export class Partners {
  readonly #rules: BodyRules;
  readonly #context: NormaliserContext;
  readonly #meetings: Meetings | null;
  readonly #prints: Fingerprints;

  constructor(rules: BodyRules, context: NormaliserContext, meetings: Meetings | null) {
    this.#rules = rules;
    this.#context = context;
    this.#meetings = meetings;
    this.#prints = new Fingerprints(rules, meetings);
  }

  /** @param items the place of them all */
  ofItems(control: Items, candidate: Items, pairing: ByName, items: BodyPlace): Pairs {
    const namer = (arm: "control" | "candidate") => {
      const contentOf = (item: JsonValue): string => this.#prints.of(arm, item, items);
      if (pairing.by === "content") return contentOf;
      return (item: JsonValue): string => {
        const name = this.#prints.of(arm, memberOf(item, pairing.key), items.key(pairing.key));
        return name === UNKNOWN_KEY ? GUESSED + contentOf(item) : name;
      };
    };
    /** What decides about an item, and where it stands. */
    const partOf = ({ item, name }: Named): readonly [JsonValue, BodyPlace] =>
      pairing.by === "content" || name.startsWith(GUESSED)
        ? [item, items]
        : [memberOf(item, pairing.key), items.key(pairing.key)];
    const naming: Naming = {
      control: namer("control"),
      candidate: namer("candidate"),
      isLoose,
      matching: {
        keyOf: (named) => this.#nearness(...partOf(named)),
        isAlike: (one, other) => this.#areAlike(partOf(one)[0], ...partOf(other)),
      },
    };
    return pairUp(control, candidate, naming);
  }

  /** Whether two lists of one length may be the same in another order, asked of the items at one place. */
  mayBeReordered(control: Items, candidate: Items, at: number, items: BodyPlace): boolean {
    if (control.length < 2) return false;
    const [one, other] = [control[at] as JsonValue, candidate[at] as JsonValue];
    return (
      candidate.some((each) => this.#prints.areOne(one, each, items)) &&
      control.some((each) => this.#prints.areOne(each, other, items))
    );
  }

  /** The candidate's key for the same thing, or null. */
  ofKey(key: string, control: JsonObject, candidate: JsonObject, { isOpen }: NodeRules): string | null {
    const other = this.#meetings?.candidateOf(key) ?? null;
    const isItself = Object.hasOwn(candidate, key);
    // The name of a field is itself, even if it is spelt like the id of something.
    if (other === null || other === key || (isItself && !isOpen && idClassOf(key) === null))
      return isItself ? key : null;
    return Object.hasOwn(candidate, other) && !Object.hasOwn(control, other) ? other : null;
  }

  #printOf(arm: "control" | "candidate") {
    return (text: string, as: "id" | "text" | "key"): string => this.#meetings?.printOf(arm, text, as) ?? text;
  }

  /** As a comparison would find it, of values with equal fingerprints. */
  #areAlike(control: JsonValue, candidate: JsonValue, place: BodyPlace): boolean {
    if (control === candidate) return true;
    const node = this.#rules.at(place);
    if (node.ignore?.how === "all") return true;
    if (node.ignore?.how === "null-too" && (control === null || candidate === null)) return true;
    if (jsonTypeOf(control) !== jsonTypeOf(candidate)) return false;
    if (node.ignore !== null) return true;
    const isSame = node.same.some(({ normalisers }) =>
      normalisers.some((one) => one.isSame?.(control, candidate, this.#context) === true),
    );
    if (isSame) return true;
    if (isArray(control) && isArray(candidate)) return this.#areListsAlike(control, candidate, place, node);
    if (isObject(control) && isObject(candidate)) return this.#areObjectsAlike(control, candidate, place, node);
    if (isNumber(control) && isNumber(candidate)) {
      if (!node.isId) return areNumbersEqual(control, candidate);
      return this.#areIdsAlike(numberText(control), numberText(candidate), node);
    }
    if (typeof control === "string" && typeof candidate === "string") {
      return this.#areIdsAlike(control, candidate, node);
    }
    return false;
  }

  #areIdsAlike(control: string, candidate: string, { isId }: NodeRules): boolean {
    const as = isId ? "id" : "text";
    return this.#printOf("control")(control, as) === this.#printOf("candidate")(candidate, as);
  }

  #areListsAlike(control: Items, candidate: Items, place: BodyPlace, { pairing }: NodeRules): boolean {
    if (control.length !== candidate.length) return false;
    const how = pairing?.pairing ?? { by: "position" };
    if (how.by !== "position") {
      const { both, control: alone } = this.ofItems(control, candidate, how, place.item());
      return alone.length === 0 && both.every(([one, other]) => this.#areAlike(one.item, other.item, place.item()));
    }
    const { ties } = how;
    const [one, other] =
      ties === undefined ? [control, candidate] : [settleTies(control, ties), settleTies(candidate, ties)];
    return one.every((item, at) => this.#areAlike(item, other[at] as JsonValue, place.item()));
  }

  #areObjectsAlike(control: JsonObject, candidate: JsonObject, place: BodyPlace, node: NodeRules): boolean {
    const paired = new Set<string>();
    const isLeftOut = (key: string): boolean => this.#rules.at(place.key(key)).ignore?.how === "all";
    for (const key of Object.keys(control)) {
      const other = this.ofKey(key, control, candidate, node);
      if (other !== null) paired.add(other);
      const isAlike =
        other === null
          ? isLeftOut(key)
          : this.#areAlike(control[key] as JsonValue, candidate[other] as JsonValue, place.key(key));
      if (!isAlike) return false;
    }
    return Object.keys(candidate).every((key) => paired.has(key) || isLeftOut(key));
  }

  /** The numbers by which values are near each other: of everything in it that a rule compares with tolerance, in one order. */
  #nearness(value: JsonValue, place: BodyPlace): readonly number[] {
    const numbers: number[] = [];
    const collect = (one: JsonValue, at: BodyPlace): void => {
      const node = this.#rules.at(at);
      if (node.ignore !== null) return;
      if (isTolerant(node, one)) numbers.push(numberOf(one));
      else if (!at.goesOn) return;
      else if (isArray(one)) for (const item of one) collect(item, at.item());
      else if (isObject(one)) for (const key of Object.keys(one).sort()) collect(one[key] as JsonValue, at.key(key));
    };
    collect(value, place);
    return numbers;
  }
}

const memberOf = (item: JsonValue, key: string): JsonValue =>
  isObject(item) && Object.hasOwn(item, key) ? (item[key] as JsonValue) : null;

function numberOf(value: JsonValue): number {
  if (isNumber(value)) return Number(numberText(value));
  const time = timeOf(value);
  if (time !== null) return time;
  if (typeof value === "string" || isArray(value)) return value.length;
  return isObject(value) ? Object.keys(value).length : Number(value);
}
