// Random pairs of JSON texts: one made by fast-check, the other a twin of it in another spelling with none to several changes.
import fc from "fast-check";
import { type Random, seeded } from "../../testing/seeded.ts";

/** digits · 10^exponent */
class Decimal {
  readonly digits: bigint;
  readonly exponent: number;

  constructor(digits: bigint, exponent: number) {
    this.digits = digits;
    this.exponent = exponent;
  }
}

type Member = readonly [key: string, value: Model];
class Members {
  readonly all: readonly Member[];

  constructor(all: readonly Member[]) {
    this.all = all;
  }
}

type Model = null | boolean | string | Decimal | readonly Model[] | Members;

const ODD_TEXTS = [
  ..."__proto__ constructor prototype toString hasOwnProperty length a.b a[0] [*] .. $ * a b c id name".split(" "),
  ..."0 1 01 -1 1e5 1.0 null true NaN ~ ~id ~number ?".split(" "),
  "",
  " ",
  "\n",
  '"',
  "\\",
  "/",
  "\0",
  "\u2028",
  "\ud800",
  "\udc00\ud800",
  "é",
  "e\u0301",
  "💥",
  "\ufeff",
  "{}",
  "[]",
  "c56a4180-65aa-42ec-a945-5fd21dec0538",
  "2026-11-22T10:00:00Z",
  "a@b.example",
  "4294967295",
  "x".repeat(300),
];
/**
 * V8 now and then reads a key of one character that is written as an escape as a backslash (nodejs/node#63785): of such texts the
 * independent differ, which has JSON.parse, knows nothing.
 */
const keyOf = (text: string): string =>
  text.length === 1 && JSON.stringify(text) !== `"${text}"` ? text + text : text;
const text = fc.oneof(
  fc.constantFrom(...ODD_TEXTS),
  fc.string({ maxLength: 6 }),
  fc.string({ unit: "binary", maxLength: 4 }),
);
const decimal = fc
  .tuple(
    fc.oneof(
      fc.bigInt({ min: -20n, max: 20n }),
      fc.bigInt({ min: 2n ** 53n - 2n, max: 2n ** 53n + 2n }),
      fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }),
    ),
    fc.oneof(
      fc.constant(0),
      fc.integer({ min: -30, max: 30 }),
      fc.constantFrom(-400, 308, 309, 1_000_000, -(10 ** 12), Number.MAX_SAFE_INTEGER),
    ),
  )
  .map(([digits, exponent]) => new Decimal(digits, exponent));
const scalar: fc.Arbitrary<Model> = fc.oneof(fc.constantFrom(null, true, false), decimal, decimal, text, text);

const membersOf = (value: fc.Arbitrary<Model>, maxLength: number): fc.Arbitrary<Model> =>
  fc
    .uniqueArray(fc.tuple(text.map(keyOf), value), { selector: ([key]) => key, maxLength })
    .map((all) => new Members(all as readonly Member[]));
const tree = fc.letrec<{ value: Model }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    { arbitrary: scalar, weight: 3 },
    { arbitrary: fc.array(tie("value"), { maxLength: 5 }), weight: 2 },
    { arbitrary: membersOf(tie("value"), 6), weight: 3 },
  ),
})).value;
const wide = fc.oneof(fc.array(scalar, { minLength: 50, maxLength: 150 }), membersOf(scalar, 120));
const deep = fc
  .tuple(tree, fc.array(fc.boolean(), { minLength: 20, maxLength: 55 }))
  .map(([inner, levels]) => levels.reduce<Model>((at, isList) => (isList ? [at] : new Members([["in", at]])), inner));
const body = fc.oneof({ arbitrary: tree, weight: 20 }, { arbitrary: wide, weight: 1 }, { arbitrary: deep, weight: 1 });

export interface TextPair {
  readonly control: string;
  readonly candidate: string;
}

/** The seed decides about the twin, so that fast-check can make the value smaller and leave the changes as they are. */
export const textPairs: fc.Arbitrary<TextPair> = fc
  .tuple(body, fc.nat(), fc.constantFrom(0, 0, 0, 1, 1, 1, 2, 3, 8))
  .map(([model, seed, changes]) => {
    const random = seeded(seed);
    let twin = model;
    for (let change = 0; change < changes; change++) twin = changeOne(twin, random);
    return { control: written(model, () => 0), candidate: written(twin, random() < 0.2 ? () => 0 : random) };
  });

const pick = <T>(all: readonly T[], random: Random): T => all[Math.floor(random() * all.length)] as T;

const REPLACEMENTS: readonly Model[] = [
  null,
  true,
  false,
  "",
  "1",
  new Decimal(1n, 0),
  new Decimal(10n ** 20n + 1n, -20),
  [],
  new Members([]),
  [null, []],
  new Members([["__proto__", new Members([["a", null]])]]),
];

/** Somewhere, at chance: the way down ends at any place with the same likelihood. */
function changeOne(model: Model, random: Random): Model {
  if (Array.isArray(model) && model.length > 0 && random() < 0.75) {
    const at = Math.floor(random() * model.length);
    return (model as readonly Model[]).with(at, changeOne(model[at] as Model, random));
  }
  if (model instanceof Members && model.all.length > 0 && random() < 0.75) {
    const [key, value] = pick(model.all, random);
    return new Members(model.all.map((one) => (one[0] === key ? [key, changeOne(value, random)] : one)));
  }
  return changeHere(model, random);
}

function changeHere(model: Model, random: Random): Model {
  if (Array.isArray(model) && random() < 0.8) return changedList(model, random);
  if (model instanceof Members && random() < 0.8) return changedMembers(model, random);
  if (model instanceof Decimal && random() < 0.7) {
    return random() < 0.5
      ? new Decimal(model.digits + 1n, model.exponent)
      : new Decimal(model.digits, model.exponent + 1);
  }
  return pick(REPLACEMENTS, random);
}

function changedList(list: readonly Model[], random: Random): Model {
  const at = Math.floor(random() * (list.length + 1));
  const [before, after] = [list.slice(0, at), list.slice(at)];
  return pick(
    [
      () => [...before, pick(REPLACEMENTS, random), ...after],
      () => [...before, ...after.slice(1)],
      () => [...after, ...before],
      () => list.toReversed(),
      () => list.map((one) => (random() < 0.5 ? pick(list, random) : one)),
    ],
    random,
  )();
}

function changedMembers({ all }: Members, random: Random): Model {
  const key = keyOf(pick(ODD_TEXTS, random));
  const others = all.filter(([one]) => one !== key);
  return pick(
    [
      () => new Members([...others, [key, pick(REPLACEMENTS, random)]]),
      () => new Members(all.slice(1)),
      () => new Members(all.map(([one, value]) => [one, changeOne(value, random)] as const)),
      () => new Members(others.map(([one, value], at) => (at === 0 ? [key, value] : [one, value]))),
    ],
    random,
  )();
}

/** `random` decides about the spelling; where it is always 0 the plainest. */
function written(model: Model, random: Random): string {
  const blank = (): string => (random() < 0.9 ? "" : pick([" ", "\t", "\n", "\r\n  "], random));
  const write = (one: Model): string => {
    if (one instanceof Decimal) return writtenNumber(one, random);
    if (typeof one === "string") return writtenText(one, random);
    if (Array.isArray(one)) return `[${blank()}${one.map((item: Model) => write(item) + blank()).join(`,${blank()}`)}]`;
    if (!(one instanceof Members)) return JSON.stringify(one);
    const order = random() < 0.5 ? one.all : one.all.toSorted(() => random() - 0.5);
    const members = order.map(
      ([key, value]) => `${writtenText(key, key.length === 1 ? () => 0 : random)}${blank()}:${blank()}${write(value)}`,
    );
    return `{${blank()}${members.join(`${blank()},`)}}`;
  };
  return blank() + write(model) + blank();
}

function writtenText(value: string, random: Random): string {
  if (random() < 0.8) return JSON.stringify(value);
  const marks = Array.from(
    { length: value.length },
    (_, at) => `\\u${value.charCodeAt(at).toString(16).padStart(4, "0")}`,
  );
  return `"${marks.join("")}"`;
}

const ZEROS_MAX = 60;

function writtenNumber({ digits, exponent }: Decimal, random: Random): string {
  const [sign, plain] = digits < 0n ? ["-", String(-digits)] : ["", String(digits)];
  const way = random();
  if (way < 0.4 && exponent >= 0 && exponent <= ZEROS_MAX)
    return `${sign}${plain}${digits === 0n ? "" : "0".repeat(exponent)}`;
  if (way < 0.6 && exponent < 0 && -exponent <= ZEROS_MAX) {
    const filled = plain.padStart(1 - exponent, "0");
    return `${sign}${filled.slice(0, exponent)}.${filled.slice(exponent)}${random() < 0.5 ? "" : "00"}`;
  }
  if (way < 0.8) return `${sign}${plain}e${exponent}`;
  const shifted = exponent + plain.length - 1;
  const fraction = `${plain.slice(1)}${random() < 0.5 ? "0" : ""}`;
  const mark = pick(["e", "E"], random) + (shifted >= 0 ? pick(["", "+", "+0"], random) : "");
  return `${sign}${plain[0]}${fraction === "" ? "" : `.${fraction}`}${mark}${shifted}`;
}
