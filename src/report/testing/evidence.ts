// One campaign as it may look after a day: most is well, one socket is not, one route has hardly been seen.
import type { FamilyRow, RouteTotals, SampleRow } from "../../shadow/ports.ts";
import { LogHistogram } from "../../shadow/ports.ts";
import type { ReportInput } from "../input.ts";

const HOUR_MS = 3_600_000;
export const TO_MS = Date.UTC(2026, 10, 20, 6);
const FROM_MS = TO_MS - 24 * HOUR_MS;

const latency = (...observed: readonly (readonly [ms: number, times: number])[]): Readonly<Record<string, number>> => {
  const histogram = new LogHistogram();
  for (const [ms, times] of observed) for (let at = 0; at < times; at++) histogram.observe(ms);
  return histogram.counts;
};

const TOTALS: readonly RouteTotals[] = [
  {
    route: "GET /api/v1/sessions/:id/messages",
    sampled: 48_700,
    verdicts: { identical: 46_900, equivalent: 1_160, noise: 136, transient: 4, different: 10 },
    notCompared: { queue_full: 402, body_too_large: 88 },
    latency: {
      control: latency([18, 900], [60, 90], [210, 10]),
      candidate: latency([11, 900], [34, 90], [120, 10]),
    },
  },
  {
    route: "GET /api/v1/folders",
    sampled: 12_687,
    verdicts: { identical: 12_500, equivalent: 90, accepted: 12 },
    notCompared: { body_too_large: 33, target_down: 52 },
    latency: { control: latency([7, 950], [15, 50]), candidate: latency([5, 950], [22, 50]) },
  },
  {
    route: "WS /ws/v2/session/:id",
    sampled: 1_930,
    verdicts: { identical: 1_841, noise: 8, different: 59, both_failed: 4, shadow_failed: 18 },
    notCompared: {},
    latency: { control: latency([900, 800], [2_600, 100]), candidate: latency([870, 800], [4_100, 100]) },
  },
  {
    route: "WS /ws/v2/session/:id/whiteboard",
    sampled: 41,
    verdicts: { identical: 33, equivalent: 8 },
    notCompared: {},
    latency: { control: {}, candidate: {} },
  },
];

type Usual = "name" | "firstBuild" | "lastBuild" | "firstSeenMs" | "lastSeenMs" | "isCarried" | "fixed";

const family = (facts: Omit<FamilyRow, Usual> & Partial<Pick<FamilyRow, Exclude<Usual, "name">>>): FamilyRow => ({
  name: JSON.stringify([facts.route, facts.template, facts.kind, facts.control, facts.candidate]),
  firstSeenMs: FROM_MS + 2 * HOUR_MS,
  lastSeenMs: TO_MS - HOUR_MS / 4,
  firstBuild: "7be2",
  lastBuild: "7be2",
  isCarried: false,
  fixed: null,
  ...facts,
});

const PROGRESS = family({
  route: "WS /ws/v2/session/:id",
  template: "message:session_update $.data.user_model_state.overall_progress",
  kind: "type",
  severity: "breaking",
  control: "decimal",
  candidate: "text",
  state: "open",
  differing: 48,
  groups: 31,
  confirmedBy: "breaking",
});

const FAMILIES: readonly FamilyRow[] = [
  family({
    route: "GET /api/v1/sessions/:id/messages",
    template: "$.messages[*].token_count",
    kind: "value",
    severity: "value",
    control: "integer",
    candidate: "integer",
    state: "open",
    differing: 10,
    groups: 4,
    confirmedBy: null,
  }),
  PROGRESS,
  family({
    route: "WS /ws/v2/session/:id",
    template: "message:agent_state $.order",
    kind: "order",
    severity: "order",
    control: "array",
    candidate: "array",
    state: "open",
    differing: 11,
    groups: 6,
    confirmedBy: "re-checks",
  }),
  family({
    route: "GET /api/v1/folders",
    template: "$.folders[*].color",
    kind: "extra",
    severity: "extra",
    control: null,
    candidate: "text",
    state: "accepted",
    differing: 12,
    groups: 3,
    confirmedBy: null,
  }),
  // What the build before has shown: one is gone, of one too little was compared yet.
  family({
    route: "GET /api/v1/folders",
    template: "$.folders[*].created_at",
    kind: "type",
    severity: "breaking",
    control: "time(iso)",
    candidate: "integer",
    state: "open",
    differing: 0,
    groups: 0,
    confirmedBy: null,
    firstSeenMs: FROM_MS - 30 * HOUR_MS,
    lastSeenMs: FROM_MS - 4 * HOUR_MS,
    firstBuild: "7bd9",
    lastBuild: "7bd9",
    isCarried: true,
  }),
  family({
    route: "WS /ws/v2/session/:id/whiteboard",
    template: "$.objects",
    kind: "missing",
    severity: "breaking",
    control: "map",
    candidate: null,
    state: "open",
    differing: 0,
    groups: 0,
    confirmedBy: null,
    firstSeenMs: FROM_MS - 30 * HOUR_MS,
    lastSeenMs: FROM_MS - 4 * HOUR_MS,
    firstBuild: "7bd9",
    lastBuild: "7bd9",
    isCarried: true,
  }),
];

const sample = (place: number, group: string, control: unknown, candidate: unknown): SampleRow => ({
  family: PROGRESS.name,
  place,
  group,
  atMs: TO_MS - (place + 1) * HOUR_MS,
  body: { control, candidate, normalisers: ["time(delay+2s)"] },
});

const [TOKENS, , ORDER] = FAMILIES as readonly [FamilyRow, FamilyRow, FamilyRow];

const found = ({ template, kind, severity, control, candidate }: FamilyRow, path: string) => {
  return { template, path, kind, severity, control, candidate };
};

const talkFrame = (who: string, turn: number, ms: number, more: object = {}) => ({
  who,
  turn,
  type: who === "client" ? null : "agent_state",
  ms,
  chars: 120,
  parts: null,
  state: who === "client" ? null : "matched",
  link: null,
  ...more,
});

const sampleBeside = (family: FamilyRow, place: number, body: object): SampleRow => ({
  family: family.name,
  place,
  group: `7ab0${place}cd1a2b3`,
  atMs: TO_MS - (place + 2) * HOUR_MS,
  body,
});

const asked = (place: number, control: readonly string[], candidate: readonly string[]): SampleRow => {
  const side = (token: string) => ({
    status: 200,
    headers: ["content-type"],
    body: { messages: [{ token_count: token }] },
  });
  return sampleBeside(TOKENS, place, {
    differences: [found(TOKENS, "$.messages[0].token_count")],
    again: { rechecks: [{ arms: [TOKENS.template], control, candidate }], repeat: place === 0 ? [] : null },
    control: side("integer#aa12"),
    candidate: side("integer#bb34"),
  });
};

const TALK_SAMPLE = sampleBeside(ORDER, 0, {
  differences: [
    found(ORDER, "message:agent_state $.order"),
    { ...found(ORDER, "message:delta $"), template: "message:delta $", kind: "value" },
  ],
  conversation: {
    turn: 3,
    first: 5,
    leftOut: 2,
    frames: [
      talkFrame("client", 2, 0, { state: "before" }),
      talkFrame("control", 2, 850, { state: "before", link: 9 }),
      talkFrame("candidate", 2, 790, { state: "before", link: 9 }),
      talkFrame("client", 3, 0, { body: { type: "text(7)#20ab", text: "text(41)#90c1" } }),
      talkFrame("control", 3, 310, { type: "delta", parts: 14, link: 0, body: "text(420)#77aa" }),
      talkFrame("control", 3, 900, { link: 1, state: "changed", body: { order: ["text(1)#a1", "text(1)#b2"] } }),
      talkFrame("candidate", 3, 940, { link: 1, state: "changed", body: { order: ["text(1)#b2", "text(1)#a1"] } }),
      talkFrame("candidate", 3, 1_200, { type: "hint", state: "extra", body: { id: 5 } }),
      talkFrame("control", 4, 20, { state: "behind" }),
    ],
  },
});

const SAMPLES = new Map<string, readonly SampleRow[]>([
  [TOKENS.name, [asked(0, [], []), asked(1, [], []), asked(2, [TOKENS.template], [])]],
  [ORDER.name, [TALK_SAMPLE]],
  [
    PROGRESS.name,
    [
      sample(
        0,
        "5f0cd1a2b3c4d5e6",
        {
          type: "session_update",
          data: {
            user_model_state: {
              overall_progress: "decimal#3f2a",
              topics: ["text(8)#91aa", "text(11)#02bc"],
              streak: 4,
            },
            session: "uuid(36)#77d0",
          },
        },
        {
          type: "session_update",
          data: {
            user_model_state: {
              overall_progress: "text(4)#e01b",
              topics: ["text(8)#91aa", "text(11)#02bc"],
              streak: 4,
            },
            session: "uuid(36)#77d0",
          },
        },
      ),
      sample(1, "a1b2c3d4e5f60718", { type: "session_update" }, { type: "session_update", late: true }),
    ],
  ],
]);

export const EVIDENCE: ReportInput = {
  campaign: {
    id: "c0ffee1234567890",
    unit: "tutoring",
    controlBuild: "41c0",
    candidateBuild: "7be2",
    rulesHash: "9f2c55d01b7e4a36",
    startedMs: FROM_MS,
  },
  window: { fromMs: FROM_MS, toMs: TO_MS },
  totals: TOTALS,
  families: FAMILIES,
  samples: SAMPLES,
  gaps: [{ process: "proxy-2", fromMs: TO_MS - 5 * HOUR_MS, toMs: TO_MS - 5 * HOUR_MS + 90_000 }],
  facts: {
    routes: [
      { route: "GET /api/v1/sessions/:id/messages", kind: "http", mode: "read" },
      { route: "GET /api/v1/folders", kind: "http", mode: "read" },
      { route: "POST /api/v1/sessions", kind: "http", mode: "never" },
      { route: "WS /ws/v2/session/:id", kind: "socket", mode: "sandbox" },
      { route: "WS /ws/v2/session/:id/whiteboard", kind: "socket", mode: "sandbox" },
    ],
    backends: { control: "legacy", candidate: "convex" },
    groups: { waiting: 7, seeded: 412, diverged: 31 },
    groupsCompared: 412,
    expiredRules: [
      {
        id: "old-banner",
        owner: "web",
        reason: "the banner of autumn",
        until: "2026-11-01",
        on: ["GET /api/v1/folders"],
      },
    ],
    acceptedBy: new Map([
      [
        FAMILIES[3]?.name ?? "",
        { id: "folder-color", owner: "folders", reason: "a new field that no client reads", until: "2027-01-31" },
      ],
    ]),
    guards: { control: "required", candidate: "network" },
    areRepeatsOn: true,
    areModelsLive: false,
  },
};
