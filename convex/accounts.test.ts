import assert from "node:assert/strict";
import { test } from "node:test";
import { api, internal } from "./_generated/api.js";
import { FAILED_LOGINS_MAX, LOCK_MS } from "./model/accounts.ts";
import { createTest, NOW } from "./test.setup.ts";

const account = { publicId: "u1", email: "a@b.co", name: "Ann", password: "hash", role: "student", now: NOW };

test("an address registers once", async () => {
  const { service } = createTest();
  assert.equal(await service.mutation(api.accounts.register, account), "created");
  assert.equal(await service.mutation(api.accounts.register, { ...account, publicId: "u2" }), "taken");
});

test("the fifth wrong password locks for a quarter of an hour, a right one starts the count again", async () => {
  const { service } = createTest();
  await service.mutation(api.accounts.register, account);
  const lockedUntil = async () => (await service.query(api.accounts.credentials, { email: "a@b.co" }))?.lockedUntil;
  const fail = () => service.mutation(api.accounts.loginFailed, { userId: "u1", now: NOW });
  for (let i = 1; i < FAILED_LOGINS_MAX; i += 1) await fail();
  await service.mutation(api.accounts.loginSucceeded, { userId: "u1", now: NOW });
  for (let i = 1; i < FAILED_LOGINS_MAX; i += 1) await fail();
  assert.equal(await lockedUntil(), null);
  await fail();
  assert.equal(await lockedUntil(), NOW + LOCK_MS);
});

test("a refresh token is used once, and only by an account that exists", async () => {
  const { service } = createTest();
  const token = { jti: "r1", userId: "u1", expiresAt: NOW + 1 };
  assert.equal((await service.mutation(api.accounts.useRefreshToken, token)).status, "unknown_user");
  await service.mutation(api.accounts.register, account);
  assert.equal((await service.mutation(api.accounts.useRefreshToken, token)).status, "used");
  assert.equal((await service.mutation(api.accounts.useRefreshToken, token)).status, "revoked");
});

test("a valid token of an unknown subject makes one account, and a revoked one is known as such", async () => {
  const { user, service } = createTest();
  const ann = user("ann");
  assert.equal((await ann.query(api.accounts.admit, { jti: "j", now: NOW })).known, false);
  for (let i = 0; i < 2; i += 1) {
    await ann.mutation(api.accounts.ensure, { email: "x@y.z", name: "x", role: "student", now: NOW + i });
  }
  assert.equal((await ann.query(api.accounts.profileOfCaller, {}))?.created_at, new Date(NOW).toISOString());
  await service.mutation(api.accounts.revoke, { jti: "j", userId: "ann", expiresAt: NOW });
  assert.equal((await ann.query(api.accounts.admit, { jti: "j", now: NOW })).revoked, true);
});

test("an address of a token-made account never shadows the one that signs in with it", async () => {
  const { user, service } = createTest();
  await service.mutation(api.accounts.register, account);
  await user("other").mutation(api.accounts.ensure, { email: "a@b.co", name: "o", role: "student", now: NOW });
  assert.equal((await service.query(api.accounts.credentials, { email: "a@b.co" }))?.id, "u1");
});

test("expired revocations are swept, live ones stay", async () => {
  const { t, service } = createTest();
  const now = Date.now();
  await service.mutation(api.accounts.revoke, { jti: "old", userId: "u", expiresAt: now - 1_000 });
  await service.mutation(api.accounts.revoke, { jti: "new", userId: "u", expiresAt: now + 60_000 });
  assert.equal(await t.mutation(internal.retention.sweep, {}), 1);
  const left = await t.run((ctx) => ctx.db.query("revokedTokens").collect());
  assert.deepEqual(
    left.map((row) => row.jti),
    ["new"],
  );
});
