// Every fault that changes an answer (contract faults.md §2), on one side of a realistic one: what the comparer says of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ROUTES } from "../contract/index.ts";
import type { Verdict } from "../shadow/index.ts";
import { ANSWERS, ENVELOPE, errorEnvelope, uuid } from "./testing/answers.ts";
import { nameOf, onMessage, onRoute, toldOf } from "./testing/shadowPair.ts";

type Surface = keyof typeof ANSWERS | "tutor";
const SURFACES = [...(Object.keys(ANSWERS) as (keyof typeof ANSWERS)[]), "tutor"] as const;

const bodyOf = (surface: Surface): unknown => structuredClone(surface === "tutor" ? ENVELOPE : ANSWERS[surface]);

function judged(surface: Surface, control: unknown, candidate: unknown, status = 200, other = status): Verdict {
  if (surface === "tutor") return onMessage("tutor", "envelope", control, candidate);
  const route = ROUTES.find(({ id }) => id === surface);
  const name = `${route?.method} ${route?.path}`;
  return onRoute(name, { status, body: control }, { status: other, body: candidate });
}

type Holder = Record<string | number, unknown>;
interface Spot {
  readonly holder: Holder;
  readonly key: string | number;
  readonly path: string;
}

/** Every member and item, outermost first. */
function* spotsIn(value: unknown, path = "$"): Generator<Spot> {
  if (typeof value !== "object" || value === null) return;
  for (const name of Object.keys(value)) {
    const key = Array.isArray(value) ? Number(name) : name;
    const at = Array.isArray(value) ? `${path}[${name}]` : `${path}.${name}`;
    yield { holder: value as Holder, key, path: at };
    yield* spotsIn((value as Holder)[key], at);
  }
}

const isMember = ({ key }: Spot): boolean => typeof key === "string";
const set = (spot: Spot, value: unknown): void => void (spot.holder[spot.key] = value);

/** One place at a time; `spoil` gives false where it has nothing to spoil. */
function* spoilt(surface: Surface, spoil: (spot: Spot, value: unknown) => boolean): Generator<[string, Verdict]> {
  const count = [...spotsIn(bodyOf(surface))].length;
  for (let at = 0; at < count; at++) {
    const body = bodyOf(surface);
    const spot = [...spotsIn(body)][at] as Spot;
    const { path } = spot;
    if (spoil(spot, spot.holder[spot.key])) yield [`${surface} ${path}`, judged(surface, bodyOf(surface), body)];
  }
}

/** Everywhere but at `unseen`, and there nowhere. */
function check(expected: string, spoil: (spot: Spot, value: unknown) => boolean, unseen: readonly RegExp[] = []): void {
  let places = 0;
  for (const surface of SURFACES) {
    for (const [where, verdict] of spoilt(surface, spoil)) {
      places += 1;
      const isUnseen = unseen.some((one) => one.test(where));
      assert.equal(nameOf(verdict).startsWith("different"), !isUnseen, where);
      if (!isUnseen) assert.equal(nameOf(verdict), `different ${expected}`, `${where}: ${toldOf(verdict).join()}`);
    }
  }
  assert.ok(places > 0);
}

test("wrong-status is breaking, of one class too", () => {
  const body = bodyOf("R4");
  for (const other of [500, 201, 204, 404]) {
    assert.equal(nameOf(judged("R4", body, body, 200, other)), "different breaking", String(other));
  }
  assert.equal(nameOf(judged("R4", body, body, 404, 409)), "different breaking");
  assert.equal(nameOf(judged("R4", body, body, 503, 502)), "different breaking");
});

test("wrong-error-code is breaking, in answers and in envelopes", () => {
  const error = (error_code: string | null): object => ({ error_code, error_message: "a", technical_details: null });
  assert.equal(nameOf(judged("R4", error("FOLDER_REQUIRED"), error("WRONG_CODE"), 400)), "different breaking");
  assert.equal(nameOf(judged("R4", error(null), error("WRONG_CODE"), 404)), "different breaking");
  const [one, other] = [errorEnvelope("UNKNOWN_TOOL"), errorEnvelope("WRONG_CODE")];
  assert.deepEqual(toldOf(judged("tutor", one, other)), ["breaking value $.data.error_code"]);
});

test("missing-field: every key that is left out is breaking", () => {
  check("breaking", (spot) => isMember(spot) && delete spot.holder[spot.key]);
});

test("extra-field and leak-field: a key more is breaking, in every object", () => {
  for (const key of ["_creationTime", "knowledge_base"]) {
    check("breaking", ({ holder }) => !Array.isArray(holder) && ((holder[key] = 1_700_000_000_000.5), true));
  }
});

test("null-field and absent-null: null is neither a value nor absent", () => {
  check("breaking", (spot, value) => value !== null && (set(spot, null), true), [/recentPointer$/]);
  check("breaking", (spot, value) => value === null && isMember(spot) && delete spot.holder[spot.key]);
});

test("type-change, time-format and float-text are breaking, on noisy fields too", () => {
  check("breaking", (spot, value) => {
    if (value === null) return false;
    set(spot, typeof value === "string" ? 0 : Array.isArray(value) ? {} : JSON.stringify(value));
    return true;
  });
  check("breaking", (spot, value) => {
    const isTime = /_at$|_accessed$/.test(String(spot.key)) && typeof value === "string";
    return isTime && (set(spot, Date.parse(value)), true);
  });
});

test("value-change: another number, text or truth is a value; what is ignored by the tables stays unseen", () => {
  const change = (spot: Spot, value: unknown): boolean => {
    if (typeof value === "number") set(spot, value + 1);
    else if (typeof value === "string") set(spot, Array.from(value).reverse().join(""));
    else if (typeof value === "boolean") set(spot, !value);
    else return false;
    return spot.holder[spot.key] !== value;
  };
  check("value", change, [/last_accessed$/]);
});

test("reorder-array: a list turned round is one difference of order", () => {
  const turn = (_: Spot, value: unknown): boolean => {
    if (!Array.isArray(value) || value.length < 2) return false;
    value.reverse();
    return true;
  };
  // lists that the comparison sorts by their key.
  check("order", turn, [/^R8 \$\.(concept_clusters|learner_question_tags)$/]);
  const rows = bodyOf("R6") as unknown[];
  assert.deepEqual(toldOf(judged("R6", bodyOf("R6"), rows.reverse())), ["order order $"]);
});

test("truncate-list is a value", () => {
  const cut = (_: Spot, value: unknown): boolean => {
    if (!Array.isArray(value) || value.length < 2) return false;
    value.length = 1;
    return true;
  };
  // of what expires, less may be left.
  check("value", cut, [/activeQuestionTags$/]);
  assert.equal(nameOf(judged("R6", bodyOf("R6"), (bodyOf("R6") as unknown[]).slice(0, 1))), "different value");
});

test("garble-json: what is no JSON is breaking", () => {
  for (const surface of SURFACES) {
    const text = JSON.stringify(bodyOf(surface));
    assert.equal(nameOf(judged(surface, text, text.slice(0, text.length >> 1))), "different breaking", surface);
  }
});

test("stale-read, clock-skew and id-random are values at their place", () => {
  const stale = { folders: (bodyOf("R4") as { folders: unknown[] }).folders.slice(1) };
  assert.deepEqual(toldOf(judged("R4", bodyOf("R4"), stale)), ["value value $.folders"]);
  check(
    "value",
    (spot, value) => {
      const isTime = /_at$|_accessed$/.test(String(spot.key)) && typeof value === "string";
      return isTime && (set(spot, new Date(Date.parse(value) + 90_000).toISOString()), true);
    },
    [/last_accessed$/],
  );
  check(
    "value",
    (spot, value) => /^(document_|folder_)?id$/.test(String(spot.key)) && (set(spot, `${String(value)}9`), true),
  );
  const asks = (request_id: string): object => ({ type: "REQUEST_BOARD_STATE", request_id });
  const told = toldOf(onMessage("tutor", "REQUEST_BOARD_STATE", asks(uuid(1)), asks(uuid(2))));
  assert.deepEqual(told, ["value value $.request_id"]);
});

test("http-5xx, late-5xx, skip-ownership and token-reject are breaking by their status", () => {
  const error = { error_code: null, error_message: "a", technical_details: null };
  assert.equal(nameOf(judged("R4", bodyOf("R4"), error, 200, 500)), "different breaking");
  assert.equal(nameOf(judged("R16", error, bodyOf("R16"), 404, 200)), "different breaking");
  assert.equal(nameOf(judged("R8", error, bodyOf("R8"), 403, 200)), "different breaking");
  assert.equal(nameOf(judged("R4", bodyOf("R4"), error, 200, 401)), "different breaking");
});

test("wrong-tool is found by its content type", () => {
  const message = {
    ...(bodyOf("tutor") as object),
    content_type: "message",
    data: { message_text: "a", message_type: "summary" },
  };
  const verdict = judged("tutor", bodyOf("tutor"), message);
  assert.equal(nameOf(verdict), "different breaking");
  assert.ok(toldOf(verdict).some((one) => one.endsWith("$.content_type")));
});
