import assert from "node:assert/strict";
import { eventually } from "../support/index.ts";
import { item, match, type Context } from "./harness/index.ts";

interface Sample {
  readonly name: string;
  readonly labels: Record<string, string>;
  readonly value: number;
}

interface Page {
  readonly kinds: Map<string, string>;
  readonly samples: Sample[];
}

function parseSample(line: string): Sample {
  const [, name = "", labels = "", value = ""] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/.exec(line) ?? [];
  const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
    ([, key = "", text = ""]) => [key, text] as const,
  );
  return { name, labels: Object.fromEntries(pairs), value: Number(value) };
}

async function scrape(c: Context): Promise<Page> {
  const reply = await c.get("/metrics");
  assert.equal(reply.status, 200);
  assert.match(reply.headers["content-type"] ?? "", /^(text\/plain|application\/openmetrics-text)/);
  const lines = reply.text.split("\n").filter(Boolean);
  const kinds = lines.flatMap((line) => {
    const [, name, kind] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? [];
    return name && kind ? [[name, kind] as const] : [];
  });
  return { kinds: new Map(kinds), samples: lines.filter((line) => !line.startsWith("#")).map(parseSample) };
}

function sum(page: Page, name: string, labels: Record<string, string> = {}): number {
  const isMeant = (s: Sample): boolean =>
    s.name === name && Object.entries(labels).every(([key, value]) => s.labels[key] === value);
  return page.samples.filter(isMeant).reduce((total, s) => total + s.value, 0);
}

/** Name, kind, labels: the table of rest §6, without the rows whose subject comes later (jobs). */
const TABLE: [name: string, kind: string, ...labels: string[]][] = [
  ["ai_tutor_build_info", "gauge", "arm", "contract", "version"],
  ["ai_tutor_http_requests_total", "counter", "method", "route", "status"],
  ["ai_tutor_http_request_duration_seconds", "histogram", "method", "route"],
  ["ai_tutor_ws_connections", "gauge", "surface"],
  ["ai_tutor_ws_handshakes_total", "counter", "status", "surface"],
  ["ai_tutor_ws_closes_total", "counter", "code", "surface"],
  ["ai_tutor_ws_frames_total", "counter", "direction", "surface", "type"],
  ["ai_tutor_turns_total", "counter", "outcome", "trigger"],
  ["ai_tutor_turn_duration_seconds", "histogram", "trigger"],
  ["ai_tutor_first_delta_seconds", "histogram"],
  ["ai_tutor_model_requests_total", "counter", "kind", "outcome"],
  ["ai_tutor_model_request_duration_seconds", "histogram", "kind"],
  ["ai_tutor_tokens_total", "counter", "model", "phase"],
  ["ai_tutor_tool_latency_seconds", "histogram", "tool_name"],
  ["ai_tutor_errors_total", "counter", "code", "surface"],
  ["ai_tutor_yjs_updates_total", "counter", "outcome"],
  ["ai_tutor_yjs_documents", "gauge"],
  ["ai_tutor_idempotent_replays_total", "counter", "surface"],
  ["process_resident_memory_bytes", "gauge"],
  ["process_cpu_seconds_total", "counter"],
  ["ai_tutor_event_loop_lag_seconds", "histogram"],
];

/** A little of everything, so that every row of the table has been touched. */
async function useEverything(c: Context): Promise<void> {
  const user = c.user();
  const session = await c.session(user);
  const key = { "Idempotency-Key": "metrics-1" };
  await c.post("/api/v1/folders/", user, { name: "a" }, key);
  await c.post("/api/v1/folders/", user, { name: "a" }, key);
  const tutor = await c.tutor(user, session, { stream: true });
  tutor.send({ type: "user_message", data: { text: "Explain osmosis" } });
  await tutor.untilEnvelope();
  tutor.send({ type: "user_message", data: { text: "!500" } });
  await tutor.untilEnvelope();
  tutor.send({ type: "made_up_type_of_a_test" });
  await tutor.untilEnvelope();
  const board = await c.board(user, session);
  board.put("a", { metadata: { source: "user" } });
  board.sendBinary(Buffer.from("junk"));
  await eventually(async () =>
    assert.ok(sum(await scrape(c), "ai_tutor_yjs_updates_total", { outcome: "invalid" }) > 0),
  );
  await tutor.close();
}

item(
  "rest §6",
  "the metrics of the table exist with their kinds and labels",
  async (c) => {
    await useEverything(c);
    const page = await scrape(c);
    for (const [name, kind, ...labels] of TABLE) {
      const exposed = page.kinds.get(name) ?? page.kinds.get(name.replace(/_total$/, ""));
      assert.equal(exposed, kind, name);
      const sample = page.samples.find((s) => s.name === name || s.name === `${name}_count`);
      assert.ok(sample, `${name} has no sample`);
      assert.deepEqual(
        Object.keys(sample.labels)
          .filter((l) => l !== "le")
          .sort(),
        labels,
        name,
      );
    }
    const info = page.samples.find((s) => s.name === "ai_tutor_build_info");
    match(
      [info?.value, info?.labels["arm"], info?.labels["contract"]],
      [1, c.target.arm === "control" ? "legacy" : "candidate", "1.0.0"],
    );
  },
  { on: "arms" },
);

item(
  "rest §6",
  "labels are bounded: routes are templates, unknown frame types are `other`, no id is a label",
  async (c) => {
    await useEverything(c);
    const user = c.user();
    const session = await c.session(user);
    await c.get(`/api/v1/sessions/${session}`, user);
    await c.get("/api/v1/sessions/not-a-uuid", user);
    await c.get(`/nothing/${session}`, user);
    const page = await scrape(c);
    for (const { name, labels } of page.samples) {
      for (const value of Object.values(labels)) {
        assert.doesNotMatch(value, /[0-9a-f]{8}-[0-9a-f]{4}-/, name);
        assert.ok(
          !value.includes("made_up_type") && !value.includes("not-a-uuid") && !value.includes("/nothing/"),
          `${name} ${value}`,
        );
      }
    }
    assert.ok(
      sum(page, "ai_tutor_http_requests_total", {
        method: "GET",
        route: "/api/v1/sessions/{session_id}",
        status: "200",
      }) > 0,
    );
    assert.ok(sum(page, "ai_tutor_ws_frames_total", { surface: "tutor", direction: "in", type: "other" }) > 0);
  },
  { on: "arms" },
);

item(
  "rest §6",
  "counters and gauges follow what happened",
  async (c) => {
    const before = await scrape(c);
    await useEverything(c);
    await eventually(async () => {
      const after = await scrape(c);
      const grew = (name: string, labels: Record<string, string>): void =>
        assert.ok(sum(after, name, labels) > sum(before, name, labels), `${name} ${JSON.stringify(labels)}`);
      grew("ai_tutor_http_requests_total", { method: "POST", status: "201" });
      grew("ai_tutor_ws_handshakes_total", { surface: "tutor", status: "101" });
      grew("ai_tutor_ws_handshakes_total", { surface: "whiteboard", status: "101" });
      grew("ai_tutor_ws_closes_total", { surface: "tutor" });
      grew("ai_tutor_ws_frames_total", { surface: "tutor", direction: "in", type: "user_message" });
      grew("ai_tutor_ws_frames_total", { surface: "tutor", direction: "out", type: "raw_delta" });
      grew("ai_tutor_turns_total", { trigger: "user_message", outcome: "explanation" });
      grew("ai_tutor_turns_total", { trigger: "user_message", outcome: "LLM_UNAVAILABLE" });
      grew("ai_tutor_first_delta_seconds_count", {});
      grew("ai_tutor_model_requests_total", { kind: "tutor.executor/1" });
      grew("ai_tutor_tokens_total", { model: "gpt-4.1-2025-04-14", phase: "interaction" });
      grew("ai_tutor_tool_latency_seconds_count", { tool_name: "explain" });
      grew("ai_tutor_errors_total", { surface: "tutor", code: "LLM_UNAVAILABLE" });
      grew("ai_tutor_yjs_updates_total", { outcome: "applied" });
      grew("ai_tutor_yjs_updates_total", { outcome: "invalid" });
      grew("ai_tutor_idempotent_replays_total", { surface: "rest" });
      assert.ok(sum(after, "process_resident_memory_bytes") > 10_000_000);
      assert.ok(sum(after, "process_cpu_seconds_total") > sum(before, "process_cpu_seconds_total"));
    });
  },
  { on: "arms" },
);
