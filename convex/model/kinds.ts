// The one table of what the change feed carries (contract rest.md §7). A new kind joins by one line here, and its table in
// `KindTable`.
import { accounts, revokedTokens } from "./kinds/accounts.ts";
import { yjsSnapshots } from "./kinds/boards.ts";
import { folders } from "./kinds/folders.ts";
import {
  conceptEvents,
  interactionLogs,
  processedMessages,
  sessionMessages,
  whiteboardSnapshots,
} from "./kinds/history.ts";
import type { Kind, KindTable } from "./kinds/kind.ts";
import { sessions } from "./kinds/sessions.ts";

export const KINDS: readonly Kind[] = [
  accounts,
  conceptEvents,
  folders,
  interactionLogs,
  processedMessages,
  revokedTokens,
  sessionMessages,
  sessions,
  whiteboardSnapshots,
  yjsSnapshots,
];

const byName = new Map(KINDS.map((kind) => [kind.name, kind]));
const byTable = new Map(KINDS.map((kind) => [kind.table, kind]));

export const kindNamed = (name: string): Kind | null => byName.get(name) ?? null;

export function kindOf(table: KindTable): Kind {
  const kind = byTable.get(table);
  if (!kind) throw new TypeError(`no kind has the table ${table}`);
  return kind;
}

/** Merged by the service, never replaced. */
export const MERGED_KIND = yjsSnapshots.name;
