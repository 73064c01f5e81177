import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import jsonwebtoken from "jsonwebtoken";
import { ConfigurationError, loadConfig } from "../config.ts";
import { hashPassword, isEmail, isPassword, passwordWeakness } from "./passwords.ts";
import { bearerOf, createTokens } from "./tokens.ts";

const SECRET = "s".repeat(32);
const seconds = (): number => Math.floor(Date.now() / 1_000);
const claims = (more: object = {}) => ({
  sub: "u1",
  email: "a@b.co",
  iat: seconds(),
  exp: seconds() + 60,
  type: "access",
  jti: "j1",
  ...more,
});
const CONVEX_URL = "http://127.0.0.1:9";
const tokens = createTokens(loadConfig({ CONVEX_URL, JWT_SECRET_KEY: SECRET }));
const signed = (more: object, options: jsonwebtoken.SignOptions = {}) =>
  jsonwebtoken.sign(claims(more), SECRET, options);
const isValid = async (token: string): Promise<boolean> => (await tokens.verify(token)) !== null;

test("every required claim must be there with its type", async () => {
  assert.ok(await isValid(signed({})));
  const { jti: _, ...withoutId } = claims();
  assert.ok(!(await isValid(jsonwebtoken.sign(withoutId, SECRET))));
  for (const bad of [{ sub: "" }, { sub: "x".repeat(129) }, { email: 1 }, { jti: "" }]) {
    assert.ok(!(await isValid(jsonwebtoken.sign({ ...claims(), ...bad }, SECRET))), JSON.stringify(bad));
  }
});

test("a token ends five seconds after its truncated expiry", async () => {
  assert.ok(await isValid(signed({ exp: seconds() - 4 + 0.9 })));
  assert.ok(!(await isValid(signed({ exp: seconds() - 6 }))));
});

test("another algorithm, another key, no signature and a token that is too long are refused", async () => {
  assert.ok(!(await isValid(signed({}, { algorithm: "HS384" }))));
  assert.ok(!(await isValid(jsonwebtoken.sign(claims(), "t".repeat(32)))));
  assert.ok(!(await isValid(jsonwebtoken.sign(claims(), "", { algorithm: "none" }))));
  assert.ok(!(await isValid(signed({ pad: "x".repeat(9_000) }))));
});

test("with a key set the algorithm belongs to the key, and a header cannot bring its own", async () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  const keys = { keys: [{ ...publicKey.export({ format: "jwk" }), kid: "k1", use: "sig", alg: "RS256" }] };
  const server = createServer((_, response) => response.end(JSON.stringify(keys)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  try {
    const outside = createTokens(loadConfig({ CONVEX_URL, JWT_JWKS_URL: url }));
    assert.equal(outside.canIssue, false);
    const sign = (options: jsonwebtoken.SignOptions) =>
      jsonwebtoken.sign(claims(), privateKey, { algorithm: "RS256", ...options });
    assert.ok(await outside.verify(sign({ keyid: "k1" })));
    assert.equal(await outside.verify(sign({ keyid: "k2" })), null);
    assert.equal(await outside.verify(sign({})), null);
    const pem = publicKey.export({ type: "spki", format: "pem" });
    const [head, body] = [{ alg: "HS256", typ: "JWT", kid: "k1" }, claims()].map((part) =>
      Buffer.from(JSON.stringify(part)).toString("base64url"),
    );
    const { createHmac } = await import("node:crypto");
    const forged = createHmac("sha256", pem).update(`${head}.${body}`).digest("base64url");
    assert.equal(await outside.verify(`${head}.${body}.${forged}`), null);
  } finally {
    server.close();
    server.closeAllConnections();
  }
});

test("a bearer has any case and any number of blanks, and nothing else", () => {
  assert.equal(bearerOf("bEaReR   abc"), "abc");
  for (const bad of [undefined, "", "Bearer", "Bearer ", "Basic abc", "Bearer a b"]) assert.equal(bearerOf(bad), null);
});

test("a password hash has the common text form and matches its password alone", async () => {
  const stored = await hashPassword("Abcdef1!");
  assert.match(stored, /^scrypt\$16384\$8\$1\$[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=$/);
  assert.ok(await isPassword("Abcdef1!", stored));
  for (const other of [null, "", "scrypt$1$8$1$AA==$AA=="]) assert.ok(!(await isPassword("Abcdef1!", other)));
  assert.ok(!(await isPassword("abcdef1!", stored)));
});

test("passwords need four kinds of characters, addresses one @ and a dotted right part", () => {
  for (const weak of ["abcdef1!", "ABCDEF1!", "Abcdefg!", "Abcdefg1"]) assert.ok(passwordWeakness(weak), weak);
  assert.equal(passwordWeakness("Abcdef1!"), null);
  for (const bad of ["a", "a@b", "a@@b.c", "@b.c", "a@b.", "a@.c", "a b@c.d"]) assert.ok(!isEmail(bad), bad);
  assert.ok(isEmail("a.b+c@d-e.f.gh"));
});

test("a wrong environment names every wrong variable at once", () => {
  assert.throws(
    () => loadConfig({ CONVEX_URL, JWT_SECRET_KEY: "short", PORT: "x", OPENAI_BASE_URL: "ftp://x" }),
    (error: unknown) => {
      assert.ok(error instanceof ConfigurationError);
      for (const name of ["JWT_SECRET_KEY", "PORT", "OPENAI_BASE_URL"]) assert.ok(error.message.includes(name), name);
      assert.ok(!error.message.includes("short"));
      return true;
    },
  );
});
