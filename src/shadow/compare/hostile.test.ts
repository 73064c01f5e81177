// shadow §17, row 21, small: bodies that were made to break whoever reads them, and pairs that somebody else compares too.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readJson } from "../json/reader.ts";
import { decode } from "./decode.ts";
import { agreementOf, assertAgreement } from "./testing/agreement.ts";
import { opinionOf } from "./testing/differ.ts";
import { type HostileBody, OWN_SUITE, PUBLIC_SUITE } from "./testing/hostileJson.ts";
import { hostilePairs } from "./testing/hostilePairs.ts";
import { hostileTransfers } from "./testing/hostileTransfers.ts";
import { type Body, bytesOf, isUndecodable, judge, replyOf, timed, verdictOf } from "./testing/replies.ts";
import { changed, parsed, respelled } from "./testing/spelling.ts";

/** Of processor time, for one body or pair. */
const MS_MAX = 1_000;
/** Writing twins of longer ones takes longer than comparing them. */
const TWIN_BYTES_MAX = 200_000;

const textOf = (body: Body): string => Buffer.from(bytesOf(body)).toString();

function assertRead({ name, body, expected }: HostileBody): void {
  const { value: reading, ms } = timed(() => readJson(bytesOf(body)));
  assert.ok(ms <= MS_MAX, `${name} took ${ms} ms`);
  assert.equal("value" in reading, expected !== "refused", name);
  const isNoted = "notes" in reading && reading.notes.has("invalid-number");
  assert.equal(isNoted, expected === "noted", name);
}

function assertJudged({ name, body, expected }: HostileBody): void {
  assert.equal(judge(body, body).name, "identical", name);
  const { value: verdict, ms } = timed(() => judge(body, '{"another":"body"}'));
  assert.ok(ms <= MS_MAX, `${name} took ${ms} ms`);
  assert.equal(verdict.name, "different", name);
  assert.equal(isUndecodable(verdict), expected === "refused" && body.length > 0, name);
  if (expected !== "read" || body.length > TWIN_BYTES_MAX) return;
  const value = parsed(textOf(body));
  const twin = respelled(value);
  // Of nothing there is no other spelling.
  assert.equal(judge(body, twin).name, twin === textOf(body) ? "identical" : "equivalent", name);
  assert.equal(judge(body, changed(value)).name, "different", name);
}

test("shadow §17: the public suite is read and refused as it says, and compared, without an exception", () => {
  assert.ok(PUBLIC_SUITE.length > 300);
  for (const one of PUBLIC_SUITE) {
    assertRead(one);
    assertJudged(one);
  }
});

test("shadow N3: strange bytes, other encodings and sizes beyond the limits are undecodable, never slow", () => {
  for (const one of OWN_SUITE) {
    assertRead(one);
    assertJudged(one);
  }
});

test("any two bodies of the public suite are the same exactly where somebody else says so", () => {
  const bodies = PUBLIC_SUITE.filter(({ name, expected }) => expected === "read" && name.startsWith("y_"));
  for (const { name, body } of bodies) {
    for (const { name: otherName, body: other } of bodies) {
      const { isEqual } = opinionOf(textOf(body), textOf(other));
      const expected = body === other ? "identical" : isEqual ? "equivalent" : "different";
      assert.equal(judge(body, other).name, expected, `${name} and ${otherName}`);
    }
  }
});

test("shadow §5: bombs, lies about codings and charsets, and streams without an end are refused, never slow", () => {
  for (const { name, expected, ...sent } of hostileTransfers()) {
    const { value: decoded, ms } = timed(() => decode(replyOf(sent)));
    assert.ok(ms <= MS_MAX, `${name} took ${ms} ms`);
    const found = decoded.as === "value" ? "read" : decoded.isUndecodable ? "refused" : "bytes";
    assert.equal(found, expected, name);
    assert.equal(verdictOf(sent, sent).name, "identical", name);
    assert.equal(verdictOf(sent, { body: "{}" }).name, "different", name);
  }
});

test("no pair of bodies takes longer than it is long", () => {
  for (const { name, control, candidate, expected } of hostilePairs()) {
    const { value: verdict, ms } = timed(() => judge(control, candidate));
    assert.ok(ms <= MS_MAX, `${name} took ${ms} ms`);
    assert.equal(verdict.name, expected, name);
  }
});

test("shadow §17: an independent differ says the same of 2,000 random pairs", () => {
  assertAgreement(agreementOf(2_000, 21));
});
