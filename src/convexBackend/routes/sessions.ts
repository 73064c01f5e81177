// R5, R19–R21.
import { api } from "../../../convex/_generated/api.js";
import { canonicalUuid } from "../../contract/index.ts";
import type { BearerHandler } from "../http/routedCall.ts";
import { json, param } from "../http/call.ts";
import { HttpError, notFound } from "../http/errors.ts";
import * as shapes from "../http/shapes.ts";
import { integer, optional, readQuery, text } from "../http/fields.ts";
import type { Services } from "../services.ts";
import { actor, asOf, mintedIds, requireSession } from "./access.ts";
import { write } from "./write.ts";

const DEFAULT_LIMIT = 50;

/** R5 takes any body: what is no object counts as `{}`; a falsy `folder_id` as none. */
function folderIdOf(body: unknown): string | null {
  const members = typeof body === "object" && body !== null && !Array.isArray(body) ? body : {};
  const given = Object.hasOwn(members, "folder_id") ? (members as { folder_id: unknown }).folder_id : null;
  if (!given) return null;
  const id = typeof given === "string" ? canonicalUuid(given) : null;
  if (id === null) throw new HttpError(400, "INVALID_FOLDER_ID", "folder_id must be a UUID.");
  return id;
}

export function sessionRoutes(services: Services): Record<string, BearerHandler> {
  const { store } = services;
  return {
    async R5(call, { sub }) {
      const identity = await actor(services, call, sub);
      const args = () => ({ ...mintedIds(services, call, sub, "session"), folderId: folderIdOf(call.body) });
      return write(services, call, identity, { reference: api.sessions.create, args, what: "Session" });
    },
    async R19(call, { sub }) {
      const fields = { limit: optional(integer({ ge: 1, le: 100 })), before: optional(text()) };
      const { limit = DEFAULT_LIMIT, before } = readQuery(fields, call.query);
      const bound = before === undefined ? {} : { before: canonicalUuid(before) ?? before };
      const args = { limit, ...bound, ...asOf(services, call) };
      const page = await store.query(api.sessions.list, args, await actor(services, call, sub));
      return json(200, { sessions: page.sessions.map(shapes.session), next_before: page.next_before });
    },
    async R20(call, { sub }) {
      const args = { id: param(call, "session_id"), ...asOf(services, call) };
      const session = await store.query(api.sessions.get, args, await actor(services, call, sub));
      if (!session) throw notFound("Session");
      return json(200, shapes.session(session));
    },
    async R21(call, { sub }) {
      const id = param(call, "session_id");
      const identity = await actor(services, call, sub);
      await requireSession(services, call, identity);
      const onDone = (): void => services.closeSession(id);
      const args = () => ({ id, instance: services.leases.instance });
      const removal = { reference: api.sessions.remove, args, what: "Session", session: id, onDone };
      return write(services, call, identity, removal);
    },
  };
}
