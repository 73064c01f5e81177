import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  encodeTs,
  functionPathOfUrl,
  outcomeJson,
  parseBatch,
  parseCall,
  parseCallUrl,
  parseJsonBody,
} from "./callBody.ts";
import { type Outcome, TransportError } from "./words.ts";

const isBadBody = (error: unknown) =>
  error instanceof TransportError && error.status === 400 && error.code === "BadJsonBody";
const outcome = (result: Outcome["result"], logLines: readonly string[] = []): Outcome => {
  return { result, ts: 1n, logLines, reads: [], hasReadIdentity: false, journal: null };
};

describe("a call", () => {
  test("has its arguments as an object, as an array of one, or not at all", () => {
    for (const args of [{ a: 1 }, [{ a: 1 }]])
      assert.deepEqual(parseCall({ path: "m:f", args }, undefined).args, { a: 1 });
    for (const args of [undefined, [], {}, [{}]])
      assert.deepEqual(parseCall({ path: "m:f", args }, undefined).args, {});
  });

  test("is refused with other arguments", () => {
    for (const args of [null, 1, "x", [1], [null], [{}, {}], [[]]]) {
      assert.throws(() => parseCall({ path: "m:f", args }, undefined), isBadBody, JSON.stringify(args));
    }
  });

  test("is refused without a path, with an unknown format or a component that is no text", () => {
    for (const body of [
      {},
      { path: "" },
      { path: 1 },
      { path: "m:f", format: "xml" },
      { path: "m:f", componentPath: 1 },
    ]) {
      assert.throws(() => parseCall(body, undefined), isBadBody, JSON.stringify(body));
    }
  });

  test("without a format is answered in plain JSON, to the official npm clients in Convex JSON", () => {
    assert.equal(parseCall({ path: "m:f" }, undefined).format, "json");
    assert.equal(parseCall({ path: "m:f" }, "python-0.7.0").format, "json");
    assert.equal(parseCall({ path: "m:f" }, "npm-1.48.0").format, "convex_encoded_json");
    assert.equal(parseCall({ path: "m:f", format: "json" }, "npm-1.48.0").format, "json");
  });

  test("at a timestamp gets back the one that was encoded", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (ts) => {
        assert.equal(parseCall({ path: "m:f", ts: encodeTs(ts) }, undefined).ts, ts);
      }),
    );
    for (const ts of [1, "", "AAAA", null]) assert.throws(() => parseCall({ path: "m:f", ts }, undefined), isBadBody);
  });

  test("in a URL has its arguments as JSON", () => {
    const body = parseCallUrl(new URLSearchParams({ path: "m:f", args: '{"a":"\u00fc"}', format: "json" }));
    assert.deepEqual(parseCall(body, undefined), {
      path: "m:f",
      args: { a: "\u00fc" },
      format: "json",
      component: "",
      ts: null,
    });
    assert.deepEqual(parseCall(parseCallUrl(new URLSearchParams({ path: "m:f" })), undefined).args, {});
    assert.throws(() => parseCallUrl(new URLSearchParams({ path: "m:f", args: "{" })), isBadBody);
  });
});

test("a body is one JSON object", () => {
  assert.deepEqual(parseJsonBody('{"a":1}'), { a: 1 });
  for (const text of ["", "{", "[]", "null", '"x"', "1"]) assert.throws(() => parseJsonBody(text), isBadBody, text);
});

test("a batch is an array of at most 1,000 calls", () => {
  const queries = (count: number) => ({ queries: Array.from({ length: count }, () => ({ path: "m:f" })) });
  assert.equal(parseBatch(queries(1_000), undefined).length, 1_000);
  assert.throws(() => parseBatch(queries(1_001), undefined), isBadBody);
  assert.throws(() => parseBatch({ queries: ["m:f"] }, undefined), isBadBody);
  assert.throws(() => parseBatch({}, undefined), isBadBody);
});

test("a function's path in a URL ends in its name", () => {
  assert.equal(functionPathOfUrl("messages/list"), "messages:list");
  assert.equal(functionPathOfUrl("a/b%20c/list"), "a/b c:list");
  assert.equal(functionPathOfUrl("messages:list"), "messages:list");
  assert.throws(() => functionPathOfUrl("%ff/x"), /percent-encoding/);
});

describe("an outcome", () => {
  test("is told with its value and its log lines", () => {
    const text = outcomeJson(
      outcome({ valueJson: '{"n":{"$integer":"AQAAAAAAAAA="}}' }, ["[LOG] 'x'"]),
      "convex_encoded_json",
    );
    assert.deepEqual(JSON.parse(text), {
      status: "success",
      value: { n: { $integer: "AQAAAAAAAAA=" } },
      logLines: ["[LOG] 'x'"],
    });
    assert.deepEqual(JSON.parse(outcomeJson(outcome({ valueJson: '{"n":{"$integer":"AQAAAAAAAAA="}}' }), "json")), {
      status: "success",
      value: { n: "1" },
      logLines: [],
    });
  });

  test("that failed is told with the data of its ConvexError, if it has any, be it null", () => {
    const failed = (data?: { $integer: string } | null) =>
      outcome({ failure: data === undefined ? { message: "m" } : { message: "m", data } });
    const base = { status: "error", errorMessage: "m", logLines: [] };
    assert.deepEqual(JSON.parse(outcomeJson(failed(), "json")), base);
    assert.deepEqual(JSON.parse(outcomeJson(failed(null), "json")), { ...base, errorData: null });
    const data = { $integer: "AQAAAAAAAAA=" };
    assert.deepEqual(JSON.parse(outcomeJson(failed(data), "json")), { ...base, errorData: "1" });
    assert.deepEqual(JSON.parse(outcomeJson(failed(data), "convex_encoded_json")), { ...base, errorData: data });
  });
});
