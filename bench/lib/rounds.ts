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
