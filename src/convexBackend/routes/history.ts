// R6, R7, R14, R15, R33: what a session leaves behind.
import { api } from "../../../convex/_generated/api.js";
import { canonicalJson, canonicalUuid } from "../../contract/index.ts";
import type { BearerHandler } from "../http/routedCall.ts";
import { type Call, json, param, type Reply } from "../http/call.ts";
import { HttpError, notFound } from "../http/errors.ts";
import * as shapes from "../http/shapes.ts";
import { bool, type Field, integer, nullable, optional, readBody, readQuery, required, text } from "../http/fields.ts";
import type { Services } from "../services.ts";
import { readActions } from "../tutor/replay.ts";
import { actor, asOf, requireSession } from "./access.ts";
import { write } from "./write.ts";

const MESSAGES_DEFAULT = 50;
const MESSAGES_LEAST = 20;
const MESSAGES_MOST = 100;

const miniQuizBody = {
  question: required(text()),
  selectedOption: required(text()),
  correctOption: required(text()),
  isCorrect: required(bool),
  relatedSection: optional(nullable(text())),
  topic: optional(nullable(text())),
};
const summaryBody = { section: required(text()), topic: required(text()), summary: required(text()) };

/** R6: out of range is brought into it, never refused. */
const pageSize = (limit: number): number => (limit <= 0 ? MESSAGES_LEAST : Math.min(limit, MESSAGES_MOST));

export function historyRoutes(services: Services): Record<string, BearerHandler> {
  const { store, ids } = services;

  async function logBody(
    call: Call,
    sub: string,
    fields: Record<string, Field<unknown>>,
    kind: { contentType: string; eventType: string },
  ): Promise<Reply> {
    const id = param(call, "session_id");
    const identity = await actor(services, call, sub);
    await requireSession(services, call, identity);
    readBody(fields, call.body);
    const args = async () => {
      const row = ((await store.query(api.logs.count, { id }, identity)) ?? 0) + 1;
      const content = canonicalJson(call.body);
      return { id, entry: { id: ids.did(call.at, "log", id, row), row, content, ...kind } };
    };
    return write(services, call, identity, { reference: api.logs.append, args, what: "Session", session: id });
  }

  return {
    async R6(call, { sub }) {
      const identity = await actor(services, call, sub);
      await requireSession(services, call, identity);
      const fields = { before_turn_no: optional(integer()), limit: optional(integer()) };
      const { before_turn_no: bound, limit = MESSAGES_DEFAULT } = readQuery(fields, call.query);
      const page = { limit: pageSize(limit), ...(bound !== undefined && { bound }), ...asOf(services, call) };
      const rows = await store.query(api.messages.below, { id: param(call, "session_id"), ...page }, identity);
      if (!rows) throw notFound("Session");
      const shown = rows.map((row) => ({
        turn_no: row.turnNo,
        role: row.role,
        text: row.text,
        // Absent on user rows, the stored envelope on assistant rows.
        ...(row.role === "assistant" && { payload_json: JSON.parse(row.payloadJson ?? "null") as unknown }),
        whiteboard_snapshot_index: row.snapshotIndex,
      }));
      return json(200, shown);
    },
    async R7(call, { sub }) {
      const identity = await actor(services, call, sub);
      await requireSession(services, call, identity);
      const { target_snapshot_index: target } = readQuery({ target_snapshot_index: required(integer()) }, call.query);
      if (target < 0) throw new HttpError(400, "INVALID_SNAPSHOT_INDEX", "target_snapshot_index must not be negative.");
      const id = param(call, "session_id");
      const actions = await readActions(store, identity, id, { through: target, ...asOf(services, call) });
      return json(200, { target_snapshot_index: target, whiteboard_actions: actions });
    },
    R14: (call, { sub }) => logBody(call, sub, miniQuizBody, { contentType: "mini_quiz", eventType: "mini_quiz" }),
    R15: (call, { sub }) => logBody(call, sub, summaryBody, { contentType: "user_summary", eventType: "summary" }),
    async R33(call, { sub }) {
      const identity = await actor(services, call, sub);
      await requireSession(services, call, identity);
      const fields = { limit: optional(integer({ ge: 1, le: 200 })), after: optional(text()) };
      const { limit = 50, after } = readQuery(fields, call.query);
      const from = after === undefined ? {} : { after: canonicalUuid(after) ?? after };
      const args = { id: param(call, "session_id"), limit, ...from, ...asOf(services, call) };
      const page = await store.query(api.logs.list, args, identity);
      if (!page) throw notFound("Session");
      return json(200, { interactions: page.interactions.map(shapes.interaction), next_after: page.next_after });
    },
  };
}
