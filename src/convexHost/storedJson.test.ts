import assert from "node:assert/strict";
import { test } from "node:test";
import { compareValues, type Value } from "convex/values";
import fc from "fast-check";
import {
  COMMIT_TS,
  documentForKeys,
  documentOf,
  fieldAt,
  hasPlaceholder,
  textOf,
  valueOrUndefined,
  withCommitTs,
  withoutSystemFields,
} from "./storedJson.ts";
import type { StoredDocument } from "./words.ts";

const { tree: values } = fc.letrec<{ tree: Value; leaf: Value }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    tie("leaf"),
    fc.array(tie("tree"), { maxLength: 4 }),
    fc.dictionary(fc.stringMatching(/^[a-zA-Z][a-z0-9]{0,5}$/), tie("tree"), { maxKeys: 4, noNullPrototype: true }),
  ),
  leaf: fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.double(),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.string({ unit: "grapheme" }),
    // What the text of special values looks like, as a mere string.
    fc.constantFrom('"$', '{"$commitTs":null}', '{"$integer":"AQAAAAAAAAA="}', "$"),
    fc.uint8Array({ maxLength: 9 }).map((bytes) => new Uint8Array(bytes).buffer),
  ),
}));

const system = { _id: "some id", _creationTime: 1_750_000_000_000.25 };

test("every value comes back as it was stored, whatever its strings look like", () => {
  fc.assert(
    fc.property(values, (value) => {
      const document: StoredDocument = { ...system, value };
      const back = documentOf(textOf(document));
      assert.deepEqual(back, document);
      assert.equal(compareValues(back["value"], value), 0);
    }),
    { numRuns: 2_000 },
  );
});

test("a timestamp not yet known is a placeholder until it is given, at any depth", () => {
  const text = textOf({ ...system, at: COMMIT_TS, list: [{ at: COMMIT_TS }], text: '{"$commitTs":null}' });
  assert.ok(hasPlaceholder(text));
  assert.equal(documentOf(text)["at"], COMMIT_TS);
  const resolved = withCommitTs(text, 17n);
  assert.ok(!hasPlaceholder(resolved));
  assert.deepEqual(documentOf(resolved), { ...system, at: 17n, list: [{ at: 17n }], text: '{"$commitTs":null}' });
  assert.ok(!hasPlaceholder(textOf({ ...system, text: '{"$commitTs":null}' })));
});

test("for index keys an unknown timestamp is the largest there is", () => {
  const document = { ...system, at: COMMIT_TS, n: 1 };
  assert.deepEqual(documentForKeys(document, textOf(document)), { ...system, at: 2n ** 63n - 1n, n: 1 });
  const plain = { ...system, n: 1 };
  assert.equal(documentForKeys(plain, textOf(plain)), plain);
});

test("a path leads through objects only, and never to what is inherited", () => {
  const document = { ...system, state: { kind: "pending", list: [1] }, bytes: new ArrayBuffer(2), "a.b": 1 };
  assert.equal(fieldAt(document, "state.kind"), "pending");
  assert.equal(fieldAt(document, "state.list.0"), undefined);
  assert.equal(fieldAt(document, "state.list.length"), undefined);
  assert.equal(fieldAt(document, "bytes.byteLength"), undefined);
  assert.equal(fieldAt(document, "missing.kind"), undefined);
  assert.equal(fieldAt(document, "constructor"), undefined);
  assert.equal(fieldAt(document, "state.constructor"), undefined);
});

test("a missing field is told apart from null, and system fields from the user's", () => {
  assert.equal(valueOrUndefined({ $undefined: null }), undefined);
  assert.equal(valueOrUndefined(null), null);
  assert.deepEqual(valueOrUndefined([1]), [1]);
  assert.deepEqual(withoutSystemFields({ ...system, n: 1 }), { n: 1 });
});
