// differences.md §6: what holds on sockets. Lanes, joined deltas and causes are the codecs'.
import { elsewhere, row, type RuleRow } from "./row.ts";

const TUTOR = ["tutor"];
const REALTIME = ["realtime"];
const ANY = ["tutor", "realtime", "conversations"];

/** Of an envelope, what is another one when time has ended its turn; whatever else differs has another cause. */
const OF_ANSWERS = ["$.content_type", "$.data", "$.data.*", "$.user_model_state..*", "$.user_model_state..[*]"];

export const ON_SOCKETS: readonly RuleRow[] = [
  elsewhere("S-1", "NORM", "A13; sub-protocol and extensions exact"),
  elsewhere("S-2", "CATCH", "codes of closes, whatever their reason"),
  elsewhere("S-3", "NORM", "one envelope for each frame, by the codec"),
  elsewhere("S-4", "else", "the codec puts them into the lane of presence"),
  elsewhere("S-5", "CATCH", "order counts as it stands"),
  row(
    "S-6",
    "NORM",
    "when a concept was last looked at is the arm's clock; texts of errors are for people",
    TUTOR,
    { path: "$.user_model_state.concepts", isOpen: true },
    { path: "$.user_model_state.concepts.*.last_accessed", ignore: "value" },
    { path: "$.data.error_message", ignore: "value" },
    { path: "$.data.technical_details", ignore: "value" },
    { path: "$.data.technical_details", accept: "null-or-text", kinds: ["type"] },
  ),
  elsewhere("S-7", "NORM", "deltas are joined by the codec"),
  elsewhere("S-8", "CATCH", "`request_id` is derived from session and turn, which are equal (§5)"),
  row(
    "S-9",
    "ACCEPT",
    "limits that time decides, on one arm and seldom",
    TUTOR,
    { message: "envelope", accept: "timed-out" },
    ...[...OF_ANSWERS, "$.whiteboard_actions"].map((path) => ({ message: "envelope", path, accept: "timed-out" })),
    { message: "close", accept: "slow-close", on: [...ANY, "whiteboard"] },
  ),
  elsewhere("S-10", "CATCH", "exact under model replay"),
  // A document is compared as one, never its bytes.
  row(
    "S-11",
    "NORM",
    "boards that do not come together again are apart",
    ["whiteboard"],
    { path: "$..*", severity: "breaking" },
    { path: "$..[*]", severity: "breaking" },
  ),
  row(
    "S-12",
    "IGN",
    "of the connection itself",
    REALTIME,
    ...["connection_id", "timestamp", "health_score", "total_messages", "error_count"].map((name) => ({
      path: `$..${name}`,
      ignore: "value" as const,
    })),
  ),
  row("S-13", "ACCEPT", "a warning about the times of messages; what it says counts", REALTIME, {
    message: "warning",
    accept: true,
    kinds: ["missing", "extra", "order", "timing"],
  }),
  row(
    "S-14",
    "NORM",
    "who is connected is each arm's own",
    ["conversations"],
    { path: "$..timestamp", compare: ["time(2s)"] },
    { message: "ack", path: "$.delivered", ignore: "value" },
    { message: "presence", path: "$..*", ignore: "value" },
  ),
  row("S-15", "else", "compared only with their cause", ANY),
];
