// Any evidence there may be, with names that try to break out of every format.
import fc from "fast-check";
import {
  type Confirmation,
  type FamilyRow,
  type NotComparedReason,
  type SampleRow,
  SEVERITIES,
  VERDICTS,
} from "../../shadow/ports.ts";
import type { ReportInput } from "../input.ts";

const REASONS: readonly NotComparedReason[] = ["queue_full", "target_down", "body_too_large", "diverged", "rule"];
const KINDS = ["missing", "extra", "type", "value", "order", "status"] as const;
const STATES = ["open", "accepted", "fixed", "regressed"] as const;
const CONFIRMED: readonly (Confirmation | null)[] = [null, "breaking", "re-checks", "family-test"];

/** What every writer must show as text. */
export const HOSTILE = [
  "<script>alert(1)</script>",
  '"><img src=x onerror="alert(1)">',
  "'onmouseover='alert(1)",
  "]]><x>",
  "<!--",
  "&amp;&#60;b&#62;",
  "a|b\n# c\n|---|",
  "`` ` ``",
  "@everyone [x](javascript:alert(1))",
  "\u0000\u001b[31m\u202e\ud800",
  "$.a\r\n- id: x",
];

const text = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ maxLength: 30 }),
  fc.string({ unit: "binary", maxLength: 8 }),
);
const route = fc.oneof(text, fc.constantFrom("GET /a/:id", "WS /b", "POST /c"));
const some = fc.oneof(fc.nat(3), fc.nat(5_000), fc.nat(5_000_000));
const countsOf = <Name extends string>(names: readonly Name[]) =>
  fc.dictionary(fc.constantFrom(...names), some, { maxKeys: 6 }) as fc.Arbitrary<Partial<Record<Name, number>>>;
const buckets = fc.dictionary(fc.nat(120).map(String), fc.integer({ min: 1, max: 1_000 }), { maxKeys: 8 });
const time = fc.integer({ min: 0, max: 2_000_000_000_000 });

const totals = fc.uniqueArray(
  fc.record({
    route,
    sampled: some,
    verdicts: countsOf(VERDICTS.filter((name) => name !== "not_compared")),
    notCompared: countsOf(REASONS),
    latency: fc.record({ control: buckets, candidate: buckets }),
  }),
  { selector: (one) => one.route, maxLength: 60 },
);

const families = fc.uniqueArray(
  fc.record({
    name: text,
    route,
    template: fc.oneof(
      text,
      text.map((one) => `$.${one}`),
      fc.constantFrom("status", "close", "header:etag", "$.a[*].b"),
    ),
    kind: fc.constantFrom(...KINDS),
    severity: fc.constantFrom(...SEVERITIES),
    control: fc.option(text),
    candidate: fc.option(text),
    state: fc.constantFrom(...STATES),
    differing: some,
    groups: some,
    confirmedBy: fc.constantFrom(...CONFIRMED),
    firstSeenMs: time,
    lastSeenMs: time,
    firstBuild: text,
    lastBuild: text,
    isCarried: fc.boolean(),
    fixed: fc.option(fc.record({ atMs: time, build: text })),
  }),
  { selector: (one) => one.name, maxLength: 20 },
);

const found = fc.record({
  template: text,
  path: text,
  kind: fc.constantFrom("missing", "value"),
  severity: fc.constant("value"),
  control: fc.option(text),
  candidate: fc.option(text),
});
const frame = fc.record({
  who: fc.constantFrom("client", "control", "candidate"),
  turn: fc.nat(5),
  type: fc.option(text),
  ms: fc.nat(9_999),
  chars: fc.nat(9_999),
  parts: fc.option(fc.nat(9)),
  state: fc.option(fc.constantFrom("matched", "changed", "missing", "before", "behind")),
  link: fc.option(fc.nat(3)),
  body: fc.dictionary(text, text),
});
const differences = fc.array(found, { maxLength: 3 });
/** Conversations, documents and calls that were made again. */
const seen = fc.oneof(
  fc.record({
    differences,
    conversation: fc.record({
      turn: fc.nat(5),
      first: fc.option(fc.nat(5)),
      frames: fc.array(frame, { maxLength: 6 }),
      leftOut: fc.nat(5),
    }),
  }),
  fc.record({
    differences,
    document: fc.record({
      root: fc.option(text),
      control: fc.dictionary(text, text),
      candidate: fc.dictionary(text, text),
      vectors: fc.array(fc.record({ client: text, control: fc.nat(9), candidate: fc.nat(9) }), { maxLength: 3 }),
      leftOut: fc.nat(5),
    }),
  }),
  fc.record({
    differences,
    control: fc.constant(null),
    candidate: fc.constant(null),
    again: fc.record({
      rechecks: fc.array(
        fc.record(
          { arms: fc.array(text), control: fc.array(text), candidate: fc.array(text) },
          { noNullPrototype: true },
        ),
        { maxLength: 2 },
      ),
      repeat: fc.option(fc.array(text)),
    }),
  }),
);

const body = fc.oneof(
  seen,
  fc.json({ maxDepth: 4 }).map((json) => JSON.parse(json) as unknown),
  fc.record({ control: fc.dictionary(text, text), candidate: fc.dictionary(text, text), normalisers: fc.array(text) }),
);

const samplesOf = (row: FamilyRow): fc.Arbitrary<readonly [string, readonly SampleRow[]]> =>
  fc
    .uniqueArray(fc.record({ family: fc.constant(row.name), place: fc.nat(20), group: text, atMs: time, body }), {
      selector: ({ place }) => place,
      maxLength: 4,
    })
    .map((rows) => [row.name, rows] as const);

const rule = fc.record({ id: text, owner: text, reason: text, until: fc.constantFrom("2026-01-01", "contract") });

const facts = fc.record({
  routes: fc.uniqueArray(
    fc.record(
      {
        route,
        kind: fc.constantFrom("http", "socket"),
        mode: fc.constantFrom("never", "read", "sandbox"),
        limit: fc.constantFrom(0, 0.001, 0.02, 1),
      },
      { requiredKeys: ["route", "kind", "mode"] },
    ),
    { selector: (one) => one.route, maxLength: 20 },
  ),
  groups: fc.option(fc.record({ waiting: some, seeded: some, diverged: some })),
  groupsCompared: fc.option(some),
  expiredRules: fc.uniqueArray(
    fc.tuple(rule, fc.uniqueArray(text, { maxLength: 3 })).map(([one, on]) => ({ ...one, on })),
    { selector: ({ id }) => id, maxLength: 8 },
  ),
  guards: fc.record({
    control: fc.constantFrom("required", "network", null),
    candidate: fc.constantFrom("required", "network", null),
  }),
  areRepeatsOn: fc.boolean(),
  areModelsLive: fc.boolean(),
});

export const anyEvidence: fc.Arbitrary<ReportInput> = fc
  .record({ totals, families, facts, accepting: rule, unit: text, build: text, window: fc.tuple(time, time) })
  .chain(({ families: rows, ...rest }) =>
    fc.tuple(
      fc.constant({ rows, ...rest }),
      fc.tuple(...rows.map(samplesOf)),
      fc.array(fc.tuple(text, time, time), { maxLength: 4 }),
    ),
  )
  .map(([{ rows, facts: known, accepting, unit, build, window, totals: counted }, samples, gaps]) => ({
    campaign: { id: "c", unit, controlBuild: build, candidateBuild: build, rulesHash: build, startedMs: window[0] },
    window: { fromMs: Math.min(...window), toMs: Math.max(...window) },
    totals: counted as ReportInput["totals"],
    families: rows,
    samples: new Map(samples),
    gaps: gaps.map(([process, fromMs, toMs]) => ({ process, fromMs, toMs })),
    facts: {
      ...known,
      acceptedBy: new Map(rows.slice(0, 2).map(({ name }) => [name, accepting])),
    } as ReportInput["facts"],
  }));

/** The same evidence, its rows read in another order. */
export function shuffled(input: ReportInput, random: () => number): ReportInput {
  const mixed = <T>(items: Iterable<T>): T[] =>
    [...items]
      .map((item) => ({ item, at: random() }))
      .sort((one, other) => one.at - other.at)
      .map(({ item }) => item);
  const record = <T extends object>(counts: T): T => Object.fromEntries(mixed(Object.entries(counts))) as T;
  const { facts } = input;
  return {
    ...input,
    totals: mixed(input.totals).map((one) =>
      record({ ...one, verdicts: record(one.verdicts), notCompared: record(one.notCompared) }),
    ),
    families: mixed(input.families).map(record),
    samples: new Map(mixed(input.samples).map(([name, rows]) => [name, mixed(rows).map(record)])),
    gaps: mixed(input.gaps),
    facts: record({
      ...facts,
      routes: mixed(facts.routes),
      expiredRules: mixed(facts.expiredRules),
      acceptedBy: new Map(mixed(facts.acceptedBy)),
    }),
  };
}
