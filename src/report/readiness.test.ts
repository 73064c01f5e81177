import assert from "node:assert/strict";
import { test } from "node:test";
import type { FamilyRow, RouteTotals } from "../shadow/ports.ts";
import { buildReport } from "./buildReport.ts";
import type { Gate, ReportInput, RouteFacts } from "./input.ts";
import type { ShadowReport } from "./model.ts";
import { EVIDENCE } from "./testing/evidence.ts";

type Counts = Partial<Pick<RouteTotals, "verdicts" | "notCompared">>;

const family = (facts: Partial<FamilyRow>): FamilyRow => ({
  ...(EVIDENCE.families[0] as FamilyRow),
  route: "GET /a",
  ...facts,
});

interface Case {
  /** By route. */
  readonly counts: Readonly<Record<string, Counts>>;
  readonly routes?: readonly RouteFacts[];
  readonly families?: readonly FamilyRow[];
  readonly gate?: Partial<Gate>;
}

const read = (route: string, limit?: number): RouteFacts => ({
  route,
  kind: "http",
  mode: "read",
  ...(limit === undefined ? {} : { limit }),
});

function reportOf({ counts, routes = [read("GET /a")], families = [], gate = {} }: Case): ShadowReport {
  const sum = (one: object = {}): number =>
    Object.values(one as Record<string, number>).reduce((all, next) => all + next, 0);
  const input: ReportInput = {
    ...EVIDENCE,
    totals: Object.entries(counts).map(([route, { verdicts = {}, notCompared = {} }]) => ({
      route,
      sampled: sum(verdicts) + sum(notCompared),
      verdicts,
      notCompared,
      latency: { control: {}, candidate: {} },
    })),
    families,
    facts: { ...EVIDENCE.facts, routes, gate },
  };
  return buildReport(input);
}

const CLEAN = { verdicts: { identical: 10_000 } };

const CASES: readonly (readonly [name: string, state: string, rule: string | null, given: Case])[] = [
  ["enough and alike is ready", "ready", null, { counts: { "GET /a": CLEAN } }],
  [
    "noise, accepted, equivalent and transient ones do not count",
    "ready",
    null,
    {
      counts: {
        "GET /a": { verdicts: { identical: 9_000, noise: 500, accepted: 300, equivalent: 100, transient: 100 } },
      },
    },
  ],
  ["nothing sampled is not enough data", "not enough data", "comparisons", { counts: {} }],
  [
    "250 alike cannot show a share below 0.5 %",
    "not enough data",
    "mismatch",
    { counts: { "GET /a": { verdicts: { identical: 250 } } } },
  ],
  [
    "200 comparisons are enough for a limit that they can show",
    "ready",
    null,
    { counts: { "GET /a": { verdicts: { identical: 200 } } }, routes: [read("GET /a", 0.02)] },
  ],
  [
    "one less is not",
    "not enough data",
    "comparisons",
    { counts: { "GET /a": { verdicts: { identical: 199 } } }, routes: [read("GET /a", 0.02)] },
  ],
  [
    "a share above the limit is not ready",
    "not ready",
    "mismatch",
    { counts: { "GET /a": { verdicts: { identical: 990, different: 10 } } } },
  ],
  [
    "a share below the limit whose bound is above it is not enough data",
    "not enough data",
    "mismatch",
    { counts: { "GET /a": { verdicts: { identical: 996, different: 4 } } } },
  ],
  [
    "a few that may be bad luck are not enough data",
    "not enough data",
    "comparisons",
    { counts: { "GET /a": { verdicts: { identical: 99, different: 1 } } } },
  ],
  [
    "a few that cannot be bad luck are not ready",
    "not ready",
    "mismatch",
    { counts: { "GET /a": { verdicts: { identical: 30, different: 10 } } } },
  ],
  [
    "an open breaking family is not ready, however rare",
    "not ready",
    "breaking",
    { counts: { "GET /a": CLEAN }, families: [family({ severity: "breaking", confirmedBy: "breaking" })] },
  ],
  [
    "so is one that came back",
    "not ready",
    "breaking",
    {
      counts: { "GET /a": CLEAN },
      families: [family({ severity: "breaking", state: "regressed", confirmedBy: "breaking" })],
    },
  ],
  [
    "so is a confirmed one of a lesser severity",
    "not ready",
    "confirmed",
    { counts: { "GET /a": CLEAN }, families: [family({ severity: "order", confirmedBy: "re-checks" })] },
  ],
  ["one that nothing confirms is let pass", "ready", null, { counts: { "GET /a": CLEAN }, families: [family({})] }],
  [
    "accepted and fixed ones are let pass",
    "ready",
    null,
    {
      counts: { "GET /a": CLEAN },
      families: [
        family({ name: "1", severity: "breaking", state: "accepted" }),
        family({ name: "2", severity: "breaking", state: "fixed", confirmedBy: "breaking" }),
      ],
    },
  ],
  [
    "an open family counts on a route that is not mirrored any more",
    "not ready",
    "breaking",
    {
      counts: { "GET /a": CLEAN },
      routes: [read("GET /a"), { route: "POST /b", kind: "http", mode: "never" }],
      families: [family({ route: "POST /b", severity: "breaking", confirmedBy: "breaking" })],
    },
  ],
  [
    "94.9 % of coverage is not enough",
    "not enough data",
    "coverage",
    { counts: { "GET /a": { verdicts: { identical: 9_490 }, notCompared: { queue_full: 510 } } } },
  ],
  [
    "95 % are",
    "ready",
    null,
    { counts: { "GET /a": { verdicts: { identical: 9_500 }, notCompared: { queue_full: 500 } } } },
  ],
  [
    "a route without coverage does not hide behind a busy one",
    "not enough data",
    "coverage",
    {
      counts: {
        "GET /a": { verdicts: { identical: 100_000 } },
        "GET /b": { verdicts: { identical: 800 }, notCompared: { target_down: 200 } },
      },
      routes: [read("GET /a"), read("GET /b")],
    },
  ],
  [
    "a shadow that mostly fails proves nothing",
    "not enough data",
    "coverage",
    { counts: { "GET /a": { verdicts: { identical: 1_000, shadow_failed: 9_000 } } } },
  ],
  [
    "what is bad already outweighs what is missing",
    "not ready",
    "mismatch",
    { counts: { "GET /a": { verdicts: { identical: 500, different: 500 }, notCompared: { queue_full: 9_000 } } } },
  ],
  [
    "a route that is bad decides before one of which too little is known",
    "not ready",
    "mismatch",
    {
      counts: {
        "GET /a": { verdicts: { identical: 996, different: 4 } },
        "GET /b": { verdicts: { identical: 900, different: 100 } },
      },
      routes: [read("GET /a"), read("GET /b")],
    },
  ],
  [
    "a mirrored route that nobody called keeps the unit from being ready",
    "not enough data",
    "comparisons",
    { counts: { "GET /a": CLEAN }, routes: [read("GET /a"), read("GET /b")] },
  ],
  [
    "a route that is not mirrored does not",
    "ready",
    null,
    { counts: { "GET /a": CLEAN }, routes: [read("GET /a"), { route: "POST /b", kind: "http", mode: "never" }] },
  ],
  [
    "a unit of which nothing is mirrored says so",
    "not enough data",
    "mirrored",
    { counts: {}, routes: [{ route: "POST /b", kind: "http", mode: "never" }] },
  ],
  [
    "a route that the configuration does not name is judged like the others",
    "not ready",
    "mismatch",
    { counts: { "GET /a": CLEAN, "GET /old": { verdicts: { identical: 900, different: 100 } } } },
  ],
  [
    "a gate that was lowered is used",
    "ready",
    null,
    {
      counts: { "GET /a": { verdicts: { identical: 20 }, notCompared: { queue_full: 5 } } },
      routes: [read("GET /a", 1)],
      gate: { comparisonsMin: 20, coverageMin: 0.8 },
    },
  ],
];

for (const [name, state, rule, given] of CASES) {
  test(name, () => {
    const { readiness } = reportOf(given).head;
    assert.deepEqual([readiness.state, readiness.rule], [state, rule], JSON.stringify(readiness.because));
  });
}

test("sockets have a limit of 1 %, calls of 0.5 %, and a route its own", () => {
  const { routes } = reportOf({
    counts: {},
    routes: [read("GET /a"), { route: "WS /b", kind: "socket", mode: "sandbox" }, read("GET /c", 0.2)],
  });
  assert.deepEqual(
    routes.map(({ limit }) => limit),
    [0.005, 0.2, 0.01],
  );
});

test("what is missing is said in comparisons, as few as would do", () => {
  const missing = (given: Case): number | undefined => reportOf(given).routes[0]?.comparisonsMissing;
  const routes = [read("GET /a", 0.02)];
  assert.equal(missing({ counts: { "GET /a": { verdicts: { identical: 41 } } }, routes }), 159);
  assert.equal(missing({ counts: { "GET /a": { verdicts: { identical: 250 } } } }), 598 - 250);
  assert.equal(missing({ counts: { "GET /a": CLEAN } }), 0);
});

test("each reason has its number, its limit and how much is behind it", () => {
  const { because, text } = reportOf({
    counts: { "GET /a": { verdicts: { identical: 970, different: 30 }, notCompared: { queue_full: 1_000 } } },
    families: [family({ severity: "breaking", confirmedBy: "breaking" })],
  }).head.readiness;
  assert.equal(text, "1 of 1 route above its limit, 1 open difference (1 breaking), coverage below 95 %");
  assert.deepEqual(
    because.map(({ rule, route, value, limit, samples }) => [rule, route, value, limit, samples]),
    [
      ["breaking", "GET /a", 1, 0, 1_000],
      ["mismatch", "GET /a", 0.03, 0.005, 1_000],
      ["coverage", null, 0.5, 0.95, 2_000],
      ["coverage", "GET /a", 0.5, 0.95, 2_000],
    ],
  );
});
