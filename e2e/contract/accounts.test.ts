import assert from "node:assert/strict";
import { readClaims, type Json, type Reply } from "../support/index.ts";
import { item, match, naive, nonEmptyText, oneOf, uuid, type Context } from "./harness/index.ts";

const PASSWORD = "Secret-pass-1";
let counter = 0;

function newEmail(c: Context): string {
  return `p${process.pid}-${c.target.name}-${Date.now()}-${counter++}@example.test`;
}

function api(c: Context, path: string, body: Json): Promise<Reply> {
  return c.api("POST", `/api/auth/${path}`, { body });
}

async function register(c: Context, email = newEmail(c)): Promise<Json> {
  const reply = await api(c, "register", { email, password: PASSWORD, name: "Ada" });
  assert.equal(reply.status, 201, reply.text);
  return reply.json();
}

const tokens = (email: string): Json => ({
  access_token: nonEmptyText,
  refresh_token: nonEmptyText,
  token_type: "Bearer",
  expires_in: 1800,
  user: { id: uuid, email, name: "Ada" },
});

const as = (token: string) => ({ sub: "", email: "", token });

item("realtime §9", "register answers 201 with a pair of tokens that open every surface", async (c) => {
  const email = newEmail(c);
  const body = await register(c, email.toUpperCase());
  match(body, tokens(email));
  const claims = readClaims(body.access_token);
  match(
    [claims["sub"], claims["email"], claims["type"], (claims["exp"] as number) - (claims["iat"] as number)],
    [body.user.id, email, "access", 1800],
  );
  assert.equal(Buffer.from(String(claims["jti"]), "base64url").length, 16);
  const refresh = readClaims(body.refresh_token);
  assert.deepEqual([refresh["type"], (refresh["exp"] as number) - (refresh["iat"] as number)], ["refresh", 7 * 86_400]);
  const user = as(body.access_token);
  assert.equal((await c.get("/api/v1/sessions", user)).status, 200);
});

item("realtime §9", "register refuses a taken email, a weak password and a bad email with 400", async (c) => {
  const email = newEmail(c);
  await register(c, email);
  const taken = await api(c, "register", { email: email.toUpperCase(), password: PASSWORD, name: "B" });
  match([taken.status, taken.json()], [400, { detail: "Email already registered" }]);
  for (const password of ["alllower-1", "ALLUPPER-1", "NoDigits-x", "NoOther1x"]) {
    const weak = await api(c, "register", { email: newEmail(c), password, name: "B" });
    assert.equal(weak.status, 400, password);
    assert.match(weak.json().detail, /^Weak password: /);
  }
  for (const bad of ["plain", "a@b", "a@@b.test"]) {
    const reply = await api(c, "register", { email: bad, password: PASSWORD, name: "B" });
    assert.equal(reply.status, 400, bad);
    assert.match(reply.json().detail, /^Invalid email: /);
  }
});

item("realtime §9", "register checks its fields: 422 in the form of E3", async (c) => {
  const good: Json = { email: newEmail(c), password: PASSWORD, name: "Ada" };
  const rows: [Json, string, string][] = [
    [{ ...good, password: "Sh0rt-x" }, "string_too_short", "password"],
    [{ ...good, password: `A1-${"x".repeat(126)}` }, "string_too_long", "password"],
    [{ ...good, name: "" }, "string_too_short", "name"],
    [{ ...good, name: "x".repeat(101) }, "string_too_long", "name"],
    [{ ...good, email: 5 }, "string_type", "email"],
    [{ password: PASSWORD, name: "Ada" }, "missing", "email"],
  ];
  for (const [body, type, field] of rows) {
    const reply = await api(c, "register", body);
    assert.equal(reply.status, 422, JSON.stringify(body).slice(0, 80));
    match([reply.json().detail[0].type, reply.json().detail[0].loc], [type, ["body", field]]);
  }
});

item("realtime §9", "login takes the email in any case and refuses with one sentence", async (c) => {
  const email = newEmail(c);
  const { user } = await register(c, email);
  const reply = await api(c, "login", { email: email.toUpperCase(), password: PASSWORD });
  assert.equal(reply.status, 200);
  match(reply.json(), { ...tokens(email), user: { id: user.id, email, name: "Ada" } });
  for (const body of [
    { email, password: "Wrong-pass-1" },
    { email: newEmail(c), password: PASSWORD },
  ]) {
    const refused = await api(c, "login", body);
    match([refused.status, refused.json()], [401, { detail: "Invalid email or password" }]);
  }
  assert.equal((await api(c, "login", { email })).status, 422);
});

item("realtime §9", "five wrong passwords lock the account; the fifth still answers 401", async (c) => {
  const email = newEmail(c);
  await register(c, email);
  for (let i = 0; i < 5; i++) assert.equal((await api(c, "login", { email, password: "Wrong-pass-1" })).status, 401);
  const locked = await api(c, "login", { email, password: PASSWORD });
  match([locked.status, locked.json()], [423, { detail: "Account temporarily locked. Please try again later." }]);
});

item("realtime §9", "refresh rotates both tokens, a refresh token works once", async (c) => {
  const email = newEmail(c);
  const first = await register(c, email);
  const reply = await api(c, "refresh", { refresh_token: first.refresh_token });
  assert.equal(reply.status, 200);
  match(reply.json(), tokens(email));
  assert.notEqual(reply.json().refresh_token, first.refresh_token);
  assert.notEqual(reply.json().access_token, first.access_token);
  const again = await api(c, "refresh", { refresh_token: first.refresh_token });
  match([again.status, again.json()], [401, { detail: "Token has been revoked" }]);
  const wrongType = await api(c, "refresh", { refresh_token: first.access_token });
  match([wrongType.status, wrongType.json()], [401, { detail: "Invalid token type. Expected refresh" }]);
  const garbage = await api(c, "refresh", { refresh_token: "garbage" });
  match(
    [garbage.status, garbage.json()],
    [401, { detail: oneOf("Could not validate credentials", "Invalid refresh token") }],
  );
  assert.equal((await api(c, "refresh", {})).status, 422);
});

item("realtime §9", "logout revokes the access token alone and accepts any non-empty bearer", async (c) => {
  const body = await register(c);
  const user = as(body.access_token);
  const reply = await c.api("POST", "/api/auth/logout", { user });
  match([reply.status, reply.json()], [200, { message: "Logged out successfully" }]);
  const me = await c.get("/api/auth/me", user);
  match([me.status, me.json()], [401, { detail: "Invalid authentication credentials" }]);
  assert.equal((await api(c, "refresh", { refresh_token: body.refresh_token })).status, 200);
  assert.equal((await c.api("POST", "/api/auth/logout", { headers: { Authorization: "Bearer garbage" } })).status, 200);
  const missing = await c.api("POST", "/api/auth/logout");
  match([missing.status, missing.json()], [401, { detail: "Not authenticated" }]);
});

item("realtime §9", "me shows the profile with naive times", async (c) => {
  const email = newEmail(c);
  const body = await register(c, email);
  const reply = await c.get("/api/auth/me", as(body.access_token));
  assert.equal(reply.status, 200);
  match(reply.json(), {
    id: body.user.id,
    email,
    name: "Ada",
    subscription_tier: "free",
    total_sessions: 0,
    created_at: naive,
    last_active: naive,
  });
  const missing = await c.get("/api/auth/me");
  match([missing.status, missing.json()], [401, { detail: "Not authenticated" }]);
  const bad = await c.get("/api/auth/me", as("a.b.c"));
  match([bad.status, bad.json()], [401, { detail: "Invalid authentication credentials" }]);
});

item("realtime §9", "the profile can be changed field by field", async (c) => {
  const body = await register(c);
  const user = as(body.access_token);
  const patch = (change: Json) => c.api("PATCH", "/api/auth/profile", { user, body: change });
  const changed = await patch({ name: "Grace", learning_preferences: { pace: "slow" }, emotional_profile: {} });
  assert.equal(changed.status, 200);
  match([changed.json().name, Object.keys(changed.json()).length], ["Grace", 7]);
  assert.equal((await patch({})).json().name, "Grace");
  for (const bad of [{ name: 5 }, { learning_preferences: "x" }, { emotional_profile: [1] }]) {
    assert.equal((await patch(bad)).status, 422, JSON.stringify(bad));
  }
  assert.equal((await c.get("/api/auth/me", user)).json().name, "Grace");
  const missing = await c.api("PATCH", "/api/auth/profile", { body: {} });
  match([missing.status, missing.json()], [401, { detail: "Not authenticated" }]);
});

item("realtime §9", "a lock touches one account only", async (c) => {
  const [one, two] = [newEmail(c), newEmail(c)];
  await register(c, one);
  await register(c, two);
  for (let i = 0; i < 5; i++) await api(c, "login", { email: one, password: "Wrong-pass-1" });
  assert.equal((await api(c, "login", { email: two, password: PASSWORD })).status, 200);
});

item("realtime §9", "GET /api/health answers 200 with a naive time, without a token", async (c) => {
  const reply = await c.get("/api/health");
  assert.equal(reply.status, 200);
  match(reply.json(), { status: "ok", timestamp: naive, version: "1.0.0" });
});
