// Times comparisons where they happen, in a worker (performance.md P8).
import { parentPort, workerData } from "node:worker_threads";
import { compareExchange, NORMALISERS, type Observation, RuleBook } from "../../src/shadow/index.ts";
import { median } from "../lib/statistics.ts";

export interface CompareTimes {
  readonly megabyteMs: number;
  readonly reorderedMs: number;
}

const TIMES = workerData as number;
const MEGABYTE = 1_048_576;
const ITEMS = 3_000;
const ROUTE = { id: "GET /items", methods: ["GET"], paths: ["/items"] };
const CONTEXT = { delayMs: 0, nowMs: 0, shadow: "candidate", conditions: {}, ids: null } as const;

interface Item {
  readonly id: string;
  readonly title: string;
  readonly score: number;
  readonly tags: readonly string[];
}

const item = (at: number): Item => ({
  id: `item-${at}`,
  title: `The ${at}th of many items, with some words to it`,
  score: at / 7,
  tags: ["one", "two", String(at % 13)],
});

const observed = (arm: "control" | "candidate", body: unknown): Observation => ({
  arm,
  role: arm === "control" ? "served" : "shadow",
  result: {
    reply: { status: 200, headers: ["content-type", "application/json"], body: Buffer.from(JSON.stringify(body)) },
  },
  isCut: false,
  firstByteMs: 1,
  totalMs: 1,
});

/** Each time with bodies of their own: nothing may be known of an earlier one. */
function timeOf(make: (time: number) => readonly [unknown, unknown], rules: RuleBook): number {
  const tookMs = Array.from({ length: TIMES }, (_, time) => {
    const [one, other] = make(time);
    const [control, candidate] = [observed("control", one), observed("candidate", other)];
    const startedMs = performance.now();
    const { verdict } = compareExchange(control, candidate, rules.forRoute(ROUTE), CONTEXT);
    const ms = performance.now() - startedMs;
    if (verdict.name !== "different" || verdict.differences.length !== 1) throw new Error(`${verdict.name}`);
    return ms;
  });
  return median(tookMs);
}

const words = { normalisers: NORMALISERS, statusClass: String };
const byId = { id: "by-id", owner: "bench", reason: "order", on: [ROUTE.id], path: "$.items", compare: ["by(id)"] };
const [plain, keyed] = [[], [byId]].map((rules) => new RuleBook(rules, words, Date.now)) as [RuleBook, RuleBook];

const perItem = JSON.stringify(item(5_000)).length + 1;
const megabyte = (time: number, title: string): unknown => ({
  time,
  items: Array.from({ length: Math.ceil(MEGABYTE / perItem) }, (_, at) =>
    at === 4_000 ? { ...item(at), title } : item(at),
  ),
});

const times: CompareTimes = {
  // Keys in another order besides, so that bytes alone decide nothing.
  megabyteMs: timeOf(
    (time) => [
      megabyte(time, "this"),
      Object.fromEntries(Object.entries(megabyte(time, "that") as object).toReversed()),
    ],
    plain,
  ),
  reorderedMs: timeOf((time) => {
    const items = Array.from({ length: ITEMS }, (_, at) => item(at));
    const other = items.toReversed().map((one) => (one.id === "item-7" ? { ...one, score: -1 } : one));
    return [
      { time, items },
      { time, items: other },
    ];
  }, keyed),
};
parentPort?.postMessage(times);
