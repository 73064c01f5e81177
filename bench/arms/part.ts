import { isCpuKnown } from "../lib/cpu.ts";
import { type PartOptions, partOf } from "../lib/part.ts";
import type { Running } from "../lib/process.ts";
import { inRounds, warmUpAll } from "../lib/rounds.ts";
import type { Figure } from "../lib/rows.ts";
import { createTokens } from "../lib/tokens.ts";
import { type Backend, startCandidateBackend, startLegacy, startModel } from "./backends.ts";
import { measure } from "./measure.ts";
import { armRows } from "./rows.ts";
import { FOLDERS, prepareWork, TURNS, USERS, WATCHERS, type Work, type Works } from "./work.ts";

/** Of the time of a measurement: there are twice as many kinds of work here as contestants in other parts. */
const WARM_UP_SHARE = 0.25;

/** The candidate service against the legacy service, same work, same machine (performance.md P9). */
export const armsPart = partOf(measureAll);

async function measureAll(options: PartOptions, running: Running[]) {
  const { dir, say } = options;
  const modelUrl = await startModel(dir, running);
  const backends = [
    await startLegacy(dir, modelUrl, running),
    await startCandidateBackend(dir, modelUrl, running),
  ] as const;
  const tokens = createTokens(USERS);
  const works = new Map<string, Works>();
  try {
    for (const backend of backends) works.set(backend.name, await prepareWork(backend, tokens));
    say(`arms: folders, sessions and histories of ${USERS} users stored in both`);
    const measured = new Map<string, ReadonlyMap<string, readonly Figure[]>>();
    const [legacy] = [...works.values()] as [Works];
    for (const { name } of legacy.all) {
      measured.set(
        name,
        await measureOperation(
          name,
          backends,
          (of) => works.get(of.name)?.all.find((one) => one.name === name),
          options,
        ),
      );
    }
    const what = Object.fromEntries(legacy.all.map((one) => [one.name, one.what]));
    return { rows: armRows(measured, what), notes };
  } finally {
    await Promise.all([...works.values()].map((one) => one.close()));
  }
}

async function measureOperation(
  name: string,
  backends: readonly Backend[],
  workOf: (backend: Backend) => Work | undefined,
  { rounds, seconds, say }: PartOptions,
): Promise<ReadonlyMap<string, readonly Figure[]>> {
  const measureOne = (backend: Backend, of: number): Promise<Figure> => measure(backend, workOf(backend) as Work, of);
  await warmUpAll(backends, rounds, (backend) => measureOne(backend, seconds * WARM_UP_SHARE));
  return inRounds(backends, rounds, async (backend, round) => {
    const figure = await measureOne(backend, seconds);
    say(`arms, round ${round + 1} of ${rounds}: ${name} of ${backend.name} ${Math.round(figure.perSecond)}/s`);
    return figure;
  });
}

const notes: readonly string[] = [
  "`legacy` is one Python process over SQLite, `candidate` the service with the embedded host (Convex-compatible) as a second process: where there are several cores it uses more of them. The second table counts the CPU of all its processes.",
  `${USERS} users with a token each, one call or turn under way for each; ${FOLDERS} folders and ${2 * TURNS} rows of history per user. Every write carries an idempotency key, every turn a \`client_message_id\`.`,
  "A turn is a learner's message over the tutor socket and the whole answer, with the model stand-in answering at once. New sessions for each measurement.",
  `Whiteboard: one learner draws, ${WATCHERS} watch; the next change is drawn when all of them have the last one, byte for byte.`,
  "Each backend is warmed up for as long as it gets faster (not in a run of one round), and gets a lead-in of a quarter of the time before each measurement. A refusal, another answer than the first one or a wrong echo makes the run void.",
  "Load, model and backend share the machine.",
  ...(isCpuKnown ? [] : ["This system does not tell the CPU time of other processes: no second table."]),
];
