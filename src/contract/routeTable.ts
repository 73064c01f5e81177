// Every HTTP route of the contract as data: rest.md §2 and §§6–7, realtime-socket.md §§7–9, conversations.md §3.

export const METHODS = ["GET", "POST", "PATCH", "PUT", "DELETE"] as const;
export type Method = (typeof METHODS)[number];

/** `owner` = bearer whose subject owns the object in the path (G8); `service` = rest.md §7's service token. */
export type RouteAuth = "none" | "bearer" | "owner" | "service";

/** `tutor` answers errors with E1, `accounts`, `chat` and `conversations` with D (rest.md §1). */
export type RouteFamily = "tutor" | "accounts" | "chat" | "conversations" | "health" | "internal";

export interface RouteSpec {
  readonly id: string;
  readonly method: Method;
  /** The contract's spelling; also the `route` label of metrics and the canonical path of G4. */
  readonly path: string;
  readonly auth: RouteAuth;
  readonly family: RouteFamily;
  /** Takes an `Idempotency-Key` (G10). */
  readonly isKeyed: boolean;
  readonly status: "served" | "not yet";
}

type Row = readonly [id: string, method: Method, path: string, auth: RouteAuth, status: RouteSpec["status"]];

const S = "/api/v1/sessions/{session_id}";
const served = "served";
const later = "not yet";

const TUTOR: readonly Row[] = [
  ["R1", "GET", "/", "none", served],
  ["R3", "POST", "/api/v1/folders/", "bearer", served],
  ["R4", "GET", "/api/v1/folders/", "bearer", served],
  ["R5", "POST", "/api/v1/sessions", "bearer", served],
  ["R6", "GET", `${S}/messages`, "owner", served],
  ["R7", "GET", `${S}/whiteboard_state_at_turn`, "owner", served],
  ["R8", "GET", `${S}/board_summary`, "owner", served],
  ["R9", "POST", `${S}/documents`, "owner", later],
  ["R10", "GET", `${S}/analysis`, "owner", later],
  ["R11", "POST", `${S}/plan`, "owner", later],
  ["R12", "GET", `${S}/lesson`, "owner", later],
  ["R13", "GET", `${S}/quiz`, "owner", later],
  ["R14", "POST", `${S}/log/mini-quiz`, "owner", served],
  ["R15", "POST", `${S}/log/summary`, "owner", served],
  ["R16", "GET", "/api/v1/folders/{folder_id}", "owner", served],
  ["R17", "PATCH", "/api/v1/folders/{folder_id}", "owner", served],
  ["R18", "DELETE", "/api/v1/folders/{folder_id}", "owner", served],
  ["R19", "GET", "/api/v1/sessions", "bearer", served],
  ["R20", "GET", S, "owner", served],
  ["R21", "DELETE", S, "owner", served],
  ["R22", "GET", `${S}/board_insights`, "owner", served],
  ["R23", "GET", `${S}/whiteboard_snapshot`, "owner", served],
  ["R24", "GET", `${S}/documents`, "owner", later],
  ["R25", "POST", `${S}/documents/search`, "owner", later],
  ["R26", "GET", `${S}/plan`, "owner", later],
  ["R27", "POST", `${S}/lesson_plan`, "owner", later],
  ["R28", "GET", `${S}/lesson_plan`, "owner", later],
  ["R29", "POST", `${S}/lesson`, "owner", later],
  ["R30", "POST", `${S}/quiz`, "owner", later],
  ["R31", "POST", `${S}/quiz/{quiz_id}/submissions`, "owner", later],
  ["R32", "GET", `${S}/quiz/{quiz_id}/submissions`, "owner", later],
  ["R33", "GET", `${S}/interactions`, "owner", served],
  ["R34", "POST", `${S}/analyze-session`, "owner", later],
  ["R35", "GET", `${S}/session_analysis`, "owner", later],
  ["R36", "GET", "/api/v1/jobs/{job_id}", "owner", later],
  ["R37", "GET", `${S}/jobs`, "owner", later],
];

const ACCOUNTS: readonly Row[] = [
  ["auth.register", "POST", "/api/auth/register", "none", served],
  ["auth.login", "POST", "/api/auth/login", "none", served],
  ["auth.refresh", "POST", "/api/auth/refresh", "none", served],
  ["auth.logout", "POST", "/api/auth/logout", "bearer", served],
  ["auth.me", "GET", "/api/auth/me", "bearer", served],
  ["auth.profile", "PATCH", "/api/auth/profile", "bearer", served],
];

const HEALTH: readonly Row[] = [
  ["R2", "GET", "/metrics", "none", served],
  ["health", "GET", "/api/health", "none", served],
  ["livez", "GET", "/livez", "none", served],
  ["readyz", "GET", "/readyz", "none", served],
];

const CHAT: readonly Row[] = [
  ["chat.send", "POST", "/api/v1/chat", "bearer", later],
  ["chat.history", "GET", "/api/v1/chat/history/{session_id}", "owner", later],
];

const INTERNAL: readonly Row[] = [
  ["internal.faults.set", "PUT", "/internal/faults", "service", served],
  ["internal.faults.get", "GET", "/internal/faults", "service", served],
  // Ours: nothing else says whom to copy or to compare.
  ["internal.users", "GET", "/internal/users", "service", served],
  ["internal.digest", "GET", "/internal/users/{user_id}/digest", "service", served],
  ["internal.export", "GET", "/internal/users/{user_id}/export", "service", served],
  ["internal.clear", "DELETE", "/internal/users/{user_id}", "service", served],
  ["internal.changes.read", "GET", "/internal/changes", "service", served],
  ["internal.changes.apply", "POST", "/internal/changes", "service", served],
];

const CONVERSATIONS: readonly Row[] = [
  ["C1", "GET", "/conversations/get_system_assistant_conversation", "bearer", later],
  ["C2", "POST", "/conversations/create_first_conversation/{assistantId}", "bearer", later],
  ["C3", "POST", "/conversations/instructor/create_first_conversation/{assistantId}", "bearer", later],
  ["C4", "GET", "/conversations/instructor/get_assistant_conversation", "bearer", later],
  ["C5", "GET", "/conversations/instructor/get_list_conversation", "bearer", later],
  ["C6", "GET", "/conversations/instructor/get_conversations", "bearer", later],
  ["C7", "GET", "/conversations/instructor/get_sharing", "bearer", later],
  ["C8", "GET", "/conversations/get_history_chat/{id}", "owner", later],
  ["C9", "GET", "/conversations/get_by_id/{id}", "owner", later],
  ["C10", "POST", "/conversations/instructor/send_message", "bearer", later],
  ["C11", "POST", "/conversations/send_message", "bearer", later],
  ["C12", "POST", "/conversations/upload_image", "bearer", later],
  ["C13", "GET", "/conversations/images/{name}", "bearer", later],
  ["C14", "GET", "/conversations/get_speech/{invocation_id}", "bearer", later],
  ["C15", "GET", "/conversations/get_tasks/{id}", "owner", later],
  ["C16", "POST", "/conversations/instructor/create_learning_discuss", "bearer", later],
  ["C17", "POST", "/conversations/instructor/create_generate_tasklist_learning", "bearer", later],
  ["C18", "POST", "/conversations/refactor_tutoring_discuss", "bearer", later],
  ["C19", "POST", "/conversations/sharing/request/{id}", "owner", later],
  ["C20", "GET", "/assistants/get_by_id/{id}", "bearer", later],
  ["C21", "GET", "/instructor-profiles/get-instructor-profile", "bearer", later],
  ["C22", "GET", "/auth/me", "bearer", later],
  ["C23", "POST", "/auth/login-with-email", "none", later],
  ["C24", "POST", "/auth/refresh", "none", later],
];

/** G10: authenticated writes of rest.md except R25 and /internal/*, the chat call, authenticated POSTs of conversations. */
function isKeyed(family: RouteFamily, id: string, method: Method, auth: RouteAuth): boolean {
  if (auth === "none" || method === "GET") return false;
  if (family === "tutor") return id !== "R25";
  return family === "chat" || family === "conversations";
}

const rows = (family: RouteFamily, table: readonly Row[]): RouteSpec[] =>
  table.map(([id, method, path, auth, status]) => ({
    id,
    method,
    path,
    auth,
    family,
    isKeyed: isKeyed(family, id, method, auth),
    status,
  }));

export const ROUTES: readonly RouteSpec[] = Object.freeze([
  ...rows("tutor", TUTOR),
  ...rows("accounts", ACCOUNTS),
  ...rows("health", HEALTH),
  ...rows("chat", CHAT),
  ...rows("internal", INTERNAL),
  ...rows("conversations", CONVERSATIONS),
]);

/** The routes an arm answers in this version; every other path is an unknown route (404 E2). */
export const SERVED_ROUTES: readonly RouteSpec[] = Object.freeze(ROUTES.filter((route) => route.status === "served"));
