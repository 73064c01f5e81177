/* eslint-disable */
/**
 * Generated `api` utility.
 *
 * THIS CODE IS AUTOMATICALLY GENERATED.
 *
 * To regenerate, run `npx convex dev`.
 * @module
 */

import type {
  ApiFromModules,
  FilterApi,
  FunctionReference,
} from "convex/server";
import type * as accounts from "../accounts.js";
import type * as boards from "../boards.js";
import type * as changes from "../changes.js";
import type * as crons from "../crons.js";
import type * as folders from "../folders.js";
import type * as logs from "../logs.js";
import type * as messages from "../messages.js";
import type * as model_accounts from "../model/accounts.js";
import type * as model_applyChange from "../model/applyChange.js";
import type * as model_auth from "../model/auth.js";
import type * as model_boardMerge from "../model/boardMerge.js";
import type * as model_boards from "../model/boards.js";
import type * as model_changeShape from "../model/changeShape.js";
import type * as model_changes from "../model/changes.js";
import type * as model_clear from "../model/clear.js";
import type * as model_folders from "../model/folders.js";
import type * as model_functions from "../model/functions.js";
import type * as model_idempotency from "../model/idempotency.js";
import type * as model_kinds from "../model/kinds.js";
import type * as model_kinds_accounts from "../model/kinds/accounts.js";
import type * as model_kinds_boards from "../model/kinds/boards.js";
import type * as model_kinds_context from "../model/kinds/context.js";
import type * as model_kinds_folders from "../model/kinds/folders.js";
import type * as model_kinds_history from "../model/kinds/history.js";
import type * as model_kinds_kind from "../model/kinds/kind.js";
import type * as model_kinds_sessions from "../model/kinds/sessions.js";
import type * as model_leases from "../model/leases.js";
import type * as model_logs from "../model/logs.js";
import type * as model_messages from "../model/messages.js";
import type * as model_probe from "../model/probe.js";
import type * as model_retention from "../model/retention.js";
import type * as model_rows from "../model/rows.js";
import type * as model_sessions from "../model/sessions.js";
import type * as model_time from "../model/time.js";
import type * as model_turns from "../model/turns.js";
import type * as model_validators from "../model/validators.js";
import type * as probe from "../probe.js";
import type * as retention from "../retention.js";
import type * as sessions from "../sessions.js";
import type * as turns from "../turns.js";

/**
 * A utility for referencing Convex functions in your app's API.
 *
 * Usage:
 * ```js
 * const myFunctionReference = api.myModule.myFunction;
 * ```
 */
declare const fullApi: ApiFromModules<{
  accounts: typeof accounts;
  boards: typeof boards;
  changes: typeof changes;
  crons: typeof crons;
  folders: typeof folders;
  logs: typeof logs;
  messages: typeof messages;
  "model/accounts": typeof model_accounts;
  "model/applyChange": typeof model_applyChange;
  "model/auth": typeof model_auth;
  "model/boardMerge": typeof model_boardMerge;
  "model/boards": typeof model_boards;
  "model/changeShape": typeof model_changeShape;
  "model/changes": typeof model_changes;
  "model/clear": typeof model_clear;
  "model/folders": typeof model_folders;
  "model/functions": typeof model_functions;
  "model/idempotency": typeof model_idempotency;
  "model/kinds": typeof model_kinds;
  "model/kinds/accounts": typeof model_kinds_accounts;
  "model/kinds/boards": typeof model_kinds_boards;
  "model/kinds/context": typeof model_kinds_context;
  "model/kinds/folders": typeof model_kinds_folders;
  "model/kinds/history": typeof model_kinds_history;
  "model/kinds/kind": typeof model_kinds_kind;
  "model/kinds/sessions": typeof model_kinds_sessions;
  "model/leases": typeof model_leases;
  "model/logs": typeof model_logs;
  "model/messages": typeof model_messages;
  "model/probe": typeof model_probe;
  "model/retention": typeof model_retention;
  "model/rows": typeof model_rows;
  "model/sessions": typeof model_sessions;
  "model/time": typeof model_time;
  "model/turns": typeof model_turns;
  "model/validators": typeof model_validators;
  probe: typeof probe;
  retention: typeof retention;
  sessions: typeof sessions;
  turns: typeof turns;
}>;
export declare const api: FilterApi<
  typeof fullApi,
  FunctionReference<any, "public">
>;
export declare const internal: FilterApi<
  typeof fullApi,
  FunctionReference<any, "internal">
>;
