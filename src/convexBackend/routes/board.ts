// R8, R22, R23: reads of the session's board.
import * as Y from "yjs";
import { api } from "../../../convex/_generated/api.js";
import { boardState } from "../board/entries.ts";
import { boardInsights } from "../board/insights.ts";
import { boardSummary } from "../board/summary.ts";
import type { BearerHandler } from "../http/routedCall.ts";
import { type Call, json, param } from "../http/call.ts";
import { HttpError } from "../http/errors.ts";
import type { Services } from "../services.ts";
import { actor, requireSession, type UserIdentity } from "./access.ts";

export function boardRoutes(services: Services): Record<string, BearerHandler> {
  const { store, boards, clock } = services;
  const key = async (call: Call, identity: UserIdentity) => ({
    id: param(call, "session_id"),
    session: await requireSession(services, call, identity),
    identity,
  });
  return {
    async R8(call, { sub }) {
      const identity = await actor(services, call, sub);
      const id = param(call, "session_id");
      const found = await store.query(api.sessions.access, { id }, identity);
      // The one route that answers 403, for foreign and unknown sessions alike (G8).
      if (found.access !== "own") throw new HttpError(403, null, "This session is not yours.");
      const doc = await boards.read({ id, session: found.session, identity });
      return json(200, boardSummary(boardState(doc, clock.now())));
    },
    async R22(call, { sub }) {
      const identity = await actor(services, call, sub);
      const board = await key(call, identity);
      const count = await store.query(api.messages.snapshotCount, { id: board.id }, identity);
      return json(200, boardInsights(boardState(await boards.read(board), clock.now()), count ?? 0));
    },
    async R23(call, { sub }) {
      const identity = await actor(services, call, sub);
      const doc = await boards.read(await key(call, identity));
      return { status: 200, body: Y.encodeStateAsUpdate(doc), contentType: "application/octet-stream" };
    },
  };
}
