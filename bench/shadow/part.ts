import { type PartOptions, partOf } from "../lib/part.ts";
import type { Running } from "../lib/process.ts";
import type { Row } from "../lib/results.ts";
import { inRounds, warmUpAll } from "../lib/rounds.ts";
import { rounded, toRows } from "../lib/rows.ts";
import { bottlenecks } from "../lib/share.ts";
import { median } from "../lib/statistics.ts";
import { createTokens, SUBJECTS } from "../lib/tokens.ts";
import { READ_PATH } from "../rest/answer.ts";
import { createAutocannonLoad } from "../rest/autocannonLoad.ts";
import { createLoad } from "../rest/load.ts";
import { startUpstream } from "../rest/upstream.ts";
import { cassetteRows } from "./cassette.ts";
import { compareRows } from "./compareTimes.ts";
import { FLOOR, MIRROR, OFF, OURS, type ShadowContestant, startContestants, UNIT } from "./contestants.ts";
import { feelRounds, feltRow, isVoid, offSpread, wholeRow } from "./servedLatency.ts";
import { measureMirrored, type Mirrored } from "./throughput.ts";

const HALF_LOAD = 0.5;
/** Everything mirrored and compared (performance.md P2, P8; shadow.md §17, rows 1, 18, 19). */
export const shadowPart = partOf(measureAll);

async function measureAll(options: PartOptions, running: Running[]) {
  const { dir, rounds, seconds, say } = options;
  const upstream = await startUpstream(dir);
  running.push(upstream);
  const targets = await startUpstream(dir, "targets");
  running.push(targets);
  const { contestants, skipped } = await startContestants(dir, upstream, targets, running);
  for (const line of skipped) say(line);
  const tokens = createTokens();
  const load = createLoad(dir, tokens, READ_PATH);
  const measure = (one: ShadowContestant): Promise<Mirrored> =>
    measureMirrored(one, { upstream, targets, load, seconds });
  await warmUpAll(contestants, rounds, measure);
  const figures = await inRounds(contestants, rounds, async (one, round) => {
    const figure = await measure(one);
    say(`shadow, round ${round + 1} of ${rounds}: ${one.name} ${Math.round(figure.perSecond)}/s`);
    return figure;
  });
  const ours = figures.get(OURS) ?? [];
  const callsPerSecond = Math.max(1, Math.round(HALF_LOAD * median(ours.map((one) => one.perSecond))));
  const [on, off] = [OURS, OFF].map((name) => contestants.find((one) => one.name === name)) as [
    ShadowContestant,
    ShadowContestant,
  ];
  const autocannon = createAutocannonLoad(dir, tokens, READ_PATH);
  const { rounds: felt, wholeMs } = await feelRounds({ load: autocannon, on, off, callsPerSecond, seconds, rounds });
  const spread = offSpread(felt).toFixed(2);
  say(`shadow, served p99: without a shadow the rounds differ by ${spread}${isVoid(felt) ? ": void" : ""}`);
  const rows: Record<string, Row> = {
    ...toRows(contestants, figures, { baseline: OFF, what: "requests" }),
    ...comparedRows(figures),
    ...(!isVoid(felt) && { "served-p99": feltRow(felt, (one) => one.p99Ms), "served-p99-whole": wholeRow(wholeMs) }),
    "serving-stall-p99": feltRow(felt, (one) => one.stallMs),
    ...(await compareRows(rounds)),
    ...(await cassetteRows(options, running)),
  };
  const notes = [
    `Load: ${load.name}, 64 connections, tokens of ${SUBJECTS.toLocaleString("en")} subjects in turn; arms and targets: ${upstream.kind} in a process each, 1 KiB of JSON.`,
    `\`${OURS}\` mirrors every read to the other arm's target and compares both answers; \`${MIRROR}\` copies every call and reads no answer, by the example of its module's manual, \`${MIRROR}-kept\` with kept connections; \`${FLOOR}\` is a bare Node server that sends each call twice over \`undici\`, in one thread, and looks at nothing: the least that it can cost; \`${UNIT}\` passes through and copies nothing: performance.md's unit, in which its nginx mirror had 0.72; \`${OFF}\` has no shadow. Both of ours run the shipped configuration without \`continuity\`, half of the subjects on each arm; raised are the limits per subject and per address (security.md §11) and the copies a minute.`,
    "What was sampled and not compared is in the row `switchyard-shadow-compared`: under pressure the shadow yields first (shadow.md I12), and then less was done for each call.",
    `Served p99 and the stall of the serving thread's loop: autocannon at ${callsPerSecond} requests/s, half of what \`${OURS}\` reached, with and without a shadow in turn.`,
    ...(isVoid(felt) ? [`Served p99 is void: the rounds without a shadow differ by ${spread}.`] : []),
    "Comparing: a worker for each round, the median of 15 pairs; each pair differs in one value.",
    "Cassette: first body byte of a streamed answer of the model stand-in, asked directly and through `record` in turn, two at once, each at rest for half of the time.",
    "Load, proxy, arms and targets share the machine.",
    ...skipped,
    ...bottlenecks(figures, []),
  ];
  return { rows, notes };
}

/** How much of what was served was also compared. */
function comparedRows(figures: ReadonlyMap<string, readonly Mirrored[]>): Record<string, Row> {
  const rows: Record<string, Row> = {};
  for (const [name, rounds] of figures) {
    const shares = rounds.flatMap(({ shareCompared }) => shareCompared ?? []);
    if (shares.length === 0) continue;
    const unit = name === OURS ? "% of calls compared" : "% of calls copied";
    rows[`${name}-compared`] = { ratios: {}, spread: {}, absolute: rounded(100 * median(shares)), unit };
  }
  return rows;
}
