// The documents that everything is measured among.
import type { HttpCalls } from "./clients.ts";
import { api } from "./references.ts";

export type RowId = (typeof api.rows.fill._returnType)[number];

export const MANY = { group: "many", count: 50_000 } as const;
export const FEW = { group: "few", count: 1_000 } as const;

export interface Group {
  readonly group: string;
  readonly count: number;
}

const BATCH = 1_000;
const TEXT = "x".repeat(200);

/** @returns the ids in the order of their ranks */
export async function fill(calls: HttpCalls, { group, count }: Group): Promise<readonly RowId[]> {
  const ids: RowId[] = [];
  for (let from = 0; from < count; from += BATCH) {
    ids.push(...(await calls.mutation(api.rows.fill, { group, from, count: BATCH, text: TEXT })));
  }
  return ids;
}
