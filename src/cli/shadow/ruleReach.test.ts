// What is said of stored differences must be what the comparer does with the values.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compareExchange,
  type ComparisonRule,
  NORMALISERS,
  type Observation,
  RuleBook,
  ruleSchema,
} from "../../shadow/index.ts";
import { type Reach, reachOf, type StoredPlace } from "./ruleReach.ts";

const ROUTE = { id: "GET /notes/:id", methods: ["GET"], paths: ["/notes/:id"], surface: null };
const WORDS = { normalisers: NORMALISERS, statusClass: (status: number) => (status < 300 ? "good" : "bad") };
const CONTEXT = { delayMs: 0, nowMs: 0, shadow: "candidate" as const, conditions: { never: () => false }, ids: null };

interface Said {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: unknown;
}

const observed = (arm: "control" | "candidate", { status = 200, headers = {}, body }: Said): Observation => ({
  arm,
  role: arm === "control" ? "served" : "shadow",
  result: {
    reply: {
      status,
      headers: Object.entries({ "content-type": "application/json", ...headers }).flat(),
      body: Buffer.from(JSON.stringify(body)),
    },
  },
  isCut: false,
  firstByteMs: 1,
  totalMs: 1,
});

function differences(control: Said, candidate: Said, rules: readonly ComparisonRule[]) {
  const book = new RuleBook(rules, WORDS, () => 0);
  const { verdict } = compareExchange(
    observed("control", control),
    observed("candidate", candidate),
    book.forRoute(ROUTE),
    CONTEXT,
  );
  return "differences" in verdict ? verdict.differences.filter(({ acceptedBy }) => acceptedBy === null) : [];
}

const PAIRS: readonly (readonly [Said, Said])[] = [
  [{ body: { a: 1, b: { c: "x", d: [1, 2] }, e: 0 } }, { body: { a: 2, b: { c: "y", d: [1, 2] }, e: 0 } }],
  [{ body: { a: 1, b: { c: "x" }, e: 0 } }, { body: { a: "1", b: {}, e: 0 } }],
  [{ body: { a: null, e: 0 } }, { body: { a: 1, z: 4, e: 0 } }],
  [
    {
      body: {
        b: {
          d: [
            { k: 1, v: 1 },
            { k: 2, v: 2 },
          ],
        },
        e: 0,
      },
    },
    {
      body: {
        b: {
          d: [
            { k: 2, v: 2 },
            { k: 1, v: 1 },
          ],
        },
        e: 0,
      },
    },
  ],
  [{ body: { b: { d: [{ k: 1, v: 1 }] }, e: 0 } }, { body: { b: { d: [{ k: 1, v: 2 }] }, e: 0 } }],
  [{ body: { "b c": { d: 1 }, e: 0 } }, { body: { "b c": { d: 2 }, e: 0 } }],
  [
    { body: {}, headers: { etag: "a", "x-only": "1" } },
    { body: {}, headers: { etag: "b", "x-more": "1" } },
  ],
  [
    { body: {}, status: 200 },
    { body: {}, status: 204 },
  ],
  [
    { body: {}, status: 200 },
    { body: {}, status: 500 },
  ],
  [
    { body: { a: 1, e: 0 }, status: 404 },
    { body: { a: 2, e: 0 }, status: 404 },
  ],
];

const PLACES: readonly object[] = [
  ...["$", "$.a", "$.b", "$.b.c", "$..c", "$.b.*", "$.b.d", "$.b.d[*]", "$.b.d[*].v", "$..v", '$["b c"].d', "$.z"].map(
    (path) => ({ path }),
  ),
  ...["etag", "x-*", "x-only"].map((header) => ({ header })),
  { status: true },
];

const EFFECTS: readonly object[] = [
  { ignore: "value" },
  { ignore: "null-too" },
  { ignore: "all" },
  { accept: true },
  { accept: true, kinds: ["value", "order"] },
  { accept: "never" },
  { compare: ["num(5)"] },
  { compare: ["by(k)"] },
  { compare: ["set"] },
  { compare: ["class"] },
  { severity: "breaking" },
];

/** Every rule that the schema and the comparer take. */
const RULES: readonly ComparisonRule[] = PLACES.flatMap((place) =>
  EFFECTS.flatMap((effect) =>
    [{}, { statuses: ["4xx"] }].flatMap((more) => {
      const named = { id: "r", owner: "t", reason: "t", until: "contract", on: ["GET /notes/{note}"] };
      const { data } = ruleSchema.safeParse({ ...named, ...place, ...effect, ...more });
      try {
        return data === undefined || new RuleBook([data], WORDS, () => 0).ended.length > 0 ? [] : [data];
      } catch {
        return []; // `class` of a path, which no rule may ask for
      }
    }),
  ),
);

test("of each rule it is known whether the comparer would still count the difference, where no value is asked for", () => {
  const seen: Record<Reach, number> = { hides: 0, may: 0, none: 0 };
  const look = ([control, candidate]: (typeof PAIRS)[number], rule: ComparisonRule): void => {
    const left = differences(control, candidate, [rule]);
    for (const one of differences(control, candidate, [])) {
      const reach = reachOf(rule, { ...one, route: ROUTE, status: control.status ?? 200 }, WORDS.statusClass);
      seen[reach] += 1;
      const isLeft = left.some(({ path, kind }) => path === one.path && kind === one.kind);
      const told = `${JSON.stringify(rule)} ${one.path} ${one.kind}`;
      if (reach === "hides") assert.ok(!isLeft, `${told} is not hidden`);
      if (reach === "none") assert.ok(isLeft, `${told} is hidden`);
    }
  };
  for (const pair of PAIRS) for (const rule of RULES) look(pair, rule);
  assert.ok(seen.hides > 50 && seen.may > 20 && seen.none > 500, JSON.stringify(seen));
});

const reach = (rule: object, place: Partial<StoredPlace>): Reach =>
  reachOf(
    ruleSchema.parse({ id: "r", owner: "t", reason: "t", until: "contract", on: ["*"], ...rule }),
    {
      template: "$.a",
      path: place.template ?? "$.a",
      kind: "value",
      control: "text",
      candidate: "text",
      route: ROUTE,
      status: 200,
      ...place,
    },
    WORDS.statusClass,
  );

test("a rule reaches the routes and messages that it names, and no others", () => {
  const socket = { id: "WS /echo", methods: ["WS"], paths: ["/echo"], surface: "echo" };
  const said = { route: socket, template: "message:echo $.text" };
  assert.equal(reach({ on: ["echo"], path: "$.text", accept: true }, said), "hides");
  assert.equal(reach({ on: ["echo"], message: "echo", path: "$.text", accept: true }, said), "hides");
  assert.equal(reach({ on: ["echo"], message: "hello", path: "$.text", accept: true }, said), "none");
  assert.equal(reach({ on: ["WS /echo"], path: "$.text", accept: true }, said), "none");
  assert.equal(reach({ on: ["echo"], message: "echo", accept: true }, { ...said, template: "message:echo" }), "hides");
  assert.equal(reach({ on: ["GET /other"], path: "$.a", accept: true }, {}), "none");
  assert.equal(reach({ message: "a", path: "$.a", accept: true }, {}), "none");
  assert.equal(reach({ on: ["GET /notes/:other"], exclude: true }, {}), "hides");
});

test("what no rule of paths is asked about is not said to be hidden", () => {
  assert.equal(reach({ path: "$", accept: true }, { template: "$", control: "bytes", candidate: "bytes" }), "none");
  const declared = { template: "$.a", kind: "type", control: "boolean", candidate: "boolean" } as const;
  assert.equal(reach({ path: "$.a", ignore: "all" }, declared), "none");
  assert.equal(reach({ path: "$.a", statuses: ["4xx"], accept: true }, { status: null }), "may");
  assert.equal(
    reach({ path: "$.counts.rect", accept: true }, { template: "$.counts.*", path: "$.counts.rect" }),
    "hides",
  );
});
