// What the cassette's `record` adds to a model's first token (shadow.md K1, §17 row 19).
import { fileURLToPath } from "node:url";
import { startModel } from "../arms/backends.ts";
import type { PartOptions } from "../lib/part.ts";
import { jsonLine, run, type Running, start } from "../lib/process.ts";
import type { Row } from "../lib/results.ts";
import { rounded } from "../lib/rows.ts";
import { median, ratioByRound } from "../lib/statistics.ts";
import type { FirstTokens, FirstTokenSettings } from "./firstTokenClient.ts";

const CASSETTE = fileURLToPath(new URL("./cassetteProcess.ts", import.meta.url));
const CLIENT = fileURLToPath(new URL("./firstTokenClient.ts", import.meta.url));

export async function cassetteRows({ dir, rounds, seconds, say }: PartOptions, running: Running[]) {
  const direct = `${await startModel(dir, running)}/v1`;
  const cassette = await start(
    { name: "cassette", command: process.execPath, args: [CASSETTE, direct], dir },
    jsonLine((line) => (typeof line["recordUrl"] === "string" ? line["recordUrl"] : null)),
  );
  running.push(cassette);
  const measured: FirstTokens[] = [];
  for (let round = 0; round < rounds; round++) {
    const settings: FirstTokenSettings = { direct, recorded: cassette.ready, seconds };
    const args = [CLIENT, JSON.stringify(settings)];
    const printed = await run({ name: "first-tokens", command: process.execPath, args, dir }, (seconds + 30) * 1_000);
    measured.push(JSON.parse(printed) as FirstTokens);
    say(`shadow, cassette, round ${round + 1} of ${rounds}`);
  }
  return { "cassette-first-token-p50": rowOf(measured, "p50Ms"), "cassette-first-token-p99": rowOf(measured, "p99Ms") };
}

/** `absolute` is what is added; the ratio is direct over recorded, so that more is better here too. */
function rowOf(measured: readonly FirstTokens[], name: "p50Ms" | "p99Ms"): Row {
  const direct = measured.map((one) => one.direct[name]);
  const recorded = measured.map((one) => one.recorded[name]);
  const { ratio, spread } = ratioByRound(direct, recorded);
  return {
    ratios: { direct: rounded(ratio) },
    spread: { direct: [rounded(spread[0]), rounded(spread[1])] },
    absolute: rounded(median(recorded.map((value, round) => value - (direct[round] as number)))),
    unit: "ms over direct",
  };
}
