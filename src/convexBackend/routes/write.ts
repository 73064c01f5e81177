// REST writes: at most once per key (contract G10), in the session's order where they change a session (G13).
import type { FunctionArgs } from "convex/server";
import type { Call, Reply, WriteArgs, WriteReference } from "../http/call.ts";
import { HttpError, notFound } from "../http/errors.ts";
import { keyedScope } from "../http/keyed.ts";
import { StoreRefusal } from "../ports.ts";
import type { Services } from "../services.ts";
import { REST_WAIT_MS } from "../sessionQueue.ts";
import type { UserIdentity } from "./access.ts";

/** A write that was made from old state is made again. */
const STALE_TRIES = 5;

type Outcome =
  | { readonly outcome: "done" | "replayed"; readonly status: number; readonly body: string | null }
  | { readonly outcome: "reused" | "not_found" | "stale" | "busy" };

export interface Write<F extends WriteReference> {
  readonly reference: F;
  /** Asked once per try, from then current state. */
  readonly args: () => Promise<WriteArgs<F>> | WriteArgs<F>;
  /** What a 404 names. */
  readonly what: string;
  /** The session whose queue the write goes through. */
  readonly session?: string;
  /** Runs after the effect, still in its place in the queue. */
  readonly onDone?: () => void;
}

const reused = (): HttpError => new HttpError(409, "IDEMPOTENCY_KEY_REUSED", "This key was used for another request.");

function replyOf(services: Services, outcome: Outcome, what: string): Reply {
  switch (outcome.outcome) {
    case "reused":
      throw reused();
    case "not_found":
      throw notFound(what);
    case "stale":
    case "busy":
      throw new HttpError(503, "SESSION_BUSY", "The session is busy.");
    default: {
      const isReplay = outcome.outcome === "replayed";
      if (isReplay) services.metrics.replays.labels({ surface: "rest" }).inc();
      const headers = isReplay ? { "Idempotency-Replayed": "true" } : {};
      return { status: outcome.status, headers, ...(outcome.body !== null && { body: outcome.body }) };
    }
  }
}

/** What a refused dry run would have answered; anything else goes on. */
function dryOutcome(error: unknown): Outcome {
  if (error instanceof StoreRefusal && error.code === "DRY_RUN") return (error.data as { outcome: Outcome }).outcome;
  throw error;
}

/** Makes the write when no other instance runs a turn of its session, within the time that a call waits (G13). */
async function onceFree(
  { leases }: Services,
  session: string | undefined,
  once: () => Promise<Outcome>,
): Promise<Outcome> {
  let outcome = await once();
  if (outcome.outcome !== "busy" || session === undefined) return outcome;
  const patience = AbortSignal.timeout(REST_WAIT_MS);
  while (outcome.outcome === "busy") {
    try {
      await leases.untilFree(session, patience);
    } catch {
      return outcome;
    }
    outcome = await once();
  }
  return outcome;
}

export async function write<F extends WriteReference>(
  services: Services,
  call: Call,
  identity: UserIdentity,
  { reference, args, what, session, onDone }: Write<F>,
): Promise<Reply> {
  if (call.key.kind === "illegal") {
    const message = "The idempotency key must be 1 to 128 visible ASCII characters.";
    throw new HttpError(400, "IDEMPOTENCY_KEY_INVALID", message);
  }
  if (call.isKeyReused) throw reused();
  const scope = keyedScope(call.key, call.route, call.params, call.body);
  const dryRun = services.faults.fire("lost-write", call.at) !== null;
  const once = async (): Promise<Outcome> => {
    const common = { now: services.clock.now(), ...(scope && { keyed: scope }), ...(dryRun && { dryRun }) };
    const all = { ...(await args()), ...common } as unknown as FunctionArgs<F>;
    return (await services.store.mutation(reference, all, identity).catch(dryOutcome)) as Outcome;
  };
  const work = async (): Promise<Outcome> => {
    let outcome = await onceFree(services, session, once);
    for (let i = 1; outcome.outcome === "stale" && i < STALE_TRIES; i += 1) {
      outcome = await onceFree(services, session, once);
    }
    if (outcome.outcome === "done") onDone?.();
    return outcome;
  };
  // The key waits outside the queue: a repeat must not take a place behind what it repeats.
  const ordered = session === undefined ? work : () => services.queues.run(session, work);
  const outcome = scope ? await services.keyedRuns.run(identity.subject, scope, ordered) : await ordered();
  return replyOf(services, outcome, what);
}
