/** One thing that is measured beside the others. */
export interface Contestant {
  readonly name: string;
  readonly isOurs: boolean;
}

/**
 * Measures every contestant in every round, one after the other, each round beginning with another one: whatever
 * changes slowly on the machine falls on all of them alike.
 */
export async function inRounds<C extends Contestant, T>(
  contestants: readonly C[],
  rounds: number,
  measure: (contestant: C, round: number) => Promise<T>,
): Promise<ReadonlyMap<string, readonly T[]>> {
  const figures = new Map<string, T[]>(contestants.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < contestants.length; i++) {
      const contestant = contestants[(i + round) % contestants.length] as C;
      figures.get(contestant.name)?.push(await measure(contestant, round));
    }
  }
  return figures;
}

const WARM_UPS_MAX = 4;
const STILL_FASTER = 1.05;

/** Warms up one contestant after the other. A single round proves only that a part works, and needs nobody warm. */
export async function warmUpAll<C>(
  contestants: readonly C[],
  rounds: number,
  measure: (contestant: C) => Promise<{ readonly perSecond: number }>,
): Promise<void> {
  if (rounds === 1) return;
  for (const one of contestants) await warmUp(() => measure(one));
}

/** Runs something for as long as it gets faster, until the optimising compiler is through: the more code, the longer. */
async function warmUp(run: () => Promise<{ readonly perSecond: number }>): Promise<void> {
  let best = (await run()).perSecond;
  for (let again = 1; again < WARM_UPS_MAX; again++) {
    const { perSecond } = await run();
    if (perSecond < best * STILL_FASTER) return;
    best = perSecond;
  }
}
