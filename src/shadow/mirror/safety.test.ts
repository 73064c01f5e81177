import assert from "node:assert/strict";
import { test } from "node:test";
import jwt from "jsonwebtoken";
import type { Observation } from "../observation.ts";
import { headerIn, pairsIn } from "../headerList.ts";
import type { Copy } from "./copyClient.ts";
import { probeGuard } from "./guardProbe.ts";
import { SHADOW_AUDIENCE, ShadowTokens } from "./shadowToken.ts";

const KEY = "k".repeat(32);
const userToken = (claims: object): string => `Bearer ${jwt.sign(claims, "of the users", { noTimestamp: true })}`;

test("shadow W4: who the caller is stays, whom the token is for and how long does not", () => {
  const nowMs = 1_800_000_000_000;
  const tokens = new ShadowTokens(KEY, () => nowMs);
  const claims = {
    sub: "u1",
    email: "a@example.org",
    role: "student",
    aud: "app",
    iss: "x",
    exp: 1,
    iat: 0,
    nbf: 5,
    jti: "j",
  };
  const made = jwt.verify(tokens.for(userToken(claims)) ?? "", KEY, {
    algorithms: ["HS256"],
    clockTimestamp: nowMs / 1_000,
  });
  const iat = nowMs / 1_000;
  const own = { aud: SHADOW_AUDIENCE, iat, exp: iat + 60 };
  const { jti, ...rest } = made as jwt.JwtPayload;
  assert.deepEqual(rest, { sub: "u1", email: "a@example.org", role: "student", ...own });
  assert.ok(jti !== undefined && jti !== "j", "a name of its own");
});

test("a token is made once for half a minute, and for nobody else", () => {
  let nowMs = 1_800_000_000_000;
  const tokens = new ShadowTokens(KEY, () => nowMs);
  const [mine, yours] = [userToken({ sub: "u1", exp: 1 }), userToken({ sub: "u2", exp: 1 })];
  const first = tokens.for(mine);
  nowMs += 29_999;
  assert.equal(tokens.for(mine), first);
  assert.notEqual(tokens.for(yours), first);
  nowMs += 2;
  assert.notEqual(tokens.for(mine), first);
  for (const none of ["", "Bearer", "Bearer a.b.c", "Bearer a.bnVsbA.c"]) assert.equal(tokens.for(none), null, none);
});

/** A backend by what it says to each copy; the real ones are asked in e2e. */
const backend = (statusOf: (copy: Copy) => number | null) => ({
  send: (copy: Copy): Promise<Observation> => {
    const status = statusOf(copy);
    const result =
      status === null ? ({ error: "refused" } as const) : { reply: { status, headers: [], body: new Uint8Array() } };
    return Promise.resolve({ arm: "candidate", role: "shadow", result, isCut: false, firstByteMs: 1, totalMs: 1 });
  },
});

const isMarked = ({ headers }: Copy): boolean => headerIn(headers, "x-shadow") !== null;

test("shadow W2: a serving instance refuses what is marked, a target what is not; anything else is unsafe", async () => {
  const serving = backend((copy) => (isMarked(copy) && copy.method !== "GET" ? 421 : 404));
  const target = backend((copy) => (isMarked(copy) ? 404 : 421));
  assert.equal(await probeGuard(serving, "serving"), "safe");
  assert.equal(await probeGuard(target, "target"), "safe");
  assert.equal(await probeGuard(serving, "target"), "unsafe");
  assert.equal(await probeGuard(target, "serving"), "unsafe");
  assert.equal(
    await probeGuard(
      backend(() => 200),
      "target",
    ),
    "unsafe",
  );
  assert.equal(
    await probeGuard(
      backend(() => null),
      "target",
    ),
    "unreachable",
  );
});

test("shadow W2: the probe has no credential and asks for what no route has", async () => {
  const asked: Copy[] = [];
  const seen = backend((copy) => (asked.push(copy), 421));
  await probeGuard(seen, "serving");
  await probeGuard(seen, "serving");
  assert.ok(asked.every(({ headers }) => [...pairsIn(headers)].every(([name]) => name === "x-shadow")));
  assert.equal(new Set(asked.map(({ target }) => target)).size, 2);
});
