import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CANONICAL_UUID, derivedId, derivedId8, keyedId, spellings } from "./ids.ts";
import { canonicalJson, round } from "./json.ts";

test("derived ids are UUIDv5: values worked out with Python's uuid.uuid5", () => {
  assert.equal(derivedId("job", "s", "session_analysis"), "482a2faf-1dfd-57c5-9b60-2367a429fa25");
  assert.equal(derivedId("folder", "ü", "/api/v1/folders/", "k 1"), "1072ca12-7ea4-5dd5-971d-cff8b58b43fa");
  assert.equal(derivedId8("question", "s", 2), "b0b54f99");
});

test("a keyed id is the derived id of kind, person, path, key and position", () => {
  assert.equal(keyedId("folder", "u", "/p", "k"), derivedId("folder", "u", "/p", "k"));
  assert.equal(keyedId("message", "u", "/p", "k", 0), derivedId("message", "u", "/p", "k", "0"));
});

test("every derived id has the canonical form with version 5", () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), (text, n) => {
      const id = derivedId("log", text, n);
      assert.match(id, CANONICAL_UUID);
      assert.equal(id[14], "5");
    }),
  );
});

test("a path id has seven more spellings, all different", () => {
  const all = spellings("6f0e8f0c-3b68-4b44-9f5a-2a0f4b4d6f10");
  assert.equal(new Set(all).size, 7);
  assert.ok(all.includes("6f0e8f0c3b684b449f5a2a0f4b4d6f10"));
});

test("canonical JSON sorts keys by UTF-16 unit, keeps letters and writes numbers as ECMAScript does", () => {
  const value = JSON.parse('{"\\ud83d\\ude00":1,"\\ufb33":2,"é":[1.0,-0,1e21,1e-7],"a":{"z":null,"b":"\\u2028\\n"}}');
  assert.equal(canonicalJson(value), '{"a":{"b":"\u2028\\n","z":null},"é":[1,0,1e+21,1e-7],"😀":1,"\ufb33":2}');
});

test("rounding is floor(x + 0.5), not the library's", () => {
  assert.deepEqual([round(0.125, 2), round(-1.5, 0), round(2.5, 0), round(33.33335, 4)], [0.13, -1, 3, 33.3334]);
});
