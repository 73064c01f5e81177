import assert from "node:assert/strict";
import { test } from "node:test";
import { componentOfToken, createUploadTokens } from "./uploadTokens.ts";

function createTokens() {
  const time = { ms: 1_000_000 };
  return { time, tokens: createUploadTokens(() => time.ms) };
}

test("a token is good once", () => {
  const { tokens } = createTokens();
  const token = tokens.issue("");
  assert.match(token, /^[\w-]{43}$/);
  assert.equal(tokens.take(token), true);
  assert.equal(tokens.take(token), false);
});

test("a token is good for an hour", () => {
  const { tokens, time } = createTokens();
  const [first, second] = [tokens.issue(""), tokens.issue("")];
  time.ms += 3_599_999;
  assert.equal(tokens.take(first), true);
  time.ms += 1;
  assert.equal(tokens.take(second), false);
});

test("tokens that nobody issued are refused", () => {
  const { tokens } = createTokens();
  const token = tokens.issue("");
  for (const other of ["", "x", token.slice(1), `${token}.YQ`, token.toUpperCase()])
    assert.equal(tokens.take(other), false);
  assert.equal(tokens.take(token), true);
});

test("a token carries its component, and another cannot be put in its place", () => {
  const { tokens } = createTokens();
  const token = tokens.issue("mail/wörker");
  assert.equal(componentOfToken(token), "mail/wörker");
  assert.equal(componentOfToken(tokens.issue("")), "");
  assert.equal(tokens.take(`${token.split(".")[0]}.${Buffer.from("other").toString("base64url")}`), false);
});

test("10,000 may be open; used and expired ones make room", () => {
  const { tokens, time } = createTokens();
  const first = tokens.issue("");
  for (let n = 1; n < 10_000; n++) tokens.issue("");
  assert.throws(() => tokens.issue(""), /at most 10000/);
  tokens.take(first);
  tokens.issue("");
  assert.throws(() => tokens.issue(""), /at most 10000/);
  time.ms += 3_600_000;
  tokens.issue("");
});
