import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readJson } from "../json/reader.ts";
import { JsonNumber, type JsonValue } from "../json/values.ts";
import { createFingerprint } from "./fingerprint.ts";
import { Redactor } from "./redact.ts";

const KEY = Buffer.alloc(32, 7);
const redactor = new Redactor(
  { hidden: ["$..kb", "$.results[*].text"], visible: ["$..error_code", "$.type"] },
  createFingerprint(KEY, "value"),
);

const read = (value: unknown): JsonValue => {
  const reading = readJson(JSON.stringify(value));
  assert.ok("value" in reading);
  return reading.value;
};

test("shadow P1: a shape tells paths, classes, lengths and which values are equal, and no value", () => {
  const shape = redactor.redact(read({ a: "Osmosis is", b: [1, 2.5, null, true], c: { d: "Osmosis is" } }), "shape");
  assert.deepEqual(shape, {
    a: redactor.shapeOf("Osmosis is"),
    b: [redactor.shapeOf(1), redactor.shapeOf(new JsonNumber("2.5")), "null", redactor.shapeOf(true)],
    c: { d: redactor.shapeOf("Osmosis is") },
  });
  assert.match(redactor.shapeOf("Osmosis is"), /^text\(10\)#[0-9a-f]{12}$/);
  const other = new Redactor({ hidden: [], visible: [] }, createFingerprint(Buffer.alloc(32, 8), "value"));
  assert.notEqual(other.shapeOf("Osmosis is"), redactor.shapeOf("Osmosis is"));
});

test("names of the protocol are shown where the application says so, and only if they look like it", () => {
  const body = { error_code: "NOT_FOUND", type: "somebody's own words", other: "NOT_FOUND" };
  const shape = redactor.redact(read(body), "shape") as Record<string, string>;
  assert.equal(shape["error_code"], "NOT_FOUND");
  assert.match(shape["type"] ?? "", /^text/);
  assert.match(shape["other"] ?? "", /^text/);
});

test("shadow P3: with bodies asked for, single words and numbers are shown, sentences never", () => {
  const body = {
    state: "open",
    n: 5,
    share: 2.5,
    say: "I do not understand",
    kb: "word",
    results: [{ text: "word", id: "x1" }],
  };
  const shown = redactor.redact(read(body), "redacted") as Record<string, unknown>;
  assert.deepEqual([shown["state"], shown["n"], shown["share"]], ["open", 5, 2.5]);
  assert.match(String(shown["say"]), /^text/);
  assert.match(String(shown["kb"]), /^text/);
  assert.match(JSON.stringify(shown["results"]), /"text":"text\(4\)#.*"id":"x1"/);
});

test("shadow P3: what is one word and yet a key, a code or an id is never shown, whatever stands beside it", () => {
  const texts = [
    "A1B2C3D4E5F6-a1b2c3d4e5f6",
    "sk-4f1b9c7e2d8a",
    "3f2c8a10-9b1d-4c3e-8f7a-1b2c3d4e5f60",
    "12345678-1234-1234-1234-123456789012",
    "01J9Z3NDEKTSV4RRFFQ69G5FAV",
    "AKIAIOSFODNN7EXAMPLE",
    "hunter2hunter",
    "/reset/9f8e7d6c5b4a",
    "XXXX-9F2K-77QP-M3ZT",
  ];
  const numbers = { pin: 4711, otp: "123456", cvv: 123 };
  const shown = JSON.stringify(redactor.redact(read({ texts, ...numbers }), "redacted"));
  for (const text of [...texts, "4711", "123456"])
    assert.ok(!shown.includes(`"${text}"`) && !shown.includes(`:${text}`), text);
  const plain = [
    "2026-11-22T10:43:40Z",
    "2026-11-22",
    "application/json",
    "utf-8",
    "iso-8859-1",
    "v1.2.3",
    "NOT_FOUND",
  ];
  assert.deepEqual(redactor.redact(read(plain), "redacted"), plain);
});

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl";

/** shadow §17, row 17: sixty, by name, by look and by path. */
const SECRETS: readonly (readonly [key: string, value: string | number])[] = [
  ...["password", "passwd", "new_password", "passphrase", "client_secret", "SECRET", "token", "access_token"].map(
    (key, at) => [key, `hunter${at}`] as const,
  ),
  ...["refreshToken", "csrf-token", "cookie", "set_cookie", "authorization", "Authorization", "api_key", "apiKey"].map(
    (key, at) => [key, `sesame${at}`] as const,
  ),
  ...["email", "e-mail", "userEmail", "phone", "phone_number", "mobile", "name", "first_name", "last_name"].map(
    (key, at) => [key, `Rumpel${at}`] as const,
  ),
  ...["full_name", "user_name", "display_name", "surname", "given_name", "family_name", "nickname"].map(
    (key, at) => [key, `Stiltz${at}`] as const,
  ),
  ...["address", "street_address", "birthday", "birth_date", "ssn", "iban", "card_number", "credentials"].map(
    (key, at) => [key, `Gasse${at}`] as const,
  ),
  ...[jwt, `x${jwt}`, "ann@example.org", "a.b+c@mail.example.co", "+49 170 1234567", "4111-1111-1111-1111"].map(
    (value, at) => [`field${at}`, value] as const,
  ),
  ...["DE89370400440532013000", "0170123456789", "Bearer abcdef", "Basic dXNlcg==", "-----BEGIN KEY"].map(
    (value, at) => [`other${at}`, value] as const,
  ),
  ["number", 491_701_234_567],
  ...["I live in Hamburg", "my teacher is mean", "ich heiße Anna", "two words"].map(
    (value, at) => [`t${at}`, value] as const,
  ),
  ...["kb", "kb", "kb", "kb"].map((key, at) => [key, `hiddenword${at}`] as const),
];

test("shadow §17: of sixty seeded secrets none is shown, whatever is asked for and wherever it stands", () => {
  assert.equal(SECRETS.length, 60);
  for (const [key, value] of SECRETS) {
    const bodies = [{ [key]: value }, { deep: [{ [key]: value }] }, { [key]: { inside: value, list: [value] } }];
    for (const body of typeof value === "string" && /^(hidden|t\d)/.test(key) ? bodies.slice(0, 2) : bodies) {
      for (const policy of ["shape", "redacted"] as const) {
        const shown = JSON.stringify(redactor.redact(read(body), policy));
        assert.ok(!shown.includes(JSON.stringify(value).replaceAll('"', "")), `${key}: ${shown}`);
      }
    }
    const asKey = JSON.stringify(redactor.redact(read({ [String(value)]: 1 }), "redacted"));
    if (/[@ ]|eyJ|\d{9}/.test(String(value))) assert.ok(!asKey.includes(String(value)), asKey);
  }
});

test("a shape holds no scalar of any body, and is bounded", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ minLength: 6 })), (texts) => {
      const shape = JSON.stringify(redactor.redact(read(texts), "shape"));
      for (const text of texts) assert.ok(!shape.includes(JSON.stringify(text)), text);
    }),
  );
  const shape = redactor.redact(read(Array.from({ length: 10_000 }, (_, at) => at)), "shape") as unknown[];
  assert.equal(shape.length, 2_000);
  assert.equal(shape.at(-1), "… 8001 more");
});
