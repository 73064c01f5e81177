import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign as signBytes } from "node:crypto";
import { createServer, type Server } from "node:http";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Config, type JwtConfig, loadConfig } from "../config/index.ts";
import { createManualClock, type ManualClock } from "../kernel/index.ts";
import { bearerToken, createIdentity, type Identity, type IdentityResult } from "./identity.ts";
import { startProxy } from "./testing/proxyFixture.ts";
import { askOnce, request } from "./testing/rawClient.ts";
import { startRawOrigin } from "./testing/rawOrigin.ts";
import { JWT_SECRET } from "./testing/tokens.ts";

const START_MS = 1_800_000_000_000;
const START_S = START_MS / 1_000;
const KEY_SET_URL = "https://login.example.org/keys";
const HS: JwtConfig = {
  algorithms: ["HS256"],
  secret: JWT_SECRET,
  jwksUrl: null,
  issuer: null,
  audience: null,
  verifiedTokensMax: 100,
};

const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const otherRsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const weakRsa = generateKeyPairSync("rsa", { modulusLength: 1_024 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const otherEc = generateKeyPairSync("ec", { namedCurve: "P-256" });
const rsaPem = rsa.publicKey.export({ type: "spki", format: "pem" }) as string;
const ecPem = ec.publicKey.export({ type: "spki", format: "pem" }) as string;

type Json = Readonly<Record<string, unknown>>;
const encode = (value: unknown): string =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

const CLAIMS: Json = {
  sub: "ada",
  email: "ada@example.org",
  iat: START_S,
  exp: START_S + 600,
  type: "access",
  jti: "t-1",
};
const claims = (change: Json = {}): Json => ({ ...CLAIMS, ...change });
function without(name: string): Json {
  const { [name]: _left, ...rest } = CLAIMS;
  return rest;
}

/** Signs whatever it is given; no library stands between a test and a forged token. */
function forge(header: Json | string, payload: Json | string, sign: (input: string) => Buffer): string {
  const input = `${encode(header)}.${encode(payload)}`;
  return `${input}.${sign(input).toString("base64url")}`;
}
const hmac =
  (secret: string | Buffer, hash = "sha256") =>
  (input: string): Buffer =>
    createHmac(hash, secret).update(input).digest();
const withRsa =
  (key: KeyObject, hash = "sha256") =>
  (input: string): Buffer =>
    signBytes(hash, Buffer.from(input), key);
const withEc =
  (key: KeyObject) =>
  (input: string): Buffer =>
    signBytes("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" });
const nothing = (): Buffer => Buffer.alloc(0);

const hs = (payload: Json | string = claims(), header: Json = {}): string =>
  forge({ alg: "HS256", typ: "JWT", ...header }, payload, hmac(JWT_SECRET));
const rs = (payload: Json = claims(), header: Json = {}): string =>
  forge({ alg: "RS256", typ: "JWT", kid: "rsa-1", ...header }, payload, withRsa(rsa.privateKey));
const es = (payload: Json = claims(), header: Json = {}): string =>
  forge({ alg: "ES256", typ: "JWT", kid: "ec-1", ...header }, payload, withEc(ec.privateKey));

const jwk = (key: KeyObject, extra: Json): Json => ({ ...(key.export({ format: "jwk" }) as Json), ...extra });
const KEYS: readonly unknown[] = [
  jwk(rsa.publicKey, { kid: "rsa-1", use: "sig", alg: "RS256" }),
  jwk(ec.publicKey, { kid: "ec-1", use: "sig" }),
];

/** A key server over real HTTP that counts how often it is asked and does what the test says. */
interface KeyServer {
  readonly url: string;
  asked: number;
  answer: (url: string) => { status?: number; body: string; headers?: Record<string, string>; isStalled?: boolean };
}

let server: Server;
let keyServer: KeyServer;
const keySet = (keys: readonly unknown[]) => () => ({ body: JSON.stringify({ keys }) });
before(async () => {
  server = createServer((req, res) => {
    keyServer.asked++;
    const { status = 200, body, headers = {}, isStalled } = keyServer.answer(req.url ?? "");
    res.writeHead(status, { "content-type": "application/json", ...headers });
    if (!isStalled) res.end(body);
    else {
      res.write(body);
      const drip = setInterval(() => res.write(" "), 200);
      res.once("close", () => clearInterval(drip));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  keyServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    asked: 0,
    answer: keySet(KEYS),
  };
});
after(() => {
  server.closeAllConnections();
  server.close();
});

function withKeys(change: Partial<JwtConfig> = {}, keys = KEYS): { identity: Identity; clock: ManualClock } {
  keyServer.asked = 0;
  keyServer.answer = keySet(keys);
  const clock = createManualClock(START_MS);
  const config = {
    ...HS,
    algorithms: ["RS256", "ES256"],
    secret: null,
    jwksUrl: keyServer.url,
    ...change,
  } as JwtConfig;
  return { identity: createIdentity(config, clock), clock };
}
const withSecret = (change: Partial<JwtConfig> = {}) => {
  const clock = createManualClock(START_MS);
  return { identity: createIdentity({ ...HS, ...change }, clock), clock };
};

const subjectOf = async (identity: Identity, token: string | null): Promise<string | null> => {
  const result = await identity.of(token);
  return result.kind === "verified" ? result.subject : null;
};
const whyNot = (result: IdentityResult): string => (result.kind === "verified" ? "verified" : result.why);

test("a valid token gives its subject, by secret and by both kinds of keys", async () => {
  assert.equal(await subjectOf(withSecret().identity, hs()), "ada");
  const { identity } = withKeys();
  assert.equal(await subjectOf(identity, rs()), "ada");
  assert.equal(await subjectOf(identity, es()), "ada");
  assert.deepEqual(withSecret().identity.of(null), { kind: "missing", why: "missing" });
});

/** Tokens that must never give a subject. The comment of a row is its name. */
const FORGED_FOR_SECRET: Record<string, string> = {
  "alg none": forge({ alg: "none", typ: "JWT" }, claims(), nothing),
  "alg None": forge({ alg: "None" }, claims(), nothing),
  "alg NONE with a good signature": forge({ alg: "NONE" }, claims(), hmac(JWT_SECRET)),
  "alg none with a good signature": forge({ alg: "none" }, claims(), hmac(JWT_SECRET)),
  "no alg": forge({ typ: "JWT" }, claims(), hmac(JWT_SECRET)),
  "alg is a list": forge({ alg: ["HS256"] }, claims(), hmac(JWT_SECRET)),
  "alg hs256": forge({ alg: "hs256" }, claims(), hmac(JWT_SECRET)),
  "HS384 with the right secret": forge({ alg: "HS384" }, claims(), hmac(JWT_SECRET, "sha384")),
  "HS512 with the right secret": forge({ alg: "HS512" }, claims(), hmac(JWT_SECRET, "sha512")),
  "RS256 against a secret": forge({ alg: "RS256" }, claims(), withRsa(rsa.privateKey)),
  "another secret": forge({ alg: "HS256" }, claims(), hmac("another-secret-of-at-least-32-bytes!!")),
  "an empty secret": forge({ alg: "HS256" }, claims(), hmac("")),
  "no signature": `${hs().split(".").slice(0, 2).join(".")}.`,
  "two parts": hs().split(".").slice(0, 2).join("."),
  "four parts": `${hs()}.x`,
  "five parts as of an encrypted token": `${hs()}.x.y`,
  "a changed payload": `${hs().split(".")[0]}.${encode(claims({ sub: "eve" }))}.${hs().split(".")[2]}`,
  "a changed header": `${encode({ alg: "HS256", x: 1 })}.${hs().split(".").slice(1).join(".")}`,
  "a cut signature": hs().slice(0, -4),
  "a blank inside": hs().replace(".", ". "),
  "base64 instead of base64url": `${hs()}==`,
  "a header that is no JSON": forge("no json", claims(), hmac(JWT_SECRET)),
  "a header that is a list": forge("[]", claims(), hmac(JWT_SECRET)),
  "a payload that is no JSON": hs("no json"),
  "a payload that is a text": hs('"ada"'),
  "a payload that is a list": hs("[]"),
  "a payload that is null": hs("null"),
  crit: hs(claims(), { crit: ["exp"], exp: 1 }),
  "an empty crit": hs(claims(), { crit: [] }),
  "a kid of 129 characters": hs(claims(), { kid: "k".repeat(129) }),
  "a kid that is an object": hs(claims(), { kid: { a: 1 } }),
  expired: hs(claims({ exp: START_S - 1 })),
  "expires now": hs(claims({ exp: START_S })),
  "expires within this second, fraction cut off": hs(claims({ exp: START_S + 0.9 })),
  "no exp": hs(without("exp")),
  "exp as text": hs(claims({ exp: String(START_S + 600) })),
  "exp without end": hs(JSON.stringify(claims()).replace(String(START_S + 600), "1e999")),
  "no iat": hs(without("iat")),
  "iat as text": hs(claims({ iat: "now" })),
  "not yet valid": hs(claims({ nbf: START_S + 10 })),
  "no jti": hs(without("jti")),
  "an empty jti": hs(claims({ jti: "" })),
  "a jti that is a number": hs(claims({ jti: 7 })),
  "no type": hs(without("type")),
  "a refresh token": hs(claims({ type: "refresh" })),
  "type Access": hs(claims({ type: "Access" })),
  "no sub": hs(without("sub")),
  "an empty sub": hs(claims({ sub: "" })),
  "a sub of 129 characters": hs(claims({ sub: "s".repeat(129) })),
  "a sub that is a number": hs(claims({ sub: 7 })),
  "a sub that is a list": hs(claims({ sub: ["ada"] })),
  "a sub with a line break": hs(claims({ sub: "ada\r\nx: y" })),
  "a sub with NUL": hs(claims({ sub: "ada\u0000" })),
  "a sub with DEL": hs(claims({ sub: "ada\u007f" })),
  "a sub with a C1 control": hs(claims({ sub: "ada\u0085" })),
  "too long": hs(claims({ filler: "x".repeat(8_192) })),
  empty: "",
  "only dots": "..",
  "not ASCII": hs().replace(".", ".\u00e9"),
};

const FORGED_FOR_KEYS: Record<string, string> = {
  "HS256 with the RSA public key as secret": forge({ alg: "HS256", kid: "rsa-1" }, claims(), hmac(rsaPem)),
  "HS256 with the EC public key as secret": forge({ alg: "HS256", kid: "ec-1" }, claims(), hmac(ecPem)),
  "HS256 with the key in DER as secret": forge(
    { alg: "HS256", kid: "rsa-1" },
    claims(),
    hmac(rsa.publicKey.export({ type: "spki", format: "der" })),
  ),
  "alg none with a kid": forge({ alg: "none", kid: "rsa-1" }, claims(), nothing),
  "RS256 said of the EC key": forge({ alg: "RS256", kid: "ec-1" }, claims(), withRsa(rsa.privateKey)),
  "ES256 said of the RSA key": forge({ alg: "ES256", kid: "rsa-1" }, claims(), withEc(ec.privateKey)),
  "RS512 with the right key": forge({ alg: "RS512", kid: "rsa-1" }, claims(), withRsa(rsa.privateKey, "sha512")),
  "PS256 said of the right key": forge({ alg: "PS256", kid: "rsa-1" }, claims(), withRsa(rsa.privateKey)),
  "another RSA key": forge({ alg: "RS256", kid: "rsa-1" }, claims(), withRsa(otherRsa.privateKey)),
  "another EC key": forge({ alg: "ES256", kid: "ec-1" }, claims(), withEc(otherEc.privateKey)),
  "no kid": forge({ alg: "RS256" }, claims(), withRsa(rsa.privateKey)),
  "an unknown kid": forge({ alg: "RS256", kid: "rsa-2" }, claims(), withRsa(otherRsa.privateKey)),
  "kid __proto__": forge('{"alg":"RS256","kid":"__proto__"}', claims(), withRsa(otherRsa.privateKey)),
  "kid constructor": forge({ alg: "RS256", kid: "constructor" }, claims(), withRsa(otherRsa.privateKey)),
  "kid as a path": forge({ alg: "HS256", kid: "../../../../dev/null" }, claims(), hmac("")),
  "kid as a query": forge({ alg: "HS256", kid: "' UNION SELECT 'x' --" }, claims(), hmac("x")),
  "its own key in jwk": forge(
    { alg: "RS256", kid: "mine", jwk: jwk(otherRsa.publicKey, { kid: "mine" }) },
    claims(),
    withRsa(otherRsa.privateKey),
  ),
  "its own key in jwk under a known kid": forge(
    { alg: "RS256", kid: "rsa-1", jwk: jwk(otherRsa.publicKey, { kid: "rsa-1" }) },
    claims(),
    withRsa(otherRsa.privateKey),
  ),
  "its own key set in jku": forge(
    { alg: "RS256", kid: "mine", jku: "http://127.0.0.1:1/keys" },
    claims(),
    withRsa(otherRsa.privateKey),
  ),
  "its own certificate in x5u and x5c": forge(
    { alg: "RS256", kid: "mine", x5u: "http://127.0.0.1:1/c", x5c: ["AAAA"] },
    claims(),
    withRsa(otherRsa.privateKey),
  ),
  "an ES256 signature of zeros": forge({ alg: "ES256", kid: "ec-1" }, claims(), () => Buffer.alloc(64)),
  "an ES256 signature in DER": forge({ alg: "ES256", kid: "ec-1" }, claims(), (input) =>
    signBytes("sha256", Buffer.from(input), ec.privateKey),
  ),
};

test("40 forged tokens give no subject", async () => {
  const secret = withSecret().identity;
  const keys = withKeys().identity;
  const admitted: string[] = [];
  for (const [name, token] of Object.entries(FORGED_FOR_SECRET)) {
    if ((await subjectOf(secret, token)) !== null) admitted.push(name);
    if ((await subjectOf(keys, token)) !== null) admitted.push(`${name}, against keys`);
  }
  for (const [name, token] of Object.entries(FORGED_FOR_KEYS)) {
    if ((await subjectOf(keys, token)) !== null) admitted.push(name);
    if ((await subjectOf(secret, token)) !== null) admitted.push(`${name}, against a secret`);
  }
  assert.deepEqual(admitted, []);
  assert.ok(Object.keys(FORGED_FOR_SECRET).length + Object.keys(FORGED_FOR_KEYS).length >= 40);
  assert.equal(secret.cache.size + keys.cache.size, 0, "nothing of them is remembered");
  assert.equal(await subjectOf(secret, hs()), "ada");
  assert.equal(await subjectOf(keys, rs()), "ada");
});

test("every reason is one of a few words, so that they can be labels", async () => {
  const words = new Set<string>();
  for (const token of [...Object.values(FORGED_FOR_SECRET), ...Object.values(FORGED_FOR_KEYS)]) {
    words.add(whyNot(await withSecret().identity.of(token)));
  }
  for (const word of words)
    assert.match(word, /^(?:too_long|malformed|critical_header|algorithm|unknown_key|signature|expired|claims)$/);
});

test("what is legal passes: fractions, the longest names, names of the language, extra headers", async () => {
  const { identity } = withSecret();
  for (const sub of ["s".repeat(128), "__proto__", "constructor", "hasOwnProperty", "日本語", "a b", "😀"]) {
    assert.equal(await subjectOf(identity, hs(claims({ sub }))), sub);
  }
  assert.equal(await subjectOf(identity, hs(claims({ iat: START_S - 0.5, exp: START_S + 100.25 }))), "ada");
  assert.equal(await subjectOf(identity, hs(claims(), { kid: "k".repeat(128), jku: "http://127.0.0.1:1/" })), "ada");
  const filler = hs(claims({ filler: "" })).length;
  const longest = hs(claims({ filler: "x".repeat(Math.floor(((8_192 - filler) * 3) / 4)) }));
  assert.ok(longest.length <= 8_192 && longest.length > 8_180);
  assert.equal(await subjectOf(identity, longest), "ada");
});

test("issuer and audience are asked for when they are configured", async () => {
  const { identity } = withSecret({ issuer: "https://login.example.org", audience: "tutor" });
  const good = { iss: "https://login.example.org", aud: "tutor" };
  assert.equal(await subjectOf(identity, hs(claims(good))), "ada");
  assert.equal(await subjectOf(identity, hs(claims({ ...good, aud: ["other", "tutor"] }))), "ada");
  for (const wrong of [
    { iss: undefined },
    { iss: "https://evil.example" },
    { aud: undefined },
    { aud: "other" },
    { aud: [] },
  ]) {
    assert.equal(await subjectOf(identity, hs(claims({ ...good, ...wrong }))), null, JSON.stringify(wrong));
  }
});

test("the scheme may be written in any case, and nothing but a bearer token is one", () => {
  for (const scheme of ["Bearer", "bearer", "BEARER", "bEaReR"]) assert.equal(bearerToken(`${scheme} abc`), "abc");
  assert.equal(bearerToken("Bearer    abc"), "abc");
  for (const other of [null, "", "Bearer", "Bearer ", "Bearer    ", "Basic abc", "abc", "Bearerabc", "Token abc def"]) {
    assert.equal(bearerToken(other), null, String(other));
  }
});

test("the cache never outlives the token", () => {
  const { identity, clock } = withSecret();
  const token = hs(claims({ exp: START_S + 10.75 }));
  assert.equal(whyNot(identity.of(token) as IdentityResult), "verified");
  assert.equal(identity.cache.size, 1);
  clock.advance(9_999);
  assert.equal(whyNot(identity.of(token) as IdentityResult), "verified");
  clock.advance(1);
  assert.equal(whyNot(identity.of(token) as IdentityResult), "expired", "the fraction of exp is cut off");
  assert.equal(identity.cache.size, 0);
  clock.advance(500);
  assert.equal(whyNot(identity.of(token) as IdentityResult), "expired");
  assert.equal(identity.cache.size, 0, "an expired token does not come back into the cache");
});

test("the cache is bounded, gives the same answer as the check, and forgets a token that was logged out", () => {
  const { identity } = withSecret({ verifiedTokensMax: 10 });
  const first = identity.of(hs());
  assert.deepEqual(identity.of(hs()), first);
  for (let i = 0; i < 50; i++) void identity.of(hs(claims({ jti: `t-${i}` })));
  assert.equal(identity.cache.size, 10);
  const token = hs(claims({ jti: "t-49" }));
  identity.cache.drop(token);
  assert.equal(identity.cache.size, 9);
  const mixed = token.slice(0, -1) + (token.endsWith("A") ? "B" : "A");
  assert.notEqual(whyNot(identity.of(mixed) as IdentityResult), "verified", "one other letter is another token");
});

test("unknown key ids cost at most one fetch in 30 s, however many ask", async () => {
  const { identity, clock } = withKeys();
  await Promise.all(
    Array.from({ length: 50 }, async (_, i) => identity.of(forge({ alg: "RS256", kid: `k-${i}` }, claims(), nothing))),
  );
  assert.equal(keyServer.asked, 1);
  clock.advance(29_999);
  await identity.of(forge({ alg: "RS256", kid: "k-51" }, claims(), nothing));
  assert.equal(keyServer.asked, 1);
  keyServer.answer = keySet([...KEYS, jwk(otherRsa.publicKey, { kid: "rsa-2", use: "sig" })]);
  clock.advance(1);
  const rotated = forge({ alg: "RS256", kid: "rsa-2" }, claims(), withRsa(otherRsa.privateKey));
  assert.equal(await subjectOf(identity, rotated), "ada", "a new key is found");
  assert.equal(keyServer.asked, 2);
});

test("keys are cached for ten minutes, used for an hour while their server is away, and not longer", async () => {
  const { identity, clock } = withKeys();
  const token = (jti: string): string => rs(claims({ exp: START_S + 10_000, jti }));
  assert.equal(await subjectOf(identity, token("1")), "ada");
  clock.advance(600_000);
  assert.equal(await subjectOf(identity, token("2")), "ada");
  assert.equal(keyServer.asked, 1);
  keyServer.answer = () => ({ status: 500, body: "" });
  clock.advance(1);
  assert.equal(await subjectOf(identity, token("3")), "ada", "stale keys serve while the server fails");
  assert.equal(keyServer.asked, 2);
  clock.advance(3_000_000 - 1);
  assert.equal(await subjectOf(identity, token("4")), "ada");
  clock.advance(1);
  assert.equal(await subjectOf(identity, token("5")), null, "an hour is the end");
  keyServer.answer = keySet(KEYS);
  clock.advance(30_000);
  assert.equal(await subjectOf(identity, token("6")), "ada", "and the way back");
});

test("a key that was taken out of the set is not accepted after the next fetch", async () => {
  const { identity, clock } = withKeys();
  assert.equal(await subjectOf(identity, rs()), "ada");
  keyServer.answer = keySet([KEYS[1]]);
  clock.advance(600_001);
  assert.equal(await subjectOf(identity, rs(claims({ jti: "t-2", exp: START_S + 10_000 }))), null);
});

test("at most 64 keys are read, and weak, foreign or broken ones are left out without the others", async () => {
  const filler = Array.from({ length: 63 }, (_, i) => jwk(otherRsa.publicKey, { kid: `filler-${i}` }));
  const full = withKeys({}, [...filler, KEYS[0], jwk(otherEc.publicKey, { kid: "the-65th" })]);
  assert.equal(await subjectOf(full.identity, rs()), "ada");
  const beyond = forge({ alg: "ES256", kid: "the-65th" }, claims(), withEc(otherEc.privateKey));
  assert.equal(await subjectOf(full.identity, beyond), null);

  const odd = withKeys({}, [
    null,
    "text",
    { kid: "empty" },
    { kty: "RSA", kid: "broken", n: "!!", e: "AQAB" },
    jwk(weakRsa.publicKey, { kid: "weak" }),
    jwk(rsa.publicKey, { kid: "for-encryption", use: "enc" }),
    jwk(rsa.publicKey, { kid: "for-rs512", alg: "RS512" }),
    jwk(ec.publicKey, { kid: "for-es384", alg: "ES384" }),
    jwk(rsa.publicKey, { kid: "k".repeat(129) }),
    { kty: "oct", kid: "symmetric", k: Buffer.from(JWT_SECRET).toString("base64url"), alg: "HS256" },
    ...KEYS,
  ]);
  for (const kid of ["weak", "for-encryption", "for-rs512", "broken", "empty"]) {
    const key = kid === "weak" ? weakRsa.privateKey : rsa.privateKey;
    assert.equal(await subjectOf(odd.identity, forge({ alg: "RS256", kid }, claims(), withRsa(key))), null, kid);
  }
  assert.equal(
    await subjectOf(odd.identity, forge({ alg: "ES256", kid: "for-es384" }, claims(), withEc(ec.privateKey))),
    null,
  );
  assert.equal(
    await subjectOf(odd.identity, forge({ alg: "HS256", kid: "symmetric" }, claims(), hmac(JWT_SECRET))),
    null,
  );
  assert.equal(await subjectOf(odd.identity, rs()), "ada");
});

test("an algorithm that is not configured is refused although its key is in the set", async () => {
  const { identity } = withKeys({ algorithms: ["ES256"] });
  assert.equal(await subjectOf(identity, rs()), null);
  assert.equal(await subjectOf(identity, es()), "ada");
});

test("the key set comes from the configured address alone: no redirect is followed, no huge or slow answer waited for", async () => {
  let isElsewhereAsked = false;
  const moved = withKeys();
  keyServer.answer = (url) => {
    if (url !== "/keys") isElsewhereAsked = true;
    return url === "/keys"
      ? { status: 302, body: "", headers: { location: "/elsewhere" } }
      : { body: JSON.stringify({ keys: KEYS }) };
  };
  assert.equal(await subjectOf(moved.identity, rs()), null);
  assert.equal(isElsewhereAsked, false);

  const huge = withKeys();
  keyServer.answer = () => ({ body: `{"keys":${JSON.stringify(KEYS)},"filler":"${"x".repeat(300_000)}"}` });
  assert.equal(await subjectOf(huge.identity, rs()), null);

  const slow = withKeys();
  keyServer.answer = () => ({ body: "", isStalled: true });
  const begin = performance.now();
  assert.equal(await subjectOf(slow.identity, rs()), null);
  const took = performance.now() - begin;
  assert.ok(took > 1_500 && took < 3_500, `2 s, not ${Math.round(took)} ms, though a byte comes now and then`);

  const down = withKeys({ jwksUrl: "http://127.0.0.1:1/keys" });
  assert.equal(await subjectOf(down.identity, rs()), null);
});

test("a private key in the set is used as what it is for: checking", async () => {
  const { identity } = withKeys({}, [jwk(rsa.privateKey, { kid: "rsa-1" })]);
  assert.equal(await subjectOf(identity, rs()), "ada");
  assert.ok(createPublicKey(rsaPem).asymmetricKeyType === "rsa");
});

test("refuses weak keys at start", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "switchyard-identity-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "switchyard.config.yaml");
  const start = (jwt: Json, env: Record<string, string> = {}): Config => {
    const text = JSON.stringify({
      arms: {
        control: { backend: "legacy", url: "http://127.0.0.1:8001" },
        candidate: { backend: "convex", url: "http://127.0.0.1:8002" },
      },
      identity: { jwt },
      units: { lesson: { routes: ["GET /a"] } },
    });
    writeFileSync(file, text);
    return loadConfig({ file, env }).config;
  };
  const secret = { algorithms: ["HS256"], secretEnv: "SECRET" };
  assert.throws(() => start(secret, { SECRET: "s".repeat(31) }), /32/);
  assert.throws(() => start(secret), /SECRET/);
  assert.equal(start(secret, { SECRET: "s".repeat(32) }).identity.jwt.secret, "s".repeat(32));
  const both = { algorithms: ["HS256", "RS256"], secretEnv: "SECRET", jwksUrl: KEY_SET_URL };
  assert.throws(() => start(both, { SECRET: "s".repeat(32) }), /algorithms/);
  assert.throws(() => start({ ...secret, algorithms: ["none"] }, { SECRET: "s".repeat(32) }), /algorithms/);
  assert.throws(() => start({ algorithms: ["RS256"], jwksUrl: "http://login.example.org/keys" }), /https/);
  assert.throws(() => start({ algorithms: ["RS256"] }), /key set/);
  assert.equal(start({ algorithms: ["RS256"], jwksUrl: KEY_SET_URL }).identity.jwt.jwksUrl, KEY_SET_URL);
});

test("a forged token reaches control only", async () => {
  const [control, candidate] = await Promise.all([startRawOrigin(), startRawOrigin()]);
  const proxy = await startProxy({ control: control.url, candidate: candidate.url, pins: { bob: "candidate" } });
  const nowS = Math.floor(Date.now() / 1_000);
  const bob = claims({ sub: "bob", iat: nowS, exp: nowS + 600 });
  const ask = (token: string) =>
    askOnce(proxy.port, request(["GET /calls/1 HTTP/1.1", "Host: a", `Authorization: Bearer ${token}`]));
  const forged = [
    forge({ alg: "none" }, bob, nothing),
    forge({ alg: "HS256" }, bob, hmac("another-secret-of-at-least-32-bytes!!")),
    forge({ alg: "HS512" }, bob, hmac(JWT_SECRET, "sha512")),
    hs({ ...bob, exp: nowS - 1 }),
    hs({ ...bob, type: "refresh" }),
    "not-a-token",
  ];
  for (const token of forged) assert.equal((await ask(token)).status, 200);
  assert.deepEqual([control.requests.length, candidate.bytes], [forged.length, 0]);
  assert.equal(await proxy.count("decisions", { reason: "no-subject" }), forged.length);
  await ask(hs(bob));
  assert.deepEqual([control.requests.length, candidate.requests.length], [forged.length, 1]);
  proxy.stop();
  await Promise.all([control.stop(), candidate.stop()]);
});
