import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { AS_SERVICE, asUser } from "./ports.ts";
import { AUDIENCE, ISSUER, opened, testTokens } from "./testing/tokens.ts";

const NOW = 1_767_323_045_678;

function manual() {
  const clock = { now: NOW };
  return { clock, ...testTokens(() => clock.now) };
}

test("a token says who calls, for whom it is meant and for how long, and names its key", () => {
  const { keys, tokens } = manual();
  const { header, claims } = opened(tokens.of(asUser("ann")), keys);
  assert.deepEqual(header, { alg: "ES256", typ: "JWT", kid: keys.kid });
  const iat = Math.floor(NOW / 1_000) - 5;
  assert.deepEqual(claims, { iss: ISSUER, aud: AUDIENCE, sub: "ann", role: "user", iat, exp: iat + 120 });
  assert.deepEqual(opened(tokens.of(AS_SERVICE), keys).claims, { ...claims, sub: "service", role: "service" });
});

test("a user named like the service stays a user", () => {
  const { keys, tokens } = manual();
  tokens.of(AS_SERVICE);
  assert.equal(opened(tokens.of(asUser("service")), keys).claims.role, "user");
  assert.equal(opened(tokens.of(AS_SERVICE), keys).claims.role, "service");
});

test("every subject arrives as it is", () => {
  const { keys, tokens } = manual();
  const subject = fc.string({ unit: "grapheme", minLength: 1, maxLength: 128 });
  fc.assert(
    fc.property(subject, (sub) => assert.equal(opened(tokens.of(asUser(sub)), keys).claims.sub, sub)),
    { numRuns: 50 },
  );
});

test("a token is used again until 30 seconds before its end", () => {
  const { clock, keys, tokens } = manual();
  const first = tokens.of(asUser("ann"));
  const { exp } = opened(first, keys).claims;
  clock.now = (exp - 30) * 1_000 - 1;
  assert.equal(tokens.of(asUser("ann")), first);
  clock.now += 1;
  assert.notEqual(tokens.of(asUser("ann")), first);
});

test("a fresh token is a new one even within the same second, and is the one kept", () => {
  const { tokens } = manual();
  const first = tokens.of(AS_SERVICE);
  const fresh = tokens.of(AS_SERVICE, { isFresh: true });
  assert.notEqual(fresh, first);
  assert.equal(tokens.of(AS_SERVICE), fresh);
});

test("whatever the clock does, a token begins in the past and lasts more than 29 seconds more", () => {
  const { clock, keys, tokens } = manual();
  const steps = fc.array(fc.integer({ min: -600_000, max: 600_000 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(steps, (jumps) => {
      for (const jump of jumps) {
        clock.now += jump;
        const { iat, exp } = opened(tokens.of(AS_SERVICE), keys).claims;
        assert.ok(iat * 1_000 <= clock.now - 5_000 && exp * 1_000 - clock.now > 29_000);
        assert.equal(exp - iat, 120);
      }
    }),
    { numRuns: 50 },
  );
});

test("tokens of 1,000 callers are kept, the one not used for longest goes first", () => {
  const { tokens } = manual();
  const [ann, bob] = [tokens.of(asUser("ann")), tokens.of(asUser("bob"))];
  for (let i = 0; i < 998; i += 1) tokens.of(asUser(`user-${i}`));
  assert.equal(tokens.of(asUser("ann")), ann);
  tokens.of(asUser("one more"));
  assert.equal(tokens.of(asUser("ann")), ann);
  assert.notEqual(tokens.of(asUser("bob")), bob);
});
