// differences.md §4: what holds on single routes, by the ids of the route table.
import { ROUTES } from "../routeTable.ts";
import { elsewhere, row, type RuleRow } from "./row.ts";

/** `METHOD /template` of the named routes. */
export const routesOf = (...ids: readonly string[]): string[] =>
  ids.map((id) => {
    const route = ROUTES.find((one) => one.id === id);
    if (route === undefined) throw new RangeError(`no route ${id} in the table`);
    return `${route.method} ${route.path}`;
  });

export const BY_ROUTE: readonly RuleRow[] = [
  row("R-1", "IGN", "a greeting", routesOf("R1"), { path: "$.message", ignore: "value" }),
  row("R-2", "else", "names of metrics are the contract suite's", routesOf("R2", "livez", "readyz"), { exclude: true }),
  elsewhere("R-3", "CATCH", "A9"),
  row("R-4", "NORM", "rows of one millisecond are in no order", routesOf("R4"), {
    path: "$.folders",
    compare: ["ties(created_at,id)"],
  }),
  elsewhere("R-5", "CATCH", "A9"),
  row(
    "R-6",
    "CATCH",
    "topics are data; order and turn numbers count as they stand, gaps are looked for by the check",
    routesOf("R6"),
    {
      path: "$[*].payload_json.user_model_state.concepts",
      isOpen: true,
    },
  ),
  elsewhere("R-7", "CATCH", "order counts as it stands"),
  row(
    "R-8",
    "NORM",
    "sorted lists; what is about to expire may be gone on one arm",
    routesOf("R8"),
    { path: "$.concept_clusters", compare: ["by(concept)"] },
    { path: "$.learner_question_tags", compare: ["by(id)"] },
    ...["activeHighlights", "activeQuestionTags", "recentPointer"].map((name) => ({
      path: `$.ephemeralSummary.${name}`,
      accept: "expires-now",
    })),
    { path: "$.counts.*", isOpen: true },
  ),
  row("R-9", "IGN", "notes for people", routesOf("R9"), { path: "$.message", ignore: "value" }),
  row(
    "R-10",
    "ACCEPT",
    "texts taken out of a pdf differ by the library",
    [],
    { path: "$.results[*].score", compare: ["num(0.000001)"], on: routesOf("R25") },
    ...["text", "score"].map((name) => ({
      path: `$.results[*].${name}`,
      accept: "pdf",
      kinds: ["value" as const],
      on: routesOf("R25"),
    })),
    { path: "$.documents[*].chunk_count", accept: "pdf", kinds: ["value"], on: routesOf("R24") },
    ...["analysis_text", "key_concepts", "key_concepts[*]"].map((name) => ({
      path: `$.analysis.${name}`,
      accept: "pdf-analysis",
      kinds: ["value" as const],
      on: routesOf("R10"),
    })),
    {
      path: "$.analysis.key_terms.*",
      accept: "pdf-analysis",
      kinds: ["value", "missing", "extra"],
      on: routesOf("R10"),
    },
    { path: "$.analysis.key_terms", isOpen: true, on: routesOf("R10") },
  ),
  elsewhere("R-11", "CATCH", "exact under model replay"),
  row("R-12", "NORM", "as R-4", routesOf("R19"), { path: "$.sessions", compare: ["ties(created_at,id)"] }),
  row(
    "R-13",
    "NORM",
    "sums of the same numbers in another order",
    routesOf("R22"),
    ...["coverage", "learner_share"].map((name) => ({ path: `$.${name}`, compare: ["num(0.0001)"] })),
  ),
  elsewhere(
    "R-14",
    "NORM",
    "a document is compared as one, as on its socket (S-11); a reply's bytes are the core's to decode",
  ),
  elsewhere("R-15", "CATCH", "exact"),
  elsewhere("R-16", "CATCH", "ids are derived from the session"),
  row("R-17", "NORM", "measured by each arm", routesOf("R35"), {
    path: "$.analysis.session_duration_seconds",
    compare: ["num(5)"],
  }),
  row(
    "R-18",
    "ACCEPT",
    "a job runs for itself until it has ended",
    routesOf("R36", "R37"),
    ...["$", "$.jobs[*]"].flatMap((job) =>
      ["progress", "attempts", "status"].map((name) => ({
        path: `${job}.${name}`,
        accept: "job-running",
        kinds: ["value" as const],
      })),
    ),
  ),
  elsewhere("R-19", "CATCH", "exact under model replay"),
  elsewhere("R-20", "else", "never mirrored"),
  row("R-21", "IGN", "written by reading", routesOf("auth.me"), { path: "$.last_active", ignore: "value" }),
  elsewhere("R-22", "CATCH", "derived where the table says so, else A9"),
  // Were the path an id, any other one would be learnt, with whatever extension.
  elsewhere("R-23", "MAP", "the uuid is derived from the request's key, so that the path is equal (A9)"),
  elsewhere("R-24", "else", "never mirrored; digests are compared by the continuity check"),
];

const words = (text: string): string[] => text.split(" ");

const SAFE = words(
  "R1 R4 R6 R7 R8 R10 R12 R13 R16 R19 R20 R22 R23 R24 R26 R28 R32 R33 R35 R36 R37 chat.history auth.me health " +
    "C1 C4 C5 C6 C7 C8 C9 C13 C14 C15 C20 C21 C22",
);
const SANDBOX = words(
  "R3 R5 R9 R11 R14 R15 R17 R18 R21 R25 R27 R29 R30 R31 R34 chat.send C2 C3 C10 C11 C12 C16 C17 C18 C19",
);

/** differences.md §10; what is on no list is never mirrored. */
export const MIRRORING = [
  { on: routesOf(...SAFE), mode: "read" },
  { on: [...routesOf(...SANDBOX), "tutor", "whiteboard"], mode: "sandbox" },
] as const;
