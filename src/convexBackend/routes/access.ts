// What every bearer route shares: who acts, ownership, ids.
import { api } from "../../../convex/_generated/api.js";
import { randomUUID } from "node:crypto";
import type { Id } from "../../../convex/_generated/dataModel.js";
import { canonicalPath, type KeyedKind } from "../../contract/index.ts";
import { type Call, param } from "../http/call.ts";
import { notFound } from "../http/errors.ts";
import { numberArg } from "../faults/switchboard.ts";
import { AS_SERVICE, asUser, type Identity } from "../ports.ts";
import type { Services } from "../services.ts";

export type UserIdentity = Identity & { readonly role: "user" };

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
