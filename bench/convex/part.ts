import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CONVEX_GOALS } from "../lib/goals.ts";
import { type PartOptions, partOf } from "../lib/part.ts";
import type { Running } from "../lib/process.ts";
import { packageVersion } from "../lib/programs.ts";
import type { Row } from "../lib/results.ts";
import { inRounds, warmUpAll } from "../lib/rounds.ts";
import { createBoardMeasurements } from "./boardMeasurements.ts";
import { createHttpCalls } from "./clients.ts";
import { growthRows } from "./growth.ts";
import { ROOT, startHost } from "./host.ts";
import { diskWriteTime } from "./diskWrite.ts";
import { createIdentity } from "./identity.ts";
import { type Measurement, measurement, timeRow } from "./measurement.ts";
import { runOperations } from "./operations.ts";
import { createRowMeasurements } from "./rowMeasurements.ts";
import { FEW, fill, MANY } from "./stored.ts";

export const FUNCTIONS_DIR = fileURLToPath(new URL("./functions", import.meta.url));
const PRODUCT_DIR = join(ROOT, "convex");
/** 60,000 in a run of the default length; a shorter run does fewer and does not judge the goal. */
const OPERATIONS_PER_SECOND = 15_000;
const OPERATIONS_MAX = 60_000;
/** A single round proves only that a part works. */
const OPERATIONS_FEW = 3_000;
const DISK = "disk-write-p50";
/** With what a row is compared besides its goal: of a durable write the disk takes a part, whatever the host does. */
const BESIDE: Readonly<Record<string, string>> = {
  "take-10-of-50000": "take-10-of-1000",
  "http-mutation-p50": DISK,
  "own-write-seen-p50": DISK,
  "board-append-p50": DISK,
};

/** The embedded host (Convex-compatible) by the goals of embedded-convex.md §9. */
export const convexPart = partOf(measureAll);

async function measureAll(options: PartOptions, running: Running[]) {
  const { dir, rounds, seconds, say } = options;
  const identity = createIdentity();
  const host = await startHost({ name: "host", dir, functionsDir: FUNCTIONS_DIR });
  running.push(host);
  const { variables } = identity;
  const boards = await startHost({ name: "boards", dir, functionsDir: PRODUCT_DIR, variables });
  running.push(boards);
  const calls = createHttpCalls(host.url);
  const boardCalls = createHttpCalls(boards.url, identity.token);
  try {
    await fill(calls, FEW);
    const ids = await fill(calls, MANY);
    say(`convex: ${ids.length} documents stored`);
    const onBoards = await createBoardMeasurements(boardCalls);
    const onRows = await createRowMeasurements(host.url, calls, ids);
    const measurements = [measurement(DISK, () => diskWriteTime(dir)), ...onRows.all, ...onBoards];
    const times = await measureTimes(measurements, options).finally(() => onRows.close());
    const operations = rounds === 1 ? OPERATIONS_FEW : Math.min(OPERATIONS_MAX, seconds * OPERATIONS_PER_SECOND);
    const startedMs = performance.now();
    const samples = await runOperations(host, calls, ids, { operations, perSecond: null });
    const perSecond = (operations * 1_000) / (performance.now() - startedMs);
    say(`convex: ${operations} operations, ${Math.round(perSecond)}/s`);
    const rows = { ...timeRows(times), ...growthRows(samples, `${operations}-operations`) };
    return { rows, notes: notesOf(operations, perSecond) };
  } finally {
    await Promise.all([calls.close(), boardCalls.close()]);
  }
}

type Times = ReadonlyMap<string, readonly number[]>;

async function measureTimes(measurements: readonly Measurement[], { rounds, say }: PartOptions): Promise<Times> {
  // The host and the clients here alike: until the optimising compiler is through with both.
  await warmUpAll(measurements, rounds, async (one) => ({ perSecond: 1_000 / (await one.measure()) }));
  return inRounds(measurements, rounds, async (one, round) => {
    const took = await one.measure();
    say(`convex, round ${round + 1} of ${rounds}: ${one.name} ${took.toFixed(3)} ms`);
    return took;
  });
}

function timeRows(times: Times): Record<string, Row> {
  const rows: Record<string, Row> = {};
  for (const [name, own] of times) {
    const goal = CONVEX_GOALS[name];
    const other = BESIDE[name];
    rows[name] = timeRow(own, {
      ...(goal && { goal: own.map(() => goal[1]) }),
      ...(other !== undefined && { [other]: times.get(other) ?? [] }),
    });
  }
  return rows;
}

const notesOf = (operations: number, perSecond: number): readonly string[] => [
  `The embedded host (Convex-compatible) as shipped, in its own process over an empty folder; convex ${packageVersion("convex")}. Every answer is given after the COMMIT and its fsync.`,
  `Among ${MANY.count.toLocaleString("en")} documents of 200 characters, without an identity; the board's rows on the product's own functions with the service's tokens, boards of 250 objects, each an update.`,
  "Official clients: `ConvexHttpClient` with `skipQueue` over 128 kept-alive connections, `ConvexClient` over `ws`; all in one other process, so what the client costs is in every figure but the takes and the mutations at once that are not over HTTP.",
  "A take is what a query of 200 takes lasts longer than one of none, divided by 200. All others are the time from the call until every answer is there; a p50 is that of 100 calls one after the other (25 with subscribers, 10 loads). The 50 subscribers have a socket each, in the process that writes.",
  "Mutations at once are made by one action, each in a transaction of its own (docs/adr/0016-goals-of-the-host.md); over HTTP: the same from outside.",
  `\`${DISK}\`: 8 KiB appended to a file and flushed, by this process, in the same rounds and on the same disk.`,
  `Memory: ${operations.toLocaleString("en")} writes, takes and reads by 32 callers at ${Math.round(perSecond).toLocaleString("en")} a second, 60 samples of what its heap keeps after a collection, and of its resident memory; the middle of the second half over that of the first.`,
];
