// The operations of `ctx.db` (embedded-convex §3.1: sync, read, write).
import { convexToJson, type JSONValue, type Value } from "convex/values";
import {
  inAnyTransaction,
  inTransaction,
  jsonOf,
  memberOf,
  numberOf,
  optionalTextOf,
  textOf,
  type SyscallCall,
} from "./syscallWords.ts";
import { parseValue } from "./valueJson.ts";

/** The system tables that `db.system` shows; the others are the host's own. */
const SHOWN = ["_storage", "_scheduled_functions"];

/** @throws Error for a system table that functions do not see */
function requireReadable(table: string): string {
  if (table.startsWith("_") && !SHOWN.includes(table)) {
    throw new Error(`There is no system table "${table}", expected ${SHOWN.map((name) => `"${name}"`).join(" or ")}`);
  }
  return table;
}

/** @throws Error for a system table: functions only read them */
function requireWritable({ frame, host }: SyscallCall, table: string | undefined, id?: string): void {
  const named = table ?? (id === undefined ? undefined : host.store.tableOf(frame.address.component, id));
  if (named?.startsWith("_") === true) throw new Error(`System tables (prefixed with "_") are read-only: "${named}"`);
}

function tableOfQuery(query: JSONValue): string {
  const source = memberOf(query, "source");
  const name = memberOf(source, "tableName") ?? memberOf(source, "indexName");
  if (typeof name !== "string") throw new Error("Expected a query with the name of a table or an index");
  return name.split(".")[0] ?? name;
}

const documentJson = (document: Readonly<Record<string, Value | undefined>> | null): JSONValue =>
  document === null ? null : convexToJson(document);

export const openQuery = inTransaction(({ frame, args }, transaction) => {
  const query = jsonOf(args, "query");
  requireReadable(tableOfQuery(query));
  return { queryId: transaction.openQuery(frame.address.component, query) };
});

export const closeQuery = inTransaction(({ args }, transaction) => {
  transaction.closeQuery(numberOf(args, "queryId"));
  return {};
});

export const nextOfQuery = inTransaction(({ args }, transaction) => {
  const document = transaction.nextOf(numberOf(args, "queryId"));
  return { value: documentJson(document), done: document === null };
});

export const normalizeId = inTransaction(({ frame, args }, transaction) => {
  const table = requireReadable(textOf(args, "table"));
  return { id: transaction.normalizeId(frame.address.component, table, textOf(args, "idString")) };
});

export const getSnapshotTs = inTransaction((_, transaction) => convexToJson(transaction.snapshotTs));

export const get = inTransaction(({ frame, host, args }, transaction) => {
  const id = textOf(args, "id");
  const table = optionalTextOf(args, "table");
  const named = table ?? host.store.tableOf(frame.address.component, id);
  const isSystem = args["isSystem"] === true;
  if (named !== null && named.startsWith("_") !== isSystem) {
    throw new Error(
      `${isSystem ? "User" : "System"} tables can only be read with db.${isSystem ? "" : "system."}get(): "${named}"`,
    );
  }
  if (named !== null) requireReadable(named);
  return documentJson(transaction.get(frame.address.component, table, id));
});

/** One page per function; only that of the called query itself is journaled (§3.4). */
export const readPage = inTransaction(({ frame, args }, transaction) => {
  requireReadable(tableOfQuery(jsonOf(args, "query")));
  frame.countPage();
  const page = transaction.page(frame.address.component, args as JSONValue, frame.journal);
  frame.nextJournal = page.journal;
  return page.result;
});

export const count = inTransaction(({ frame, args }, transaction) =>
  transaction.count(frame.address.component, requireReadable(textOf(args, "table"))),
);

export const insert = inTransaction((call, transaction) => {
  const table = textOf(call.args, "table");
  requireWritable(call, table);
  const value = parseValue(jsonOf(call.args, "value"), { allowsCommitTs: true });
  return { _id: transaction.insert(call.frame.address.component, table, value) };
});

export const patch = inTransaction((call, transaction) => {
  const { table, id } = placeOf(call);
  transaction.patch(call.frame.address.component, table, id, jsonOf(call.args, "value"));
  return {};
});

export const replace = inTransaction((call, transaction) => {
  const { table, id } = placeOf(call);
  const value = parseValue(jsonOf(call.args, "value"), { allowsCommitTs: true });
  transaction.replace(call.frame.address.component, table, id, value);
  return {};
});

export const remove = inTransaction((call, transaction) => {
  const { table, id } = placeOf(call);
  transaction.remove(call.frame.address.component, table, id);
  return {};
});

function placeOf(call: SyscallCall): { readonly table: string | undefined; readonly id: string } {
  const table = optionalTextOf(call.args, "table");
  const id = textOf(call.args, "id");
  requireWritable(call, table, id);
  return { table, id };
}

/** Of an action: a transaction of its own. */
export const vectorSearch = inAnyTransaction(false, ({ frame, args }, transaction) => ({
  results: transaction.vectorSearch(frame.address.component, jsonOf(args, "query")),
}));
