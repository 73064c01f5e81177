import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { readOrMakeAccounts, signIn } from "./accounts.ts";
import { type Answer, type Api, type ApiCall, Unexpected } from "./apiClient.ts";

const folder = mkdtempSync(join(tmpdir(), "accounts-"));
after(() => rmSync(folder, { recursive: true, force: true }));

describe("accounts of the students", () => {
  test("are made once, are private, and are found again", () => {
    const file = join(folder, "students.json");
    const first = readOrMakeAccounts(file, 12);
    assert.ok(first.isNew);
    assert.equal(new Set(first.accounts.map((account) => account.email)).size, 12);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    const again = readOrMakeAccounts(file, 12);
    assert.ok(!again.isNew);
    assert.deepEqual(again.accounts, first.accounts);
  });

  test("a broken file is replaced by new ones", () => {
    const file = join(folder, "broken.json");
    writeFileSync(file, '[{"email":1}]');
    assert.ok(readOrMakeAccounts(file, 2).isNew);
  });

  test("passwords are what the contract asks: upper, lower, digit, another character", () => {
    for (const { password } of readOrMakeAccounts(join(folder, "passwords.json"), 5).accounts) {
      assert.match(password, /[A-Z]/);
      assert.match(password, /[a-z]/);
      assert.match(password, /\d/);
      assert.match(password, /[^A-Za-z0-9]/);
    }
  });
});

describe("signing in", () => {
  const account = { email: "ada@students.example", password: "Aa1-x", name: "Ada" };
  const tokens = { access_token: "t", expires_in: 1800, user: { id: "u1" } };
  const apiThat = (answers: Record<string, Partial<Answer>>, calls: string[] = []): Api => ({
    call: async (call: ApiCall) => {
      calls.push(call.path);
      const answer = { status: 200, json: null, retryAfterMs: 0, ...answers[call.path] };
      if (!call.expect.includes(answer.status)) throw new Unexpected(call.name, answer);
      return answer;
    },
  });

  test("logs in when the account is known", async () => {
    const calls: string[] = [];
    const signedIn = await signIn(apiThat({ "/api/auth/login": { json: tokens } }, calls), account);
    assert.deepEqual(signedIn, { userId: "u1", accessToken: "t", lifetimeMs: 1_800_000 });
    assert.deepEqual(calls, ["/api/auth/login"]);
  });

  test("registers when it is not", async () => {
    const calls: string[] = [];
    const answers = { "/api/auth/login": { status: 401 }, "/api/auth/register": { status: 201, json: tokens } };
    assert.equal((await signIn(apiThat(answers, calls), account)).accessToken, "t");
    assert.deepEqual(calls, ["/api/auth/login", "/api/auth/register"]);
  });

  test("an answer without a token is an error, not a student without one", async () => {
    await assert.rejects(signIn(apiThat({ "/api/auth/login": { json: {} } }), account), /without a token/);
  });
});
