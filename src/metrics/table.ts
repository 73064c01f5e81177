import { SHADOW_METRICS } from "./shadowTable.ts";

/**
 * Every metric of the process: name, help, labels (ux.md §7). Labels are closed sets: literals of the code, route
 * templates and unit ids of the configuration; never a subject, a path or an id.
 */
export interface MetricRow {
  readonly kind: "counter" | "gauge" | "histogram";
  readonly name: `switchyard_${string}`;
  readonly help: string;
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
}

const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const OVERHEAD_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05];

export const METRICS = {
  requests: {
    kind: "counter",
    name: "switchyard_requests_total",
    help: "Exchanges finished, by what became of them.",
    labels: ["unit", "route", "arm", "role", "outcome"],
  },
  requestDuration: {
    kind: "histogram",
    name: "switchyard_request_duration_seconds",
    help: "Time from the request head to the end of the answer, served exchanges only.",
    labels: ["unit", "route", "arm"],
    buckets: DURATION_BUCKETS,
  },
  proxyOverhead: {
    kind: "histogram",
    name: "switchyard_proxy_overhead_seconds",
    help: "Time the proxy itself took before it sent the request on.",
    labels: ["route"],
    buckets: OVERHEAD_BUCKETS,
  },
  decisions: {
    kind: "counter",
    name: "switchyard_decisions_total",
    help: "Decisions made, with their reason.",
    labels: ["unit", "arm", "reason"],
  },
  refused: {
    kind: "counter",
    name: "switchyard_refused_total",
    help: "Calls and sockets refused by the front door or a limit.",
    labels: ["reason"],
  },
  identityRefused: {
    kind: "counter",
    name: "switchyard_identity_refused_total",
    help: "Tokens that gave no subject.",
    labels: ["why"],
  },
  upstreamRetries: {
    kind: "counter",
    name: "switchyard_upstream_retries_total",
    help: "Requests sent once more to the same arm: a reused connection had died, or an instance refused the connection.",
    labels: ["arm", "reason"],
  },
  armUp: {
    kind: "gauge",
    name: "switchyard_arm_up",
    help: "1 when at least one instance of the arm is ready.",
    labels: ["arm"],
  },
  sockets: {
    kind: "gauge",
    name: "switchyard_sockets",
    help: "Client sockets open.",
    labels: ["route", "arm"],
  },
  socketHandshakes: {
    kind: "counter",
    name: "switchyard_socket_handshakes_total",
    help: "Socket handshakes that reached an arm.",
    labels: ["route", "arm", "outcome"],
  },
  socketCloses: {
    kind: "counter",
    name: "switchyard_socket_closes_total",
    help: "Client sockets closed, by the code the client got.",
    labels: ["route", "arm", "code"],
  },
  socketArmCloses: {
    kind: "counter",
    name: "switchyard_socket_arm_closes_total",
    help: "Legs to an arm that ended, by the code the arm gave.",
    labels: ["route", "arm", "code"],
  },
  socketFrames: {
    kind: "counter",
    name: "switchyard_socket_frames_total",
    help: "Messages relayed.",
    labels: ["route", "arm", "direction"],
  },
  socketFramesDropped: {
    kind: "counter",
    name: "switchyard_socket_frames_dropped_total",
    help: "Messages not relayed, with the reason.",
    labels: ["reason"],
  },
  socketPauses: {
    kind: "counter",
    name: "switchyard_socket_pauses_total",
    help: "Times reading from a socket paused: the other side was slow, or the pace was above its limit.",
    labels: ["reason"],
  },
  staleEvents: {
    kind: "counter",
    name: "switchyard_session_stale_events_total",
    help: "Events of an ended leg that a session ignored.",
    labels: [],
  },
  codecDisabled: {
    kind: "counter",
    name: "switchyard_codec_disabled_total",
    help: "Sessions whose codec threw and was switched off.",
    labels: ["surface"],
  },
  flagsAge: {
    kind: "gauge",
    name: "switchyard_flags_age_seconds",
    help: "Age of the flag data that decides.",
    labels: ["source"],
  },
  flagsInvalid: {
    kind: "gauge",
    name: "switchyard_flags_invalid",
    help: "Flags whose present definition is invalid; their last valid one decides.",
    labels: [],
  },
  overrideActive: {
    kind: "gauge",
    name: "switchyard_flags_override_active",
    help: "1 while this kill layer holds.",
    labels: ["layer"],
  },
  exposure: {
    kind: "gauge",
    name: "switchyard_exposure_ratio",
    help: "Share of subjects that the flag gives to the candidate.",
    labels: ["unit"],
  },
  epoch: {
    kind: "gauge",
    name: "switchyard_flags_epoch",
    help: "Number of the decision state in force.",
    labels: [],
  },
  queueDropped: {
    kind: "counter",
    name: "switchyard_queue_dropped_total",
    help: "Entries that a full queue did not take.",
    labels: ["queue"],
  },
  events: {
    kind: "counter",
    name: "switchyard_events_total",
    help: "Events written to the log, by type.",
    labels: ["type"],
  },
  overload: {
    kind: "gauge",
    name: "switchyard_overload_shed_ratio",
    help: "Share of new calls (event_loop) or sockets (memory) refused to stay alive, by the guard that asks for it.",
    labels: ["guard"],
  },
  relayLag: {
    kind: "gauge",
    name: "switchyard_relay_lag_seconds",
    help: "How long ago everything that this arm had written was at the other arm.",
    labels: ["from"],
  },
  relaySteps: {
    kind: "histogram",
    name: "switchyard_relay_step_seconds",
    help: "Time of one step of the relay: read from this arm, brought to the other.",
    labels: ["from"],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  },
  relayRows: {
    kind: "counter",
    name: "switchyard_relay_rows_total",
    help: "Changes brought to the other arm, by what became of them there.",
    labels: ["from", "outcome"],
  },
  relayConflicts: {
    kind: "counter",
    name: "switchyard_relay_conflicts_total",
    help: "Rows that both arms had written apart: one of the two writes lost.",
    labels: ["from"],
  },
  relayFailures: {
    kind: "counter",
    name: "switchyard_relay_failures_total",
    help: "Steps of the relay that failed and are tried again, or lost their place in the feed (`expired`).",
    labels: ["from", "fault"],
  },
  copies: {
    kind: "counter",
    name: "switchyard_relay_copies_total",
    help: "Subjects copied whole to the other arm.",
    labels: ["from", "outcome"],
  },
  relayChecks: {
    kind: "counter",
    name: "switchyard_relay_checks_total",
    help: "Digests of both arms compared after a subject changed arm: `equal`, `repaired`, `unequal` (even after that), `busy` (never at rest) or `failed`.",
    labels: ["result"],
  },
  moveFinished: {
    kind: "counter",
    name: "switchyard_move_finished_total",
    help: "Changes of arm of one subject in one unit: `planned`, `forced` (without waiting for what was open), `postponed`, `aborted`.",
    labels: ["unit", "to", "result"],
  },
  moveSeconds: {
    kind: "histogram",
    name: "switchyard_move_seconds",
    help: "Time of a change of arm, from the decision to the commit.",
    labels: ["to"],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 30, 75, 120],
  },
  movePhases: {
    kind: "histogram",
    name: "switchyard_move_phase_seconds",
    help: "Time of a phase of a change of arm: `settling` (turns end where they began), `holding` (new calls wait, sockets close), `carrying` (the newest rows follow).",
    labels: ["to", "phase"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 75],
  },
  moveStall: {
    kind: "histogram",
    name: "switchyard_move_stall_seconds",
    help: "How long a call or handshake waited for its subject's change of arm.",
    labels: ["to"],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
  },
  moveWaiting: {
    kind: "gauge",
    name: "switchyard_move_waiting",
    help: "Subjects whose change of arm is under way.",
    labels: [],
  },
  moveBehind: {
    kind: "counter",
    name: "switchyard_move_behind_total",
    help: "Changes of arm without all rows of the arm that was left: they merge when it is back.",
    labels: ["unit"],
  },
  moveDoubts: {
    kind: "counter",
    name: "switchyard_move_doubts_total",
    help: "Calls served by control because nobody said in time where their subject sits.",
    labels: ["unit"],
  },
  ...SHADOW_METRICS,
  buildInfo: {
    kind: "gauge",
    name: "switchyard_build_info",
    help: "1, with the version of the proxy and its runtime.",
    labels: ["version", "node"],
  },
} as const satisfies Record<string, MetricRow>;

export type MetricKey = keyof typeof METRICS;
