import type { Row } from "../lib/results.ts";
import { rounded } from "../lib/rows.ts";
import { median, ratioByRound } from "../lib/statistics.ts";
import { VoidMeasurement } from "../lib/void.ts";
import type { AutocannonLoad, Paced } from "./autocannonLoad.ts";

export interface AddedLatency {
  readonly ours: Paced;
  readonly direct: Paced;
}

interface LatencyOptions {
  readonly ours: string;
  readonly direct: string;
  readonly callsPerSecond: number;
  readonly seconds: number;
  readonly round: number;
}

/** One round of P4: the same rate through the proxy and to the upstream itself, the order changing with the round. */
export async function measureLatency(load: AutocannonLoad, options: LatencyOptions): Promise<AddedLatency> {
  const paced = async (url: string): Promise<Paced> => {
    const result = await load.paced(url, options);
    if (result.failures > 0) throw new VoidMeasurement(`latency: ${result.failures} of ${result.calls} calls failed`);
    return result;
  };
  if (options.round % 2 === 0) {
    const ours = await paced(options.ours);
    return { ours, direct: await paced(options.direct) };
  }
  const direct = await paced(options.direct);
  return { ours: await paced(options.ours), direct };
}

/** `absolute` is what the proxy adds; the ratio is direct over ours, so that more is better here too. */
export function latencyRows(rounds: readonly AddedLatency[]): Record<string, Row> {
  const row = (pick: (paced: Paced) => number): Row => {
    const ours = rounds.map((round) => pick(round.ours));
    const direct = rounds.map((round) => pick(round.direct));
    const { ratio, spread } = ratioByRound(direct, ours);
    const added = median(ours.map((value, round) => value - (direct[round] as number)));
    return {
      ratios: { direct: rounded(ratio) },
      spread: { direct: [rounded(spread[0]), rounded(spread[1])] },
      absolute: rounded(added),
      unit: "ms over direct",
    };
  };
  return {
    "switchyard-latency-p50": row((paced) => paced.p50Ms),
    "switchyard-latency-p99": row((paced) => paced.p99Ms),
  };
}
