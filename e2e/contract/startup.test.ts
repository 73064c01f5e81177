import assert from "node:assert/strict";
import { generateKeyPairSync, sign, type KeyObject } from "node:crypto";
import { createServer } from "node:http";
import {
  accessClaims,
  candidateSpec,
  controlSpec,
  launch,
  type Claims,
  type Json,
  type Launched,
} from "../support/index.ts";
import { item, startOwn, type Context } from "./harness/index.ts";

function launchArm(c: Context, env: Record<string, string>): Launched {
  const arm = launch(c.target.arm === "control" ? controlSpec({ env }) : candidateSpec({ env }));
  c.onEnd(() => arm.signal("SIGKILL"));
  return arm;
}

/** Starts an arm with a wrong environment: it must end by itself, say why and never listen. */
async function refuses(c: Context, env: Record<string, string>, code: number): Promise<void> {
  const arm = launchArm(c, env);
  const exit = await arm.exited(20_000);
  const what = JSON.stringify(env);
  assert.equal(exit.code, code, `${what}: ${arm.stderr.slice(-3).join(" | ")}`);
  assert.ok(arm.stderr.join("").trim().length > 0, `${what}: a sentence on stderr`);
  assert.ok(!arm.stderr.some((line) => /Traceback|^\s+at /.test(line)), `${what}: no stack trace`);
  assert.ok(!arm.logLines().some((line) => line.msg === "listening"), `${what}: nothing half-started`);
}

item(
  "G7",
  "without a secret of 32 bytes the process refuses to start: exit 3",
  async (c) => {
    await refuses(c, { JWT_SECRET_KEY: "" }, 3);
    await refuses(c, { JWT_SECRET_KEY: "x".repeat(31) }, 3);
  },
  { on: "own" },
);

item(
  "faults §1",
  "an unknown fault or a bad rate stops the process at start: exit 2",
  async (c) => {
    for (const FAULTS of ["no-such-fault", "slow-reply:2", "slow-reply:often"]) await refuses(c, { FAULTS }, 2);
  },
  { on: "own" },
);

item(
  "README §5",
  "a port in use ends the process with exit 4",
  async (c) => {
    await refuses(c, { PORT: new URL(c.target.baseUrl).port }, 4);
  },
  { on: "own" },
);

function es256(key: KeyObject, claims: Claims, header: Claims): string {
  const input = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  return `${input}.${sign("sha256", Buffer.from(input), { key, dsaEncoding: "ieee-p1363" }).toString("base64url")}`;
}

async function keySet(c: Context, keys: Json[]): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "Content-Type": "application/json" }).end(JSON.stringify({ keys }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  c.onEnd(() => void server.close());
  const address = server.address();
  return `http://127.0.0.1:${address && typeof address === "object" ? address.port : 0}/keys`;
}

item(
  "G7",
  "with a key set tokens come from outside: ES256 and RS256 by kid, HS256 never, issuing routes are 404",
  async (c) => {
    const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const jwk = (key: KeyObject, kid: string, alg: string): Json => ({
      ...key.export({ format: "jwk" }),
      kid,
      alg,
      use: "sig",
    });
    const url = await keySet(c, [jwk(ec.publicKey, "e1", "ES256"), jwk(rsa.publicKey, "r1", "RS256")]);
    const { at } = await startOwn(c, {
      env: { JWT_JWKS_URL: url, JWT_ISSUER: "https://issuer.test", JWT_AUDIENCE: "tutor" },
    });
    const { sub, email } = at.user();
    const claims = accessClaims(sub, email, { iss: "https://issuer.test", aud: "tutor" });
    const status = async (token: string): Promise<number> =>
      (await at.get("/api/v1/sessions", { sub, email, token })).status;
    const header = { alg: "ES256", typ: "JWT", kid: "e1" };
    assert.equal(await status(es256(ec.privateKey, claims, header)), 200);
    const input = [{ alg: "RS256", typ: "JWT", kid: "r1" }, claims]
      .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
      .join(".");
    assert.equal(
      await status(`${input}.${sign("sha256", Buffer.from(input), rsa.privateKey).toString("base64url")}`),
      200,
    );
    assert.equal(await status(es256(ec.privateKey, { ...claims, iss: "https://other.test" }, header)), 401);
    assert.equal(await status(es256(ec.privateKey, { ...claims, aud: "other" }, header)), 401);
    assert.equal(await status(es256(ec.privateKey, claims, { ...header, kid: "unknown" })), 401);
    assert.equal(
      await status(es256(generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey, claims, header)),
      401,
    );
    assert.equal(await status(at.issuer.token(sub, email, { iss: "https://issuer.test", aud: "tutor" })), 401);
    for (const path of ["register", "login", "refresh"]) {
      assert.equal((await at.api("POST", `/api/auth/${path}`, { body: {} })).status, 404, path);
    }
  },
  { on: "own" },
);
