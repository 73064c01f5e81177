import assert from "node:assert/strict";
import { test } from "node:test";
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import type { ErrorClass, Observation, Reply } from "../observation.ts";
import type { ComparisonRule } from "../rules/rule.ts";
import type { Verdict } from "../verdict.ts";
import { compareExchange, RouteRules } from "./exchange.ts";
import { NORMALISERS } from "./normalisers.ts";

const CONTEXT = { delayMs: 0, nowMs: 0, shadow: "candidate" as const, conditions: {}, ids: null };

type Given =
  | ErrorClass
  | { status?: number; type?: string; headers?: Record<string, string>; body?: string | Uint8Array };

function replyOf({
  status = 200,
  type = "application/json",
  headers = {},
  body = "{}",
}: Exclude<Given, string>): Reply {
  const named = Object.entries({ "content-type": type, ...headers });
  return { status, headers: named.flat(), body: typeof body === "string" ? Buffer.from(body) : body };
}

const observed = (arm: "control" | "candidate", given: Given): Observation => ({
  arm,
  role: arm === "control" ? "served" : "shadow",
  result: typeof given === "string" ? { error: given } : { reply: replyOf(given) },
  isCut: false,
  firstByteMs: 1,
  totalMs: 2,
});

function judge(control: Given, candidate: Given, rules: readonly Partial<ComparisonRule>[] = []): Verdict {
  const whole = rules.map((rule, at) => ({ id: `r${at}`, owner: "t", reason: "t", on: ["*"], ...rule }));
  const words = {
    normalisers: NORMALISERS,
    statusClass: (status: number) => (status === 400 || status === 422 ? "invalid" : String(status)),
  };
  const ready = new RouteRules(whole, words);
  return compareExchange(observed("control", control), observed("candidate", candidate), ready, CONTEXT).verdict;
}

const told = (verdict: Verdict): string => {
  if (verdict.name === "not_compared") return verdict.reason;
  if (!("differences" in verdict)) return verdict.name;
  const paths = verdict.differences.map(({ severity, kind, path }) => `${severity} ${kind} ${path}`);
  return [verdict.name, ...paths, ...verdict.normalisers, ...verdict.notes].join(", ");
};

test("the first verdict that holds", () => {
  assert.equal(told(judge({}, {})), "identical");
  assert.equal(told(judge("timeout", "timeout")), "both_failed");
  assert.equal(told(judge({}, "reset")), "shadow_failed");
  assert.equal(told(judge("reset", "timeout")), "shadow_failed");
  assert.equal(told(judge("reset", {})), "different, breaking status status");
  assert.equal(told(judge({ body: '{"a": 1}' }, { body: '{"a":1}' })), "equivalent, blanks");
  assert.equal(told(judge({ body: '{"a":"\\u00e9"}' }, { body: '{"a":"é"}' })), "equivalent, esc");
  assert.equal(told(judge({ body: '{"a":1.0,"b":2}' }, { body: '{"b":2,"a":1}' })), "equivalent, num, keys");
  assert.equal(told(judge({ body: '{"a":1,"b":1}' }, { body: '{"a":2,"b":1}' })), "different, value value $.a");
  assert.equal(
    told(judge({ body: "{}" }, { body: '{"b":1}' }, [{ path: "$.b", accept: true }])),
    "accepted, extra extra $.b",
  );
  assert.equal(told(judge({}, {}, [{ exclude: true }])), "rule");
  const cut = { ...observed("candidate", {}), isCut: true };
  const words = { normalisers: NORMALISERS, statusClass: String };
  const { verdict } = compareExchange(observed("control", {}), cut, new RouteRules([], words), CONTEXT);
  assert.equal(told(verdict), "body_too_large");
});

test("a status of another class is breaking, whatever the bodies say; within the class it is a value", () => {
  const body = '{"a":1}';
  assert.equal(told(judge({ body }, { status: 500, body: "{}" })), "different, breaking status status");
  assert.equal(told(judge({ status: 400 }, { status: 422 })), "different, value status status");
  assert.equal(told(judge({ status: 401 }, { status: 404 })), "different, breaking status status");
  assert.equal(
    told(judge({ status: 400 }, { status: 422 }, [{ status: true, compare: ["class"] }])),
    "equivalent, class",
  );
  assert.equal(
    told(judge({ status: 400 }, { status: 500 }, [{ status: true, compare: ["class"] }])),
    "different, breaking status status",
  );
  assert.equal(told(judge({}, { status: 503 }, [{ status: true, accept: true }])), "accepted, breaking status status");
});

test("headers: what every server writes for itself is left out, names have no case, lists no lines", () => {
  const of = (headers: Record<string, string>): Given => ({ headers });
  assert.equal(told(judge(of({ date: "a", server: "x" }), of({ date: "b" }))), "identical");
  assert.equal(
    told(judge(of({ "retry-after": "1" }), of({ "retry-after": "2" }))),
    "different, value value header:retry-after",
  );
  assert.equal(told(judge(of({ "x-a": "1" }), of({}))), "different, value missing header:x-a");
  assert.equal(told(judge(of({}), of({ "x-a": "1" }))), "different, extra extra header:x-a");
  assert.equal(told(judge(of({ allow: "GET,PUT" }), of({ allow: "GET, PUT" }))), "equivalent, header");
  const set = [{ header: "allow", compare: ["set"] }];
  assert.equal(told(judge(of({ allow: "PUT, GET" }), of({ allow: "GET, PUT" }), set)), "equivalent, set");
  const all = [{ header: "access-control-*", ignore: "all" as const, until: "contract" as const }];
  assert.equal(told(judge(of({ "access-control-max-age": "1" }), of({}), all)), "identical");
  const value = [{ header: "etag", ignore: "value" as const, until: "contract" as const }];
  assert.equal(told(judge(of({ etag: "1" }), of({ etag: "2" }), value)), "identical");
  assert.equal(told(judge(of({ etag: "1" }), of({}), value)), "different, value missing header:etag");
});

test("the media type counts, its charset does not; of another type the bodies are not compared", () => {
  assert.equal(told(judge({}, { type: "application/json; charset=utf-8" })), "equivalent, header");
  assert.equal(told(judge({}, { type: "text/html", body: "<p>" })), "different, value value header:content-type");
});

test("content codings are taken off; a bomb and a lie are undecodable", () => {
  const body = Buffer.from('{"a":1}');
  const coded: readonly (readonly [coding: string, bytes: Uint8Array])[] = [
    ["gzip", gzipSync(body)],
    ["br", brotliCompressSync(body)],
    ["deflate", deflateSync(body)],
    ["deflate", deflateRawSync(body)],
    ["gzip, br", brotliCompressSync(gzipSync(body))],
  ];
  for (const [coding, bytes] of coded) {
    const candidate = { headers: { "content-encoding": coding }, body: bytes };
    assert.equal(told(judge({ body }, candidate)), "identical", coding);
    assert.equal(told(judge({ body: '{"a": 1}' }, candidate)), "equivalent, blanks", coding);
  }
  const bomb = { headers: { "content-encoding": "gzip" }, body: gzipSync(Buffer.alloc(64 * 1_048_576)) };
  const lie = { headers: { "content-encoding": "br" }, body };
  const foreign = { headers: { "content-encoding": "zzz" }, body };
  for (const candidate of [bomb, lie, foreign]) {
    assert.equal(told(judge({ body }, candidate)), "different, breaking type $, undecodable");
  }
});

test("every kind of body", () => {
  const of = (type: string, body: string | Uint8Array): Given => ({ type, body });
  const lines = "application/x-ndjson";
  assert.equal(told(judge(of(lines, '{"a":1}\n{"a":2}\n'), of(lines, '{"a":1}\n{"a": 2}'))), "equivalent, blanks");
  assert.equal(
    told(judge(of(lines, '{"a":1}\n{"a":2}'), of(lines, '{"a":1}\n{"a":3}'))),
    "different, value value $[1].a",
  );
  const form = "application/x-www-form-urlencoded";
  assert.equal(told(judge(of(form, "a=1&b=%20x"), of(form, "b=+x&a=1"))), "equivalent, keys");
  assert.equal(told(judge(of(form, "a=1&a=2"), of(form, "a=2&a=1"))), "different, order order $.a");
  assert.equal(told(judge(of("text/plain", "one"), of("text/plain", "two"))), "different, value value $");
  const events = "text/event-stream";
  assert.equal(told(judge(of(events, "data: a\n\ndata: b\n\n"), of(events, "data: ab\n\n"))), "equivalent, blanks");
  assert.equal(
    told(judge(of(events, "data: ab\n\n"), of(events, "data: ac\n\n"))),
    "different, value value $.data.message",
  );
  const bytes = Uint8Array.of(1, 2, 3);
  assert.equal(
    told(judge(of("image/png", bytes), of("image/png", Uint8Array.of(1, 2, 4)))),
    "different, value value $",
  );
  assert.equal(
    told(judge(of("application/problem+json", '{"a":1}'), of("application/problem+json", "{"))),
    "different, breaking type $, undecodable",
  );
  assert.equal(
    told(judge({ body: '{"a":NaN}' }, { body: '{"a":null}' })),
    "different, breaking type $.a, invalid-json",
  );
});

test("a rule may hold with some statuses only", () => {
  const rule = { path: "$.detail", ignore: "value" as const, until: "contract" as const, statuses: ["5xx", "404"] };
  const at = (status: number): string =>
    judge({ status, body: '{"detail":"a","n":1}' }, { status, body: '{"detail":"b","n":1}' }, [rule]).name;
  assert.deepEqual([500, 503, 404, 400, 200].map(at), [
    "equivalent",
    "equivalent",
    "equivalent",
    "different",
    "different",
  ]);
});

test("rules of headers and of the status hold with their statuses and kinds only", () => {
  const header = [{ header: "x-h", ignore: "all" as const, until: "contract" as const, statuses: ["429"] }];
  const of = (status: number, value: string): Given => ({ status, headers: { "x-h": value } });
  assert.equal(told(judge(of(429, "1"), of(429, "2"), header)), "identical");
  assert.equal(told(judge(of(200, "1"), of(200, "2"), header)), "different, value value header:x-h");
  const status = [{ status: true as const, accept: true as const, statuses: ["404"] }];
  assert.equal(judge({ status: 404 }, { status: 500 }, status).name, "accepted");
  assert.equal(judge({}, { status: 500 }, status).name, "different");
  const extra = [{ header: "x-h", accept: true as const, kinds: ["extra" as const] }];
  assert.equal(judge({}, of(200, "1"), extra).name, "accepted");
  assert.equal(judge(of(200, "1"), {}, extra).name, "different");
});

test("bodies of two media types are compared where a rule leaves the type out", () => {
  const rules = [{ header: "content-type", ignore: "all" as const, until: "contract" as const }];
  assert.equal(
    told(judge({ body: '{"a":1}' }, { type: "text/plain", body: "boom" }, rules)),
    "different, breaking type $",
  );
});

test("however much differs and is accepted, the worst that counts is in the verdict", () => {
  const body = (value: number, more: object): string =>
    JSON.stringify({
      meta: Object.fromEntries(Array.from({ length: 150 }, (_, at) => [`k${at}x`, value])),
      kept: 1,
      ...more,
    });
  const accepting = [{ path: "$.meta.*", accept: true as const }];
  assert.equal(judge({ body: body(1, { z: 1 }) }, { body: body(2, {}) }, accepting).name, "different");
  const worst = judge({ body: body(1, { z: 1 }) }, { body: body(2, {}) }, [{ path: "$.meta", isOpen: true as const }]);
  assert.ok(worst.name === "different" && worst.severity === "breaking");
});

test("shadow §5: P18, a name of 100 emoji that one arm refuses", () => {
  assert.equal(told(judge({ status: 201 }, { status: 422 })), "different, breaking status status");
});

test("a normaliser of the application that throws costs the comparison of values, and no more", () => {
  const normalisers = {
    ...NORMALISERS,
    odd: (name: string) => ({
      name,
      isSame: (): boolean => {
        throw new Error("odd");
      },
    }),
  };
  const rules = new RouteRules([{ id: "r", owner: "t", reason: "t", on: ["*"], path: "$.a", compare: ["odd"] }], {
    normalisers,
    statusClass: String,
  });
  const [one, other] = [observed("control", { body: '{"a":1}' }), observed("candidate", { body: '{"a":2}' })];
  assert.match(told(compareExchange(one, other, rules, CONTEXT).verdict), /different.*undecodable/);
});

test("what an answer must look like is asked of each arm, alike or not, and told once", () => {
  const check = (_status: number, body: unknown): (string | number)[][] => {
    const { list } = body as { list: unknown[] };
    return list.flatMap((item, at) => (typeof item === "number" ? [] : [["list", at]]));
  };
  const words = { normalisers: NORMALISERS, statusClass: String };
  const rules = new RouteRules([], words, check);
  const of = (control: unknown[], candidate: unknown[]): string => {
    const body = (list: unknown[]): Given => ({ body: JSON.stringify({ list, n: 1 }) });
    return told(
      compareExchange(observed("control", body(control)), observed("candidate", body(candidate)), rules, CONTEXT)
        .verdict,
    );
  };
  assert.equal(of([1, 2], [1, 2]), "identical");
  assert.equal(of(["None", 2.5], ["None", 2.5]), "different, breaking type $.list[0]");
  assert.equal(of([1, 2], [1, "x"]), "different, breaking type $.list[1]");
  const odd = new RouteRules([], words, () => {
    throw new Error("odd");
  });
  const [one, other] = [observed("control", {}), observed("candidate", {})];
  assert.equal(told(compareExchange(one, other, odd, CONTEXT).verdict), "identical");
});

test("what a rule leaves out is named as such; the same bytes are identical whatever rules there are", () => {
  const rules = [
    { path: "$.a", ignore: "value" as const, until: "contract" as const },
    { path: "$.list", compare: ["len"] },
  ];
  assert.equal(told(judge({ body: '{"a":1,"b":1}' }, { body: '{"a":2,"b":1}' }, rules)), "equivalent, ignore");
  assert.equal(told(judge({ body: '{"a":1,"list":[1]}' }, { body: '{"a":1,"list":[1]}' }, rules)), "identical");
  const bytes = { type: "image/png", body: Uint8Array.of(1, 2, 3) };
  const coded = { ...bytes, headers: { "content-encoding": "gzip" }, body: gzipSync(bytes.body) };
  assert.equal(told(judge(bytes, coded)), "identical");
});
