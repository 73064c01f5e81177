// differences.md §3: what holds on every route.
import { ROUTES } from "../routeTable.ts";
import { elsewhere, row, type RuleRow } from "./row.ts";

const ALL = ["*"];
/** Not the whiteboard: keys of what clients draw are their own, and the same on both arms whatever they are called. */
const ALL_BUT_PUSHES = [...ROUTES.map(({ method, path }) => `${method} ${path}`), "tutor", "realtime"];
/** Of a push the `timestamp` counts (S-14), and what is ignored is never compared. */
const ALL_BUT_BOARDS = [...ALL_BUT_PUSHES, "conversations"];

const TIMES = ["created_at", "updated_at", "ended_at", "session_started", "last_active", "submitted_at"];
const OWN_HEADERS = [
  "date",
  "server",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
  "x-request-id",
];
const CORS_AND_CACHES = ["x-backend-arm", "vary", "access-control-*", "etag"];

export const EVERY_ROUTE: readonly RuleRow[] = [
  // num, keys and esc are always on.
  row("A1", "NORM", "programs read the code of an error", ALL, {
    path: "$..error_code",
    severity: "breaking",
    kinds: ["value"],
  }),
  // Absent is not null, and a key that only one arm writes is a defect of that arm.
  row("A2", "CATCH", "an extra key is as bad as a missing one", ALL, {
    path: "$..*",
    severity: "breaking",
    kinds: ["extra"],
  }),
  row(
    "A3",
    "IGN",
    "written by each server for itself",
    ALL,
    ...[...OWN_HEADERS, ...CORS_AND_CACHES].map((header) => ({ header, ignore: "all" as const })),
  ),
  elsewhere("A4", "NORM", "of a content type the media type counts, always"),
  row("A5", "NORM", "a list in no order", ALL, { header: "allow", compare: ["set"] }),
  row(
    "A6",
    "IGN",
    "texts for people, and details of a framework",
    ALL,
    { path: "$.error_message", ignore: "value" },
    { path: "$.technical_details", ignore: "value" },
    { path: "$.technical_details", accept: "null-or-text", kinds: ["type"] },
    { path: "$.detail", compare: ["free-text"], statuses: ["5xx"] },
    ...["msg", "ctx", "input"].map((name) => ({ path: `$.detail[*].${name}`, ignore: "value" as const })),
  ),
  row("A7", "NORM", "what follows two known beginnings is free text", ALL, {
    path: "$.detail",
    compare: ["detail-text"],
    statuses: ["4xx"],
  }),
  row("A8", "NORM", "a set of places and kinds", ALL, {
    path: "$.detail",
    compare: ["invalid-places"],
    statuses: ["422"],
  }),
  elsewhere("A9", "CATCH", "ids are derived from idempotency keys, so they are equal"),
  row(
    "A10",
    "NORM",
    "the shadow writes its rows later; reading leaves no other trace",
    ALL_BUT_BOARDS,
    ...TIMES.map((name) => ({ path: `$..${name}`, compare: ["time(delay+2s)"] })),
    { path: "$..last_accessed", ignore: "value" },
    { path: "$..timestamp", ignore: "value", on: ALL_BUT_PUSHES },
  ),
  row(
    "A11",
    "IGN",
    "durations",
    ALL_BUT_BOARDS,
    ...["$..response_time_ms", "$..processing_breakdown.*", "$..retrieval_time_ms"].map((path) => ({
      path,
      ignore: "value" as const,
    })),
  ),
  elsewhere("A12", "else", "latency is recorded beside the verdict, never part of it"),
  row(
    "A13",
    "NORM",
    "the layer that refuses a handshake is each arm's own",
    ["tutor", "whiteboard", "realtime", "conversations"],
    { status: true, compare: ["class"] },
    // Outside of it the exact status counts (end of §3), and one that is wrong breaks whoever reads it.
    { status: true, severity: "breaking", on: ALL },
  ),
];
