import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, beforeEach, describe, test } from "node:test";
import { type AuthProvider, createCallerAuth, parseAuthConfig, readAdminKey } from "./jwksAuth.ts";
import type { CustomJwtProvider } from "./authProviders.ts";
import { TransportError } from "./words.ts";

const ADMIN_KEY = `embedded|${"a".repeat(64)}`;
const NOW_S = 1_800_000_000;
const ISSUER = "https://issuer.example";

const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const otherEc = generateKeyPairSync("ec", { namedCurve: "P-256" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const weakRsa = generateKeyPairSync("rsa", { modulusLength: 1_024 });

const jwkOf = (key: KeyObject, kid: string, more: object = {}) => ({ ...key.export({ format: "jwk" }), kid, ...more });
const dataSet = (...keys: object[]) => `data:application/json,${encodeURIComponent(JSON.stringify({ keys }))}`;
const base64url = (value: unknown) =>
  Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");

const CLAIMS = { iss: ISSUER, sub: "user-1", aud: "app", iat: NOW_S - 10, exp: NOW_S + 100 };
const HEADER = { alg: "ES256", typ: "JWT", kid: "k1" };

function makeToken(claims: object = {}, header: object = {}, key: KeyObject = ec.privateKey): string {
  const signed = `${base64url({ ...HEADER, ...header })}.${base64url({ ...CLAIMS, ...claims })}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

const ecProvider: CustomJwtProvider = {
  type: "customJwt",
  issuer: ISSUER,
  applicationID: "app",
  algorithm: "ES256",
  jwks: dataSet(jwkOf(ec.publicKey, "k1"), jwkOf(rsa.publicKey, "rsa-in-ec-set")),
};
const otherProvider: AuthProvider = {
  type: "customJwt",
  issuer: "https://other.example",
  applicationID: "app",
  algorithm: "ES256",
  jwks: dataSet(jwkOf(otherEc.publicKey, "k2")),
};

function createAuth(providers: readonly AuthProvider[] = [ecProvider, otherProvider]) {
  const clock = { ms: NOW_S * 1_000 };
  return { clock, auth: createCallerAuth({ providers, adminKey: ADMIN_KEY, clock: () => clock.ms }) };
}

async function refused(call: Promise<unknown>, code = "InvalidAuthHeader", pattern = /./): Promise<void> {
  await assert.rejects(call, (error: unknown) => {
    assert.ok(error instanceof TransportError, String(error));
    assert.equal(error.code, code, error.message);
    assert.match(error.message, pattern);
    return true;
  });
}

describe("a token of a customJwt provider", () => {
  test("names its user until it expires", async () => {
    const { auth } = createAuth();
    const caller = await auth.ofHeader(`Bearer ${makeToken({ role: "user" })}`);
    assert.deepEqual(caller, {
      identity: { subject: "user-1", issuer: ISSUER, tokenIdentifier: `${ISSUER}|user-1`, role: "user" },
      isAdmin: false,
      expiresAtMs: (NOW_S + 100) * 1_000,
    });
  });

  test("gives standard claims the names of UserIdentity, and nested claims dotted names", async () => {
    const { auth } = createAuth();
    const claims = { given_name: "Ada", email_verified: true, properties: { id: 7, deep: { is: ["x"] } } };
    const { identity } = await auth.ofToken(makeToken(claims));
    assert.equal(identity?.["givenName"], "Ada");
    assert.equal(identity?.["emailVerified"], true);
    assert.equal(identity?.["properties.id"], 7);
    assert.deepEqual(identity?.["properties.deep.is"], ["x"]);
  });

  test("cannot choose its own tokenIdentifier, subject or verified email by a claim of that name", async () => {
    const { auth } = createAuth();
    const claims = { tokenIdentifier: "x|admin", subject: "admin", issuer: "x", emailVerified: true, ["__proto__"]: 1 };
    const { identity } = await auth.ofToken(makeToken(claims));
    assert.deepEqual(identity, { subject: "user-1", issuer: ISSUER, tokenIdentifier: `${ISSUER}|user-1` });
  });

  test("is accepted with its audience among several", async () => {
    const { auth } = createAuth();
    assert.equal((await auth.ofToken(makeToken({ aud: ["x", "app"] }))).identity?.["subject"], "user-1");
  });

  test("is accepted without an audience only where the provider names no application", async () => {
    const { applicationID: _, ...open } = ecProvider;
    const { auth } = createAuth([open]);
    assert.ok((await auth.ofToken(makeToken({ aud: undefined }))).identity);
    await refused(createAuth().auth.ofToken(makeToken({ aud: undefined })), "NoAuthProvider");
  });

  test("counts within 5 s of clocks that differ, not beyond", async () => {
    const { auth, clock } = createAuth();
    clock.ms = (NOW_S + 104) * 1_000;
    assert.ok((await auth.ofToken(makeToken())).identity);
    clock.ms = (NOW_S + 105) * 1_000;
    await refused(auth.ofToken(makeToken()), undefined, /expired/);
  });
});

describe("an attack with", () => {
  const attack = (name: string, token: () => string, code?: string, pattern?: RegExp) => {
    test(name, async () => {
      await refused(createAuth().auth.ofToken(token()), code, pattern);
    });
  };
  const hmac = (header: object, secret: string | Buffer) => {
    const signed = `${base64url({ ...HEADER, ...header })}.${base64url(CLAIMS)}`;
    return `${signed}.${createHmac("sha256", secret).update(signed).digest("base64url")}`;
  };
  const withoutSignature = (header: object) => `${base64url({ ...HEADER, ...header })}.${base64url(CLAIMS)}.`;

  attack("alg none and no signature", () => withoutSignature({ alg: "none" }));
  attack("alg none and some signature", () => makeToken({}, { alg: "none" }), undefined, /alg/);
  attack("alg None in another case", () => makeToken({}, { alg: "nOnE" }), undefined, /alg/);
  attack("no signature under the right alg", () => withoutSignature({}));
  attack("HS256 and the public key as secret, in PEM", () =>
    hmac({ alg: "HS256" }, ec.publicKey.export({ type: "spki", format: "pem" })),
  );
  attack("HS256 and the public key as secret, in JWK", () =>
    hmac({ alg: "HS256" }, JSON.stringify(jwkOf(ec.publicKey, "k1"))),
  );
  attack(
    "an HMAC under the name of ES256",
    () => hmac({}, ec.publicKey.export({ type: "spki", format: "der" })),
    undefined,
    /signature/,
  );
  attack("an algorithm that is not the provider's, though its set has such a key", () =>
    makeToken({}, { alg: "RS256", kid: "rsa-in-ec-set" }, rsa.privateKey),
  );
  attack("a key that does not fit the algorithm", () => makeToken({}, { kid: "rsa-in-ec-set" }, rsa.privateKey));
  attack("another audience", () => makeToken({ aud: "another" }), "NoAuthProvider");
  attack("an audience that only begins alike", () => makeToken({ aud: "app2" }), "NoAuthProvider");
  attack("an audience that is an object", () => makeToken({ aud: { app: "app" } }), "NoAuthProvider");
  attack("an unknown issuer", () => makeToken({ iss: "https://evil.example" }), "NoAuthProvider");
  attack("an issuer that only begins alike", () => makeToken({ iss: `${ISSUER}.evil.example` }), "NoAuthProvider");
  attack("no exp", () => makeToken({ exp: undefined }), undefined, /exp/);
  attack("exp as text", () => makeToken({ exp: String(NOW_S + 100) }), undefined, /exp/);
  attack(
    "an exp that JSON reads as infinite",
    () => {
      const claims = JSON.stringify(CLAIMS).replace(String(CLAIMS.exp), "1e999");
      const signed = `${base64url(HEADER)}.${base64url(claims)}`;
      const key = { key: ec.privateKey, dsaEncoding: "ieee-p1363" } as const;
      return `${signed}.${sign("sha256", Buffer.from(signed), key).toString("base64url")}`;
    },
    undefined,
    /exp/,
  );
  attack("exp null", () => makeToken({ exp: null }), undefined, /exp/);
  attack("an exp that is over", () => makeToken({ exp: NOW_S - 6 }), undefined, /expired/);
  attack("an nbf that is still to come", () => makeToken({ nbf: NOW_S + 6 }), undefined, /not valid yet/);
  attack("an iat that is still to come", () => makeToken({ iat: NOW_S + 6 }), undefined, /not valid yet/);
  attack("no iat", () => makeToken({ iat: undefined }), undefined, /iat/);
  attack("no sub", () => makeToken({ sub: undefined }), undefined, /sub/);
  attack("an empty sub", () => makeToken({ sub: "" }), undefined, /sub/);
  attack("no kid", () => makeToken({}, { kid: undefined }), undefined, /kid/);
  attack("an unknown kid", () => makeToken({}, { kid: "k9" }), undefined, /signature/);
  attack(
    "the key and kid of another provider",
    () => makeToken({}, { kid: "k2" }, otherEc.privateKey),
    undefined,
    /signature/,
  );
  attack(
    "the key of another provider under this one's kid",
    () => makeToken({}, {}, otherEc.privateKey),
    undefined,
    /signature/,
  );
  attack("its own key in the header", () =>
    makeToken({}, { kid: "mine", jwk: jwkOf(otherEc.publicKey, "mine") }, otherEc.privateKey),
  );
  attack("its own key set by jku and x5u", () =>
    makeToken({}, { kid: "k2", jku: otherProvider.jwks, x5u: otherProvider.jwks }, otherEc.privateKey),
  );
  attack("an extension that must be understood", () => makeToken({}, { crit: ["exp"] }), undefined, /crit/);
  attack(
    "a payload changed after signing",
    () => {
      const [header, , signature] = makeToken().split(".");
      return `${header}.${base64url({ ...CLAIMS, sub: "admin" })}.${signature}`;
    },
    undefined,
    /signature/,
  );
  attack(
    "a header changed after signing",
    () => {
      const [, payload, signature] = makeToken().split(".");
      return `${base64url({ ...HEADER, x: 1 })}.${payload}.${signature}`;
    },
    undefined,
    /signature/,
  );
  attack("a signature of the wrong length", () => `${makeToken()}AAAA`, undefined, /signature/);
  attack(
    "a signature of zeros",
    () => {
      const [header, payload] = makeToken().split(".");
      return `${header}.${payload}.${Buffer.alloc(64).toString("base64url")}`;
    },
    undefined,
    /signature/,
  );
  attack("a huge token", () => makeToken({ fill: "x".repeat(1_000_000) }), undefined, /16384 characters/);
  attack("an array as payload", () => `${base64url(HEADER)}.${base64url([])}.AAAA`, undefined, /payload/);
  attack("a payload that is no JSON", () => `${base64url(HEADER)}.${base64url("{")}.AAAA`, undefined, /payload/);
  attack("two parts", () => "a.b", undefined, /three/);
  attack("four parts", () => `${makeToken()}.x`, undefined, /three/);
  attack("characters that base64url does not have", () => makeToken().replace(".", "=."), undefined, /three/);
  attack("nothing", () => "", undefined, /three/);
});

test("a verified token is not verified again, and ends at its exp", async () => {
  const { auth, clock } = createAuth();
  const token = makeToken();
  const first = await auth.ofToken(token);
  assert.equal(await auth.ofToken(token), first, "the remembered caller is given again");
  clock.ms = (NOW_S + 99) * 1_000;
  assert.equal(await auth.ofToken(token), first);
  clock.ms = (NOW_S + 106) * 1_000;
  await refused(auth.ofToken(token), undefined, /expired/);
});

test("of verified tokens the 1,000 used last are remembered", async () => {
  const { auth } = createAuth();
  const oldest = makeToken({ n: "oldest" });
  const used = makeToken({ n: "used" });
  const callers = { oldest: await auth.ofToken(oldest), used: await auth.ofToken(used) };
  for (let n = 0; n < 998; n += 1) await auth.ofToken(makeToken({ n }));
  assert.equal(await auth.ofToken(used), callers.used);
  await auth.ofToken(makeToken({ n: "one more" }));
  assert.equal(await auth.ofToken(used), callers.used, "used a moment ago");
  assert.notEqual(await auth.ofToken(oldest), callers.oldest, "given up, so verified anew");
});

describe("an OIDC provider", () => {
  let server: Server;
  let domain: string;
  let requests: string[];
  let keys: (object | null)[];
  let discovery: Record<string, unknown>;
  let answer: ((path: string) => { status: number; body: string; location?: string } | null) | null;

  before(async () => {
    server = createServer((request, response) => {
      requests.push(request.url ?? "");
      const special = answer?.(request.url ?? "") ?? null;
      if (special !== null) {
        response
          .writeHead(special.status, special.location === undefined ? {} : { location: special.location })
          .end(special.body);
      } else {
        response.end(JSON.stringify(request.url === "/jwks" ? { keys } : discovery));
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    domain = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`;
  });
  after(() => {
    server.close();
    server.closeAllConnections();
  });
  beforeEach(() => {
    requests = [];
    answer = null;
    keys = [jwkOf(rsa.publicKey, "r1", { use: "sig", alg: "RS256" }), jwkOf(ec.publicKey, "k1")];
    discovery = { issuer: domain, jwks_uri: `${domain}/jwks` };
  });
  const oidcToken = (claims: object = {}, kid = "r1", key = rsa.privateKey) =>
    makeToken({ iss: domain, ...claims }, { alg: "RS256", kid }, key);

  test("is asked once for many tokens at once, and again after 5 minutes", async () => {
    const { auth, clock } = createAuth([{ domain, applicationID: "app" }]);
    await Promise.all([1, 2, 3, 4].map((n) => auth.ofToken(oidcToken({ n, exp: NOW_S + 1_000 }))));
    assert.deepEqual(requests, ["/.well-known/openid-configuration", "/jwks"]);
    clock.ms += 299_999;
    await auth.ofToken(oidcToken({ n: 5, exp: NOW_S + 1_000 }));
    assert.equal(requests.length, 2);
    clock.ms += 1;
    await auth.ofToken(oidcToken({ n: 6, exp: NOW_S + 1_000 }));
    assert.equal(requests.length, 4);
  });

  test("is the same with or without a slash behind its name, and keeps the name the token used", async () => {
    discovery["issuer"] = `${domain}/`;
    const { auth } = createAuth([{ domain, applicationID: "app" }]);
    const { identity } = await auth.ofToken(oidcToken({ iss: `${domain}/` }));
    assert.equal(identity?.tokenIdentifier, `${domain}/|user-1`);
  });

  test("brings a new key within its rotation, but an unknown kid causes one fetch in 30 s", async () => {
    const { auth, clock } = createAuth([{ domain, applicationID: "app" }]);
    await auth.ofToken(oidcToken());
    keys.push(jwkOf(otherEc.publicKey, "new"));
    const rotated = () => makeToken({ iss: domain }, { kid: "new" }, otherEc.privateKey);
    await refused(auth.ofToken(rotated()), undefined, /signature/);
    assert.equal(requests.length, 2);
    clock.ms += 30_000;
    assert.ok((await auth.ofToken(rotated())).identity);
    assert.equal(requests.length, 4);
    for (let n = 0; n < 5; n += 1) await refused(auth.ofToken(makeToken({ iss: domain }, { kid: `guess ${n}` })));
    assert.equal(requests.length, 4);
  });

  test("does not lend a key to the other algorithm", async () => {
    const { auth } = createAuth([{ domain, applicationID: "app" }]);
    await refused(auth.ofToken(makeToken({ iss: domain }, { alg: "RS256", kid: "k1" })));
    await refused(auth.ofToken(makeToken({ iss: domain }, { alg: "ES256", kid: "r1" }, rsa.privateKey)));
  });

  test("is bound to the algorithms it offers", async () => {
    discovery["id_token_signing_alg_values_supported"] = ["RS256"];
    const { auth } = createAuth([{ domain, applicationID: "app" }]);
    assert.ok((await auth.ofToken(oidcToken())).identity);
    await refused(auth.ofToken(makeToken({ iss: domain }, { kid: "k1" })));
  });

  test("has its weak, encrypting and secret keys left out", async () => {
    keys = [
      jwkOf(weakRsa.publicKey, "weak"),
      jwkOf(rsa.publicKey, "enc", { use: "enc" }),
      jwkOf(rsa.publicKey, "ps", { alg: "PS256" }),
      { kty: "oct", kid: "oct", k: "c2VjcmV0" },
      { kty: "EC", crv: "P-256", kid: "broken", x: "AA", y: "AA" },
      null,
    ];
    const { auth } = createAuth([{ domain, applicationID: "app" }]);
    await refused(auth.ofToken(oidcToken({}, "weak", weakRsa.privateKey)), undefined, /signature/);
    for (const kid of ["enc", "ps", "oct"]) await refused(auth.ofToken(oidcToken({}, kid)), undefined, /signature/);
  });

  test("that is down is a 503, not asked again for 5 s, and recovers", async () => {
    answer = () => ({ status: 500, body: "" });
    const { auth, clock } = createAuth([{ domain, applicationID: "app" }]);
    await refused(auth.ofToken(oidcToken()), "AuthProviderUnavailable", /status 200 expected, got 500/);
    answer = null;
    await refused(auth.ofToken(oidcToken()), "AuthProviderUnavailable");
    assert.equal(requests.length, 1);
    clock.ms += 5_000;
    assert.ok((await auth.ofToken(oidcToken())).identity);
  });

  const unusable = (name: string, spoil: () => void, pattern: RegExp) => {
    test(`is refused when ${name}`, async () => {
      spoil();
      const { auth } = createAuth([{ domain, applicationID: "app" }]);
      await refused(auth.ofToken(oidcToken()), "AuthProviderUnavailable", pattern);
    });
  };
  unusable(
    "its discovery names another issuer",
    () => (discovery["issuer"] = "https://evil.example"),
    /expected issuer/,
  );
  unusable(
    "its keys come over plain http from elsewhere",
    () => (discovery["jwks_uri"] = "http://keys.example/"),
    /https/,
  );
  unusable("its keys are in a file", () => (discovery["jwks_uri"] = "file:///etc/passwd"), /https/);
  unusable(
    "it redirects, even to a good answer",
    () => {
      answer = (url) => (url.endsWith("openid-configuration") ? { status: 302, body: "", location: "/good" } : null);
    },
    /fetch failed/,
  );
  unusable(
    "its documents are huge",
    () => (answer = () => ({ status: 200, body: `"${"x".repeat(300_000)}"` })),
    /at most 262144 bytes/,
  );
  unusable(
    "its keys are no set",
    () => (answer = (url) => (url === "/jwks" ? { status: 200, body: "[]" } : null)),
    /keys/,
  );
});

test("a customJwt provider with RS256 reads its key set from its URL, also in base64", async () => {
  const jwks = `data:text/plain;charset=utf-8;base64,${Buffer.from(JSON.stringify({ keys: [jwkOf(rsa.publicKey, "r1")] })).toString("base64")}`;
  const { auth } = createAuth([{ type: "customJwt", issuer: "plain-name", algorithm: "RS256", jwks }]);
  const token = makeToken({ iss: "plain-name" }, { alg: "RS256", kid: "r1" }, rsa.privateKey);
  assert.equal((await auth.ofToken(token)).identity?.["issuer"], "plain-name");
});

describe("auth.config is refused at start", () => {
  const cases: readonly [string, unknown, RegExp][] = [
    ["without providers", {}, /providers/],
    ["with an unset domain", { providers: [{ applicationID: "a" }] }, /providers\[0\]\.domain.*variable/],
    [
      "with an unset applicationID of an OIDC provider",
      { providers: [{ domain: "https://a.example" }] },
      /applicationID/,
    ],
    ["with an unset key set", { providers: [{ ...ecProvider, jwks: undefined }] }, /jwks/],
    ["with a key set over plain http", { providers: [{ ...ecProvider, jwks: "http://a.example/jwks" }] }, /https/],
    ["with another algorithm", { providers: [{ ...ecProvider, algorithm: "HS256" }] }, /RS256 or ES256/],
    ["with an unknown type", { providers: [{ ...ecProvider, type: "saml" }] }, /customJwt/],
  ];
  for (const [name, config, pattern] of cases) {
    test(name, () => {
      assert.throws(() => parseAuthConfig(config), pattern);
    });
  }
  test("with a data key set that is no JSON", () => {
    assert.throws(() => createAuth([{ ...ecProvider, jwks: "data:,%7B" }]), /expected JSON/);
  });
  test("but may be missing", () => {
    assert.deepEqual(parseAuthConfig(undefined), []);
  });
});

describe("the admin key", () => {
  const identity = { subject: "s", issuer: "i", name: "Näme", tokenIdentifier: "forged" };
  const encoded = Buffer.from(JSON.stringify(identity)).toString("base64");

  test("makes its holder an admin, as nobody or as a user", async () => {
    const { auth } = createAuth();
    assert.deepEqual(await auth.ofHeader(`Convex ${ADMIN_KEY}`), { identity: null, isAdmin: true, expiresAtMs: null });
    const caller = await auth.ofHeader(`Convex ${ADMIN_KEY}:${encoded}`);
    assert.equal(caller.isAdmin, true);
    assert.deepEqual(caller.identity, { subject: "s", issuer: "i", name: "Näme", tokenIdentifier: "i|s" });
    assert.equal(auth.ofAdminKey(ADMIN_KEY, identity).identity?.tokenIdentifier, "i|s");
  });

  test("is refused when it is another, a part of it, or empty", async () => {
    const { auth } = createAuth();
    for (const key of [`${ADMIN_KEY}x`, ADMIN_KEY.slice(0, -1), "x", `x:${encoded}`, `:${encoded}`]) {
      await refused(auth.ofHeader(`Convex ${key}`), "BadAdminKey");
    }
    assert.throws(() => auth.ofAdminKey(""), /admin key/);
    await refused(auth.ofHeader(`Bearer ${ADMIN_KEY}`));
  });

  test("is refused with an identity that is none", async () => {
    const { auth } = createAuth();
    for (const text of ["", "%%%", "null", '{"subject":"s"}', '{"subject":1,"issuer":"i"}']) {
      await refused(auth.ofHeader(`Convex ${ADMIN_KEY}:${Buffer.from(text).toString("base64")}`));
    }
  });

  test("may not be empty or guessable by its form", () => {
    for (const adminKey of ["", "short", "with space in the middle", "with:colon:in:the:middle"]) {
      assert.throws(() => createCallerAuth({ providers: [], adminKey, clock: () => 0 }), /admin key/);
    }
  });
});

test("a call without a header is nobody's; other schemes are refused", async () => {
  const { auth } = createAuth();
  assert.deepEqual(await auth.ofHeader(undefined), { identity: null, isAdmin: false, expiresAtMs: null });
  for (const header of ["", "Bearer", "Bearer ", "Basic dTpw", makeToken(), `Bearer ${makeToken()} x`]) {
    await refused(auth.ofHeader(header));
  }
});

describe("the admin key's file", () => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), "switchyard-admin-key-"));
  });
  const remove = () => rmSync(dir, { recursive: true });

  test("is made once, random, for its owner alone", () => {
    const key = readAdminKey(path.join(dir, "new", "data"));
    assert.match(key, /^embedded\|[0-9a-f]{64}$/);
    assert.equal(statSync(path.join(dir, "new", "data", "admin-key")).mode & 0o777, 0o600);
    assert.equal(readAdminKey(path.join(dir, "new", "data")), key);
    assert.notEqual(readAdminKey(path.join(dir, "other")), key);
    remove();
  });

  test("loses rights that others got", () => {
    readAdminKey(dir);
    chmodSync(path.join(dir, "admin-key"), 0o644);
    readAdminKey(dir);
    assert.equal(statSync(path.join(dir, "admin-key")).mode & 0o777, 0o600);
    remove();
  });

  test("is refused when it holds something else, and kept", () => {
    writeFileSync(path.join(dir, "admin-key"), "");
    assert.throws(() => readAdminKey(dir), /64 hex digits/);
    assert.equal(readFileSync(path.join(dir, "admin-key"), "utf8"), "");
    remove();
  });
});

test("the keys of these tests are what they claim to be", () => {
  assert.equal(createPublicKey(ec.privateKey).asymmetricKeyDetails?.namedCurve, "prime256v1");
});
