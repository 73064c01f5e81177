// What the tests of the change feed share.
import { api } from "./_generated/api.js";
import type { Id } from "./_generated/dataModel.js";
import { KINDS } from "./model/kinds.ts";
import { type createTest, NOW } from "./test.setup.ts";

export type Bench = ReturnType<typeof createTest>;

/** Live rows of every kind, and the changes that tell of them: `kind key` with the store's id. */
export async function books({ t }: Bench) {
  return t.run(async (ctx) => {
    const rows: string[] = [];
    for (const kind of KINDS) {
      for (const row of await ctx.db.query(kind.table).collect()) {
        const under = kind.session === "required" ? (row as unknown as { session: Id<"sessions"> }).session : null;
        const session = under ? await ctx.db.get("sessions", under) : { publicId: "", userId: "" };
        if (kind.isLive && !kind.isLive(row)) continue;
        rows.push(`${kind.name} ${session ? kind.key(row, session) : "?"} ${row._id}`);
      }
    }
    const changes = await ctx.db.query("changes").collect();
    const told = changes.filter(({ op }) => op === "upsert").map(({ kind, key, row }) => `${kind} ${key} ${row}`);
    return { rows: rows.toSorted(), told: told.toSorted(), changes };
  });
}

export async function assertBooksBalance(bench: Bench): Promise<void> {
  const { rows, told, changes } = await books(bench);
  const missing = rows.filter((row) => !told.includes(row));
  const surplus = told.filter((row) => !rows.includes(row));
  const wrong = [...missing.map((row) => `not told: ${row}`), ...surplus.map((row) => `not stored: ${row}`)];
  if (wrong.length > 0) throw new Error(wrong.join("; "));
  const keys = changes.map(({ kind, key }) => `${kind} ${key}`);
  if (new Set(keys).size !== keys.length) throw new Error("a row has two changes");
}

export const versionOf = async (bench: Bench, kind: string, key: string) => {
  const found = (await books(bench)).changes.find((change) => change.kind === kind && change.key === key);
  return found && [found.op, found.version, found.origin];
};

const columns = { vector_store_id: null, knowledge_base: null, created_at: NOW, updated_at: NOW };

export function folder(more: object = {}, data: object | null = {}) {
  const row = { id: "fx", user_id: "ann", name: "theirs", ...columns, ...data };
  const head = { seq: 1, kind: "folders", op: "upsert", key: "fx", user_id: "ann" };
  return { ...head, version: 1, origin: "legacy", at: NOW, ...(data && { data: row }), ...more };
}

export const given = (change: unknown, row?: number) => ({
  json: JSON.stringify(change),
  ...(row !== undefined && { row }),
});

export async function apply({ service }: Bench, changes: readonly unknown[], more: object = {}) {
  const group = { changes: changes.map((change) => given(change)), ...more };
  const [done] = await service.mutation(api.changes.apply, { instance: "here", now: NOW, groups: [group] });
  if (done?.status !== "done") throw new Error("the session is busy");
  return done.results;
}

export const pageOf = ({ service }: Bench, more: object = {}) =>
  service.query(api.changes.page, { after: 0, limit: 1_000, ...more });

const sessionRow = (context: object = {}) => ({
  id: "s1",
  user_id: "ann",
  folder_id: "fx",
  context: { user_id: "ann", session_id: "s1", interaction_mode: "chat_only", latest_turn_no: 1, ...context },
  analysis_status: null,
  session_analysis: null,
  created_at: NOW,
  updated_at: NOW,
  ended_at: null,
});
const head = { seq: 1, op: "upsert", user_id: "ann", version: 1, origin: "legacy", at: NOW };
export const sessionChange = (more: object = {}, context: object = {}) => ({
  ...head,
  kind: "sessions",
  key: "s1",
  data: sessionRow(context),
  ...more,
});
export const messageChange = (turnNo: number, more: object = {}) => {
  const text = { session_id: "s1", turn_no: turnNo, role: "user", text: "hi", payload_json: null };
  const rest = { whiteboard_snapshot_index: null, client_message_id: "m1", created_at: Date.now() };
  return { ...head, kind: "session_messages", key: `s1/${turnNo}`, data: { ...text, ...rest }, ...more };
};
export const logChange = (id: string) => {
  const row = { id, session_id: "s1", user_id: "ann", role: "user", content: "c", content_type: "t", event_type: "e" };
  return { ...head, kind: "interaction_logs", key: id, data: { ...row, created_at: NOW } };
};
