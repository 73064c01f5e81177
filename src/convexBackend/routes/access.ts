// What every bearer route shares: who acts, ownership, keyed writes.
import { api } from "../../../convex/_generated/api.js";
import { randomUUID } from "node:crypto";
import type { Id } from "../../../convex/_generated/dataModel.js";
import { canonicalPath, type KeyedKind } from "../../contract/index.ts";
import type { FunctionArgs } from "convex/server";
import type { Call, Reply, WriteArgs, WriteReference } from "../http/call.ts";
import { param } from "../http/call.ts";
import { HttpError, notFound } from "../http/errors.ts";
import { keyedScope } from "../http/keyed.ts";
import { numberArg } from "../faults/switchboard.ts";
import { AS_SERVICE, asUser, type Identity, StoreRefusal } from "../ports.ts";
import type { Services } from "../services.ts";

export type UserIdentity = Identity & { readonly role: "user" };
const STALE_TRIES = 5;

type Outcome =
  | { readonly outcome: "done" | "replayed"; readonly status: number; readonly body: string | null }
  | { readonly outcome: "reused" | "not_found" | "stale" };

/** The caller; with `skip-ownership` the owner of the object in the path. */
export async function actor(services: Services, call: Call, sub: string): Promise<UserIdentity> {
  const own = asUser(sub) as UserIdentity;
  const id = call.params["session_id"] ?? call.params["folder_id"];
  if (id === undefined || !services.faults.fire("skip-ownership", call.at)) return own;
  const owner = await services.store.query(api.sessions.ownerOf, { id }, AS_SERVICE);
  return owner === null ? own : (asUser(owner) as UserIdentity);
}

/** 404 for an unknown session and a foreign one alike (G8). */
export async function requireSession(services: Services, call: Call, identity: Identity): Promise<Id<"sessions">> {
  const found = await services.store.query(api.sessions.access, { id: param(call, "session_id") }, identity);
  if (found.access !== "own") throw notFound("Session");
  return found.session;
}

/** `asOf` of a read: set only by the `stale-read` fault. */
export function asOf(services: Services, call: Call): { asOf?: number } {
  const firing = services.faults.fire("stale-read", call.at);
  return firing ? { asOf: services.clock.now() - numberArg(firing, 5_000) } : {};
}

/** Ids a write may use: the derived or random one, and a spare in case that is taken. */
export function mintedIds(
  services: Services,
  call: Call,
  sub: string,
  kind: KeyedKind,
): { id: string; spareId: string } {
  const key = call.key.kind === "key" ? call.key.key : null;
  const path = canonicalPath(call.route, call.params);
  return { id: services.ids.minted(call.at, kind, { userId: sub, path, key }), spareId: randomUUID() };
}

const reused = (): HttpError => new HttpError(409, "IDEMPOTENCY_KEY_REUSED", "This key was used for another request.");

function replyOf(services: Services, outcome: Outcome, what: string): Reply {
  switch (outcome.outcome) {
    case "reused":
      throw reused();
    case "not_found":
      throw notFound(what);
    case "stale":
      throw new HttpError(503, "SESSION_BUSY", "The session is busy.");
    default: {
      const isReplay = outcome.outcome === "replayed";
      if (isReplay) services.metrics.replays.labels({ surface: "rest" }).inc();
      const headers = isReplay ? { "Idempotency-Replayed": "true" } : {};
      return { status: outcome.status, headers, ...(outcome.body !== null && { body: outcome.body }) };
    }
  }
}

/** Runs a write at most once per key (G10). `args` is asked again when the state it was made from is old. */
export async function write<F extends WriteReference>(
  services: Services,
  call: Call,
  identity: UserIdentity,
  reference: F,
  args: () => Promise<WriteArgs<F>> | WriteArgs<F>,
  what: string,
): Promise<Reply> {
  if (call.key.kind === "illegal") {
    throw new HttpError(
      400,
      "IDEMPOTENCY_KEY_INVALID",
      "The idempotency key must be 1 to 128 visible ASCII characters.",
    );
  }
  if (call.isKeyReused) throw reused();
  const scope = keyedScope(call.key, call.route, call.params, call.body);
  const dryRun = services.faults.fire("lost-write", call.at) !== null;
  const once = async (): Promise<Outcome> => {
    const common = { now: services.clock.now(), ...(scope && { keyed: scope }), ...(dryRun && { dryRun }) };
    const all = { ...(await args()), ...common } as unknown as FunctionArgs<F>;
    try {
      return (await services.store.mutation(reference, all, identity)) as Outcome;
    } catch (error) {
      if (error instanceof StoreRefusal && error.code === "DRY_RUN")
        return (error.data as { outcome: Outcome }).outcome;
      throw error;
    }
  };
  const work = async (): Promise<Outcome> => {
    let outcome = await once();
    for (let i = 1; outcome.outcome === "stale" && i < STALE_TRIES; i += 1) outcome = await once();
    return outcome;
  };
  const outcome = scope ? await services.keyedRuns.run(identity.subject, scope, work) : await work();
  return replyOf(services, outcome, what);
}
