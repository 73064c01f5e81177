// A call that was refused before its function ran: over a socket that is a failed call, not a broken connection.
import type { FunctionRunner, QueryCall } from "./ports.ts";
import { type Caller, type Outcome, TransportError } from "./words.ts";

/** Whether the call itself was wrong (4xx); anything else is the host's own trouble. */
export function isRefusal(error: unknown): error is TransportError {
  return error instanceof TransportError && error.status < 500;
}

/** The refusal as the outcome of the call that it refused. */
export function outcomeOfRefusal(error: TransportError, ts: bigint): Outcome {
  return {
    result: { failure: { message: `${error.code}: ${error.message}` } },
    ts,
    logLines: [],
    reads: [],
    hasReadIdentity: false,
    journal: null,
  };
}

export interface QueryBatch {
  readonly ts: bigint;
  readonly outcomes: readonly Outcome[];
}

/**
 * `runner.runQueries`, but a refused query fails alone and not all that were asked with it.
 * @throws what is no refusal
 */
export async function runQueryBatch(
  runner: FunctionRunner,
  queries: readonly QueryCall[],
  caller: Caller,
): Promise<QueryBatch> {
  try {
    return checked(await runner.runQueries(queries, caller), queries);
  } catch (error) {
    if (!isRefusal(error)) throw error;
  }
  const refusals = await Promise.all(queries.map((query) => refusalOf(runner, query, caller)));
  const allowed = queries.filter((_, at) => refusals[at] === null);
  const { ts, outcomes } = checked(await runner.runQueries(allowed, caller), allowed);
  const answered = outcomes.values();
  const both = refusals.map((refusal) => (refusal === null ? answered.next().value : outcomeOfRefusal(refusal, ts)));
  return { ts, outcomes: both.filter((outcome) => outcome !== undefined) };
}

function checked(batch: QueryBatch, queries: readonly QueryCall[]): QueryBatch {
  if (batch.outcomes.length === queries.length) return batch;
  throw new Error(`runQueries: expected ${queries.length} outcomes, one for each query, got ${batch.outcomes.length}`);
}

async function refusalOf(runner: FunctionRunner, query: QueryCall, caller: Caller): Promise<TransportError | null> {
  try {
    await runner.runQueries([query], caller);
    return null;
  } catch (error) {
    if (isRefusal(error)) return error;
    throw error;
  }
}
