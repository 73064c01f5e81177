// Row by row of contract differences.md §3: what the row allows is not different, its nearest defect is, and how badly.
import assert from "node:assert/strict";
import { test } from "node:test";
import { at, uuid } from "./testing/answers.ts";
import { answers, bodies } from "./testing/shadowPair.ts";

const headers = (id: string, control: Record<string, string>, candidate: Record<string, string>): string =>
  answers(id, { headers: control }, { headers: candidate });

const error = (more: object): object => ({ error_code: null, error_message: "a", technical_details: null, ...more });

test("A1: numbers, order of keys and escapes are spelling", () => {
  assert.equal(bodies("R22", '{"a":1.0,"b":"é"}', String.raw`{"b":"\u00e9","a":1}`), "same");
  assert.equal(bodies("R22", '{"a":1.0,"b":"é"}', '{"b":"e","a":1}'), "different value");
  assert.equal(bodies("R22", '{"a":1.0,"b":2}', '{"a":"1","b":2}'), "different breaking");
});

test("A2: null is not absent, on either side", () => {
  assert.equal(bodies("R20", { a: 1, b: null }, { a: 1 }), "different breaking");
  assert.equal(bodies("R20", { a: 1 }, { a: 1, b: null }), "different breaking");
});

test("A3: headers of the server itself, there or not", () => {
  const [own, none] = [{ server: "uvicorn", "x-request-id": "a", vary: "Origin", etag: "1" }, {}];
  assert.equal(headers("R20", own, none), "same");
  assert.equal(headers("R20", none, { "access-control-allow-origin": "*", "x-backend-arm": "legacy" }), "same");
  assert.equal(headers("R20", none, { "set-cookie": "a=b" }), "different extra");
});

test("A4: of a content type the media type", () => {
  const [plain, charset] = ["application/json", "application/json; charset=utf-8"].map((type) => ({
    "content-type": type,
  }));
  assert.equal(headers("R20", plain as never, charset as never), "same");
  assert.equal(headers("R20", plain as never, { "content-type": "text/html" }), "different value");
});

test("A5: other headers by their values, methods in no order", () => {
  assert.equal(headers("R20", { allow: "GET, POST" }, { allow: "POST,GET" }), "same");
  assert.equal(headers("R20", { allow: "GET, POST" }, { allow: "GET" }), "different value");
  for (const name of ["retry-after", "idempotency-replayed", "cache-control", "x-contract-version"]) {
    assert.equal(headers("R20", { [name]: "5" }, { [name]: "6" }), "different value", name);
    assert.equal(headers("R20", { [name]: "5" }, {}), "different value", name);
  }
});

test("A6: texts of errors are for people; what is no text is compared", () => {
  assert.equal(bodies("R20", error({}), error({ error_message: "b" }), 404), "same");
  assert.equal(bodies("R20", error({}), error({ error_message: null }), 404), "different breaking");
  const details = (one: unknown, other: unknown): string =>
    bodies("R20", error({ technical_details: one }), error({ technical_details: other }), 500);
  assert.deepEqual([details("a", "b"), details(null, "b"), details("a", null)], ["same", "accepted", "accepted"]);
  for (const other of [{ trace: "a" }, ["a"], 0]) {
    assert.equal(details(null, other), "different breaking");
    assert.equal(details("a", other), "different breaking");
  }
  assert.equal(bodies("R20", error({}), { error_code: null, error_message: "a" }, 500), "different breaking");
  const detail = (one: unknown, other: unknown, status = 503): string =>
    bodies("chat.send", { detail: one }, { detail: other }, status);
  assert.equal(detail("a", "b"), "same");
  assert.equal(detail({ code: "a" }, { code: "b" }), "different value");
  assert.equal(detail(["a"], ["b"]), "different value");
  assert.equal(detail("a", { code: "a" }), "different breaking");
  assert.equal(detail("a", null), "different breaking");
});

test("A7: on 4xx the text counts but behind two beginnings", () => {
  const detail = (one: string, other: string): string =>
    bodies("auth.register", { detail: one }, { detail: other }, 400);
  assert.equal(detail("Weak password: a", "Weak password: b"), "same");
  assert.equal(detail("Invalid email: a", "Invalid email: b"), "same");
  assert.equal(detail("Weak password: a", "Invalid email: a"), "different value");
  assert.equal(detail("Email already registered", "Weak password: a"), "different value");
});

test("A8: a set of places and kinds; rows keep their keys", () => {
  const missing = { type: "missing", loc: ["body", "name"], msg: "a", input: {} };
  const short = { type: "string_too_short", loc: ["body", "name"], msg: "a", input: "", ctx: { min_length: 1 } };
  const detail = (one: readonly object[], other: readonly object[]): string =>
    bodies("R3", { detail: one }, { detail: other }, 422);
  assert.equal(detail([missing, short], [{ ...short, msg: "b", ctx: { min_length: 2 } }, missing, missing]), "same");
  const json = (offset: number): object => ({
    type: "json_invalid",
    loc: ["body", offset],
    msg: "a",
    input: {},
    ctx: {},
  });
  assert.equal(detail([json(3)], [json(17)]), "same");
  assert.equal(detail([missing], [short]), "different breaking");
  assert.equal(detail([missing], [{ ...missing, type: "string_type" }]), "different value");
  assert.equal(detail([missing], [{ ...missing, loc: ["body", "names"] }]), "different value");
  assert.equal(detail([missing, short], [missing]), "different value");
  const { msg: _, ...silent } = missing;
  assert.equal(detail([missing], [silent]), "different breaking");
  assert.equal(detail([short], [{ ...missing, type: short.type }]), "different breaking");
  assert.equal(detail([missing], [{ ...missing, url: "https://example.org" }]), "different breaking");
  assert.equal(detail([missing], [{ ...missing, input: null }]), "different breaking");
});

test("A9: ids are equal", () => {
  assert.equal(bodies("R3", { id: uuid(1), name: "a" }, { id: uuid(2), name: "a" }, 201), "different value");
  assert.equal(bodies("R5", { session_id: uuid(1) }, { session_id: uuid(2) }, 201), "different value");
});

test("A10: times of rows within the shadow's delay; clocks of reading not at all, but as times", () => {
  const times = ["created_at", "updated_at", "ended_at", "session_started", "last_active", "submitted_at"];
  for (const name of times) {
    const by = (one: unknown, other: unknown): string => bodies("R20", { a: 1, [name]: one }, { a: 1, [name]: other });
    assert.equal(by("2026-01-02T03:04:05.678000+00:00", "2026-01-02T03:04:07.900Z"), "same", name);
    assert.equal(by("2026-01-02T03:04:05Z", "2026-01-02T03:05:35Z"), "different value", name);
    assert.equal(by("2026-01-02T03:04:05Z", 1_767_323_045_000), "different breaking", name);
    assert.equal(by("2026-01-02T03:04:05Z", null), "different breaking", name);
  }
  for (const name of ["last_accessed", "timestamp"]) {
    const by = (one: unknown, other: unknown): string =>
      bodies("health", { a: 1, [name]: one }, { a: 1, [name]: other });
    assert.equal(by(at(1), at(50)), "same", name);
    assert.equal(by(at(1), null), "different breaking", name);
  }
});

test("A11: durations are there", () => {
  const by = (one: object, other: object): string => bodies("chat.send", one, other);
  const took = (ms: number): object => ({
    a: 1,
    response_time_ms: ms,
    processing_breakdown: { model_ms: ms, total_ms: ms },
  });
  assert.equal(by(took(5), took(9)), "same");
  assert.equal(by({ a: 1, retrieval_time_ms: 1 }, { a: 1, retrieval_time_ms: 2 }), "same");
  assert.equal(by(took(5), { ...took(5), response_time_ms: null }), "different breaking");
  assert.equal(by(took(5), { ...took(5), processing_breakdown: { model_ms: 5 } }), "different breaking");
});

test("A13: a refused handshake by its class, everything else by its status", () => {
  for (const surface of ["tutor", "whiteboard", "realtime", "conversations"]) {
    assert.equal(answers(surface, { status: 500 }, { status: 503 }), "same", surface);
    assert.equal(answers(surface, { status: 403 }, { status: 404 }), "different breaking", surface);
  }
  assert.equal(answers("R20", { status: 500 }, { status: 503 }), "different breaking");
  assert.equal(answers("R3", { status: 201 }, { status: 200 }), "different breaking");
});
