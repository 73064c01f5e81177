// Goals 1 to 5 of embedded-convex.md §9, on the bench's own functions.
import { VoidMeasurement } from "../lib/void.ts";
import { type HttpCalls, openSocket } from "./clients.ts";
import { type Measurement, measurement, medianOf, timeOf } from "./measurement.ts";
import { api } from "./references.ts";
import { FEW, type Group, MANY, type RowId } from "./stored.ts";
import { watch } from "./watched.ts";

const TAKEN = 10;
const TAKES = 200;
/** Differences of two calls, so the median of several. */
const PAIRS = 9;
const CALLS = 100;
const SUBSCRIBERS = 50;
const WRITES = 25;
const BURST = 100;
const STORM = 2_000;

export interface RowMeasurements {
  readonly all: readonly Measurement[];
  close(): Promise<void>;
}

export async function createRowMeasurements(
  url: string,
  calls: HttpCalls,
  ids: readonly RowId[],
): Promise<RowMeasurements> {
  // Far apart, and none of them written by two measurements.
  const [same, single, own, shared] = [ids[1], ids[2], ids[3], ids[4]] as [RowId, RowId, RowId, RowId];
  const burst = Array.from({ length: BURST }, () => same);
  const spread = ids.filter((_, at) => at % (ids.length / STORM) === 0);
  const sockets = Array.from({ length: SUBSCRIBERS + 1 }, () => openSocket(url));
  const [writer, ...readers] = sockets as [(typeof sockets)[number], ...typeof sockets];
  const ownSeen = watch(writer, own);
  const allSeen = readers.map((reader) => watch(reader, shared));
  const close = async (): Promise<void> => void (await Promise.all(sockets.map((socket) => socket.close())));
  try {
    await Promise.all([ownSeen, ...allSeen].map((one) => one.seen(0)));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    all: [
      measurement("take-10-of-1000", () => takeTime(calls, FEW)),
      measurement("take-10-of-50000", () => takeTime(calls, MANY)),
      measurement("100-mutations-of-one-document", () => burstTime(calls, burst, inHost)),
      measurement("100-mutations-over-http", () => burstTime(calls, burst, overHttp)),
      measurement("2000-mutations", () => burstTime(calls, spread, inHost)),
      measurement("2000-mutations-over-http", () => burstTime(calls, spread, overHttp)),
      measurement("http-mutation-p50", () =>
        medianOf(CALLS, async () => void (await calls.mutation(api.rows.increment, { id: single }))),
      ),
      measurement("http-query-p50", () =>
        medianOf(CALLS, async () => void (await calls.query(api.rows.counted, { id: single }))),
      ),
      measurement("own-write-seen-p50", async () => {
        let count = await calls.query(api.rows.counted, { id: own });
        return medianOf(CALLS, async () => {
          count += 1;
          const written = writer.mutation(api.rows.increment, { id: own });
          await ownSeen.seen(count);
          await written;
        });
      }),
      measurement("write-seen-by-50-p50", async () => {
        let count = await calls.query(api.rows.counted, { id: shared });
        return medianOf(WRITES, async () => {
          count += 1;
          const seen = allSeen.map((one) => one.seen(count));
          await Promise.all([calls.mutation(api.rows.increment, { id: shared }), ...seen]);
        });
      }),
    ],
    close,
  };
}

/** A query of 200 takes less one of none: what is left was spent in the host, taking. */
async function takeTime(calls: HttpCalls, { group, count }: Group): Promise<number> {
  const step = Math.floor((count - TAKEN) / TAKES);
  const took = async (times: number): Promise<number> =>
    timeOf(async () => {
      const sum = await calls.query(api.rows.takes, { group, times, from: 0, step });
      if (sum !== sumOfTakes(times, step)) throw new VoidMeasurement(`${times} takes of ${group} summed up to ${sum}`);
    });
  const per: number[] = [];
  for (let pair = 0; pair < PAIRS; pair++) per.push((-(await took(0)) + (await took(TAKES))) / TAKES);
  return per.sort((a, b) => a - b)[PAIRS >> 1] as number;
}

/** Ranks are 0, 1, 2, …: the sum of the ten from each start on. */
const sumOfTakes = (times: number, step: number): number =>
  TAKEN * step * ((times * (times - 1)) / 2) + times * ((TAKEN * (TAKEN - 1)) / 2);

type Increments = (calls: HttpCalls, ids: readonly RowId[]) => Promise<unknown>;

/** One action makes them: what a client costs, which is as much as the host, is left out. */
const inHost: Increments = (calls, ids) => calls.action(api.rows.storm, { ids: [...ids] });

const overHttp: Increments = (calls, ids) => Promise.all(ids.map((id) => calls.mutation(api.rows.increment, { id })));

/** As many mutations at once as there are ids; each that is lost is missing in the count of its document. */
async function burstTime(calls: HttpCalls, ids: readonly RowId[], make: Increments): Promise<number> {
  const [id] = ids as readonly [RowId, ...RowId[]];
  const times = ids.filter((one) => one === id).length;
  const before = await calls.query(api.rows.counted, { id });
  const took = await timeOf(async () => void (await make(calls, ids)));
  const added = (await calls.query(api.rows.counted, { id })) - before;
  if (added !== times) throw new VoidMeasurement(`${times} mutations of one document added ${added}`);
  return took;
}
