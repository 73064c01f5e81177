import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalUuid, did, did8, ID_NAMESPACE, isCanonicalUuid, kid } from "./ids.ts";
import { sha1 } from "./sha1.ts";

const uuid = fc.uuid();
const spell = (id: string): string[] => [id, id.replaceAll("-", ""), `{${id}}`, `urn:uuid:${id}`];

test("SHA-1 agrees with the platform's for inputs of every padding length", () => {
  const bytes = fc.uint8Array({ minLength: 0, maxLength: 300 });
  fc.assert(
    fc.property(bytes, (input) => {
      assert.equal(Buffer.from(sha1(input)).toString("hex"), createHash("sha1").update(input).digest("hex"));
    }),
  );
});

test("derived ids are the UUIDv5 other implementations compute", () => {
  // Computed with Python's uuid.uuid5 over the same namespace.
  assert.equal(did("session", "a", 1), "83c8b266-cccc-5086-b9d8-56ded0af428f");
  assert.equal(did8("session", "a", 1), "83c8b266");
});

test("a derived id is canonical, of version 5, and depends on every part and its place", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[a-z_]{1,12}$/), uuid, fc.nat(), (kind, id, n) => {
      const derived = did(kind, id, n);
      assert.ok(isCanonicalUuid(derived));
      assert.match(derived, /^.{14}5.{4}[89ab]/);
      assert.notEqual(derived, did(kind, id, n + 1));
      assert.notEqual(derived, did(kind, n, id));
      assert.notEqual(derived, did(`${kind}x`, id, n));
    }),
  );
});

test("a keyed id comes from user, path and key; the position only counts when there are several", () => {
  const request = { userId: "u", path: "/api/v1/folders/", key: "k" };
  assert.equal(kid("folder", request), did("folder", "u", "/api/v1/folders/", "k"));
  assert.equal(kid("message", request, 0), did("message", "u", "/api/v1/folders/", "k", 0));
});

test("four spellings in any case are one id", () => {
  fc.assert(
    fc.property(uuid, (id) => {
      for (const spelling of spell(id)) {
        assert.equal(canonicalUuid(spelling), id);
        assert.equal(canonicalUuid(spelling.toUpperCase()), id);
      }
    }),
  );
});

test("blanks, fragments and mixtures of spellings are no id", () => {
  for (const spelling of spell(ID_NAMESPACE)) {
    for (const broken of [
      ` ${spelling}`,
      `${spelling}\n`,
      spelling.slice(1),
      `${spelling}0`,
      spelling.replace("9", "g"),
    ]) {
      assert.equal(canonicalUuid(broken), null, JSON.stringify(broken));
    }
  }
  for (const text of ["", "urn:uuid:", "{}", `urn:uuid:{${ID_NAMESPACE}}`, `{${ID_NAMESPACE.replaceAll("-", "")}}`]) {
    assert.equal(canonicalUuid(text), null);
  }
});
