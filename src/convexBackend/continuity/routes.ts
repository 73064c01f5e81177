// The internal endpoints of state continuity (contract rest.md §7).
import { setTimeout as sleep } from "node:timers/promises";
import { api } from "../../../convex/_generated/api.js";
import { rest } from "../../contract/index.ts";
import { json, param } from "../http/call.ts";
import { integer, oneOf, optional, readBody, readQuery, type Reader, required, text } from "../http/fields.ts";
import type { Handler } from "../http/routedCall.ts";
import { AS_SERVICE } from "../ports.ts";
import type { Services } from "../services.ts";
import { applyChanges } from "./applyChanges.ts";
import { feedPage } from "./feed.ts";
import { createPlaces } from "./places.ts";
import { clearUser, userDigest, userExport } from "./users.ts";

const { CHANGES_MAX } = rest;
const PAGE_DEFAULT = 500;
/** As long as a board may take to be stored (contract whiteboard-socket.md §3.5). */
const FLUSH_MS = 1_000;

const withinTime = (flushed: Promise<void>): Promise<unknown> =>
  Promise.race([flushed.catch(() => undefined), sleep(FLUSH_MS, undefined, { ref: false })]);

const changeList: Reader<readonly unknown[]> = (value, loc, violations) => {
  if (!Array.isArray(value)) {
    violations.push({ type: "list_type", loc, msg: "This must be a list.", input: value });
    return undefined;
  }
  if (value.length > CHANGES_MAX) {
    const msg = `This must have at most ${CHANGES_MAX} items.`;
    violations.push({ type: "too_long", loc, msg, input: null, ctx: { max_length: CHANGES_MAX } });
  }
  return value as readonly unknown[];
};

const query = {
  after: optional(integer({ ge: 0 })),
  limit: optional(integer({ ge: 1, le: CHANGES_MAX })),
  user_id: optional(text()),
  origin: optional(oneOf(...rest.ORIGINS)),
};

const userQuery = { after: optional(text()), limit: query.limit };

export function continuityRoutes(services: Services): Record<string, Handler> {
  const places = createPlaces();
  return {
    async "internal.users"(call) {
      const { after = "", limit = PAGE_DEFAULT } = readQuery(userQuery, call.query);
      const users = await services.store.query(api.changes.users, { after, limit: limit + 1 }, AS_SERVICE);
      return json(200, { users: users.slice(0, limit), more: users.length > limit });
    },
    async "internal.clear"(call) {
      await clearUser(services, param(call, "user_id"));
      return { status: 204 };
    },
    "internal.digest": (call) => places.take(async () => json(200, await userDigest(services, param(call, "user_id")))),
    "internal.export": (call) =>
      places.take(async () => {
        const stream = await userExport(services, param(call, "user_id"));
        return { status: 200, stream, contentType: "application/x-ndjson" };
      }),
    async "internal.changes.read"(call) {
      const { after = 0, limit = PAGE_DEFAULT, user_id: userId, origin } = readQuery(query, call.query);
      const request = {
        after: Math.min(after, Number.MAX_SAFE_INTEGER),
        limit,
        ...(userId !== undefined && { userId }),
        ...(origin !== undefined && { origin }),
      };
      // A carry comes right behind the sockets' end: what they have shown goes with it.
      if (userId !== undefined) await withinTime(services.boards.flushOf(userId));
      return { status: 200, body: await feedPage(services, request) };
    },
    async "internal.changes.apply"(call) {
      if (call.invalidBody) throw call.invalidBody;
      const { changes } = readBody({ changes: required(changeList) }, call.body);
      return json(200, await applyChanges(services, changes));
    },
  };
}
