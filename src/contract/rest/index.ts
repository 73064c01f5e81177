// Every served route's bodies by route id (rest.md §2, realtime-socket.md §9).
import type { z } from "zod";
import * as accounts from "./accounts.ts";
import * as board from "./board.ts";
import * as continuity from "./continuity.ts";
import * as folders from "./folders.ts";
import * as health from "./health.ts";
import * as logs from "./logs.ts";
import * as sessions from "./sessions.ts";

export interface RouteBodies {
  readonly status: number;
  readonly query?: z.ZodType;
  readonly request?: z.ZodType;
  /** A schema of the JSON body, the media type of another body, or null when there is no body. */
  readonly response: z.ZodType | "text/plain" | "application/octet-stream" | "application/x-ndjson" | null;
}

export const BODIES = {
  R1: { status: 200, response: health.root },
  R2: { status: 200, response: "text/plain" },
  R3: { status: 201, request: folders.folderRequest, response: folders.folder },
  R4: { status: 200, response: folders.folderList },
  R5: { status: 201, request: sessions.sessionRequest, response: sessions.sessionCreated },
  R6: { status: 200, query: sessions.messagesQuery, response: sessions.messageRows },
  R7: { status: 200, query: sessions.whiteboardAtTurnQuery, response: sessions.whiteboardAtTurn },
  R8: { status: 200, response: board.boardSummary },
  R14: { status: 204, request: logs.miniQuizRequest, response: null },
  R15: { status: 204, request: logs.summaryRequest, response: null },
  R16: { status: 200, response: folders.folderDetail },
  R17: { status: 200, request: folders.folderRequest, response: folders.folder },
  R18: { status: 204, response: null },
  R19: { status: 200, query: sessions.sessionListQuery, response: sessions.sessionList },
  R20: { status: 200, response: sessions.session },
  R21: { status: 204, response: null },
  R22: { status: 200, response: board.boardInsights },
  R23: { status: 200, response: "application/octet-stream" },
  R33: { status: 200, query: logs.interactionsQuery, response: logs.interactionList },
  "auth.register": { status: 201, request: accounts.registerRequest, response: accounts.tokens },
  "auth.login": { status: 200, request: accounts.loginRequest, response: accounts.tokens },
  "auth.refresh": { status: 200, request: accounts.refreshRequest, response: accounts.tokens },
  "auth.logout": { status: 200, response: accounts.loggedOut },
  "auth.me": { status: 200, response: accounts.profile },
  "auth.profile": { status: 200, request: accounts.profileRequest, response: accounts.profile },
  health: { status: 200, response: health.health },
  livez: { status: 200, response: health.live },
  readyz: { status: 200, response: health.ready },
  "internal.faults.set": { status: 204, response: null },
  "internal.faults.get": { status: 200, response: "text/plain" },
  "internal.digest": { status: 200, response: continuity.digest },
  "internal.users": { status: 200, query: continuity.usersQuery, response: continuity.users },
  "internal.export": { status: 200, response: "application/x-ndjson" },
  "internal.clear": { status: 204, response: null },
  "internal.changes.read": { status: 200, query: continuity.changesQuery, response: continuity.changesPage },
  "internal.changes.apply": {
    status: 200,
    request: continuity.changesRequest,
    response: continuity.changesApplied,
  },
} as const satisfies Readonly<Record<string, RouteBodies>>;
export type ServedRouteId = keyof typeof BODIES;

export * from "./accounts.ts";
export * from "./board.ts";
export * from "./continuity.ts";
export * from "./folders.ts";
export * from "./health.ts";
export * from "./logs.ts";
export * from "./sessions.ts";
