// The WebSocket surfaces (contract README §6).

export const SURFACES = ["tutor", "whiteboard", "realtime", "conversations"] as const;
export type Surface = (typeof SURFACES)[number];

export interface SocketSpec {
  readonly surface: Surface;
  /** Spellings a client may use at the proxy; the first is the canonical one. */
  readonly clientPaths: readonly string[];
  /** The one spelling each backend serves; any other is 403 (README §6, G7). */
  readonly legacyPath: string;
  readonly candidatePath: string;
  readonly status: "served" | "not yet";
}

const same = (surface: Surface, path: string, status: SocketSpec["status"]): SocketSpec => ({
  surface,
  clientPaths: [path],
  legacyPath: path,
  candidatePath: path,
  status,
});

export const SOCKETS: readonly SocketSpec[] = Object.freeze([
  {
    surface: "tutor",
    clientPaths: ["/ws/v2/session/{session_id}", "/api/v1/ws/session/{session_id}"],
    legacyPath: "/api/v1/ws/session/{session_id}",
    candidatePath: "/ws/v2/session/{session_id}",
    status: "served",
  },
  same("whiteboard", "/ws/v2/session/{session_id}/whiteboard", "served"),
  same("realtime", "/api/ws", "not yet"),
  same("conversations", "/conversations/ws/user/{user_id}", "not yet"),
]);
