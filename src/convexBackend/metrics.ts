// Every metric of the service (contract rest.md §6). The only file that imports prom-client.
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { CONTRACT_VERSION } from "../contract/index.ts";

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const LAG_SAMPLE_MS = 500;

export const createMetrics = (version: string) => {
  const registry = new Registry();
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Counter<L>({ name, help, labelNames: [...labelNames], registers });
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Gauge<L>({ name, help, labelNames: [...labelNames], registers });
  const histogram = <L extends string>(name: string, help: string, labelNames: readonly L[] = []) =>
    new Histogram<L>({ name, help, labelNames: [...labelNames], buckets: SECONDS, registers });

  gauge("ai_tutor_build_info", "Always 1; the labels say what runs.", ["arm", "version", "contract"])
    .labels({ arm: "candidate", version, contract: CONTRACT_VERSION })
    .set(1);
  new Gauge({
    name: "process_resident_memory_bytes",
    help: "Resident memory.",
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Counter({
    name: "process_cpu_seconds_total",
    help: "User and system time.",
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  const lag = histogram("ai_tutor_event_loop_lag_seconds", "How late a timer of the event loop fires.");
  let due = performance.now() + LAG_SAMPLE_MS;
  const sampler = setInterval(() => {
    lag.observe(Math.max(0, performance.now() - due) / 1_000);
    due = performance.now() + LAG_SAMPLE_MS;
  }, LAG_SAMPLE_MS);
  sampler.unref();

  return {
    registry,
    httpRequests: counter("ai_tutor_http_requests_total", "Answered requests.", ["method", "route", "status"]),
    httpSeconds: histogram("ai_tutor_http_request_duration_seconds", "Time to answer.", ["method", "route"]),
    wsConnections: gauge("ai_tutor_ws_connections", "Open sockets.", ["surface"]),
    wsHandshakes: counter("ai_tutor_ws_handshakes_total", "Handshakes by status.", ["surface", "status"]),
    wsCloses: counter("ai_tutor_ws_closes_total", "Closed sockets by code.", ["surface", "code"]),
    wsFrames: counter("ai_tutor_ws_frames_total", "Frames.", ["surface", "direction", "type"]),
    turns: counter("ai_tutor_turns_total", "Finished turns.", ["trigger", "outcome"]),
    turnSeconds: histogram("ai_tutor_turn_duration_seconds", "Start of a turn to its envelope.", ["trigger"]),
    firstDeltaSeconds: histogram("ai_tutor_first_delta_seconds", "Start of a turn to its first delta."),
    modelRequests: counter("ai_tutor_model_requests_total", "Model calls.", ["kind", "outcome"]),
    modelSeconds: histogram("ai_tutor_model_request_duration_seconds", "Time of a model call.", ["kind"]),
    tokens: counter("ai_tutor_tokens_total", "Tokens of prompts and replies.", ["model", "phase"]),
    toolSeconds: histogram("ai_tutor_tool_latency_seconds", "Time of a tool.", ["tool_name"]),
    errors: counter("ai_tutor_errors_total", "Errors sent.", ["surface", "code"]),
    jobs: counter("ai_tutor_jobs_total", "Finished jobs.", ["kind", "outcome"]),
    jobsWaiting: gauge("ai_tutor_jobs_waiting", "Queued jobs.", ["kind"]),
    yjsUpdates: counter("ai_tutor_yjs_updates_total", "Board updates.", ["outcome"]),
    yjsDocuments: gauge("ai_tutor_yjs_documents", "Boards in memory."),
    outboundFiltered: counter("ai_tutor_outbound_filtered_total", "Frames held back by the filter.", ["surface"]),
    offlineDropped: counter("ai_tutor_offline_queue_dropped_total", "Queued events dropped.", ["surface"]),
    replays: counter("ai_tutor_idempotent_replays_total", "Stored outcomes given again.", ["surface"]),
    contextRepairs: counter("ai_tutor_context_repairs_total", "Stored values replaced by defaults.", ["field"]),
    faultsInjected: counter("ai_tutor_faults_injected_total", "Switched faults that fired.", ["fault"]),
    stop: () => clearInterval(sampler),
  };
};

export type Metrics = ReturnType<typeof createMetrics>;
