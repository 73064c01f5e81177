// Rows of evidence for tests.
import type { Verdict } from "../../verdict.ts";
import { MinuteCounters } from "../minuteCounters.ts";
import { Distinct } from "../distinct.ts";
import type {
  CampaignRow,
  Checkpoint,
  EvidenceStore,
  FamilyMemory,
  FamilyPart,
  FamilyRow,
  MinuteRow,
  Resumed,
  SampleRow,
} from "../model.ts";
import { NO_RECHECKS } from "../rechecks.ts";

export const DAY_MS = 86_400_000;
export const EVER = { fromMs: 0, toMs: 1e14 };

export const CAMPAIGN: CampaignRow = {
  id: "c1",
  unit: "tutoring",
  controlBuild: "1.0",
  candidateBuild: "2.0",
  rulesHash: "abc",
  startedMs: 1_000,
};

export function memoryOf(...groups: readonly string[]): FamilyMemory {
  const distinct = new Distinct();
  for (const one of groups) distinct.add(one);
  return {
    offered: groups.length,
    sinceMs: 1,
    goneMs: null,
    groups: distinct.text,
    rechecks: NO_RECHECKS,
    isByTest: false,
  };
}

/** Of a campaign that nobody has begun, and none before it. */
export const RESUMED: Resumed = {
  campaign: null,
  families: [],
  seats: new Map(),
  carried: { families: [], leftOut: 0 },
  compared: new Map(),
};

/** As it is read. */
export const rowOf = ({ memory: _, ...row }: FamilyPart): FamilyRow => row;

export const FAMILY: FamilyPart = {
  name: "f1",
  route: "GET /",
  template: "$.a",
  kind: "value",
  severity: "value",
  control: "text",
  candidate: "null",
  state: "open",
  differing: 3,
  groups: 2,
  confirmedBy: null,
  firstSeenMs: 1,
  lastSeenMs: 2,
  firstBuild: "2.0",
  lastBuild: "2.0",
  isCarried: false,
  fixed: null,
  memory: memoryOf("ann", "bob"),
};

export const sample = (place: number, group: string, atMs = 5_000): SampleRow => ({
  family: "f1",
  place,
  group,
  atMs,
  body: { control: "text(3)#abc" },
});

export const checkpoint = (more: Partial<Checkpoint> = {}): Checkpoint => ({
  campaign: CAMPAIGN,
  process: "run-1",
  atMs: 6_000,
  minutes: [],
  families: [],
  samples: [],
  groups: null,
  ...more,
});

const IDENTICAL: Verdict = { name: "identical" };

export function minutesOf(process: string, atMs: number, calls: number, route = "GET /"): readonly MinuteRow[] {
  const counters = new MinuteCounters(process, () => {});
  const latencyMs = { control: 10, candidate: 20 };
  for (let at = 0; at < calls; at++) counters.count({ route, verdict: IDENTICAL, latencyMs }, atMs);
  return counters.rows();
}

export const sampledOf = async (store: EvidenceStore, fromMs: number, toMs: number): Promise<number> => {
  const totals = await store.totals(CAMPAIGN.id, { fromMs, toMs });
  return totals.reduce((sum, { sampled }) => sum + sampled, 0);
};
