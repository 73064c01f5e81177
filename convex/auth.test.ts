import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { ConvexError } from "convex/values";
import { api } from "./_generated/api.js";
import { requireService, requireUser } from "./model/auth.ts";
import { createTest } from "./test.setup.ts";

const VARIABLES = {
  SWITCHYARD_ISSUER: "https://switchyard.invalid",
  SWITCHYARD_AUDIENCE: "switchyard",
  SWITCHYARD_JWKS: "data:text/plain;charset=utf-8;base64,e30=",
};

afterEach(() => {
  for (const name of Object.keys(VARIABLES)) delete process.env[name];
});

/** What a deployment makes of the service's token: custom claims stand beside `subject` under their own names. */
const ofToken = (claims: { sub: string; role?: unknown }) => {
  const { sub, ...rest } = claims;
  const issuer = VARIABLES.SWITCHYARD_ISSUER;
  const identity = { tokenIdentifier: `${issuer}|${sub}`, issuer, subject: sub, ...rest };
  return { auth: { getUserIdentity: () => Promise.resolve(identity) } } as unknown as Parameters<typeof requireUser>[0];
};
const nobody = { auth: { getUserIdentity: () => Promise.resolve(null) } } as Parameters<typeof requireUser>[0];

const isForbidden = (error: unknown): boolean =>
  error instanceof ConvexError && (error.data as { code: string }).code === "FORBIDDEN";

test("the role of a token decides, and the subject of a user's is the user", async () => {
  assert.equal(await requireUser(ofToken({ sub: "ann", role: "user" })), "ann");
  await requireService(ofToken({ sub: "service", role: "service" }));
  const users = [
    { sub: "service", role: "service" },
    { sub: "ann" },
    { sub: "ann", role: "User" },
    { sub: "", role: "user" },
  ];
  for (const claims of users) await assert.rejects(requireUser(ofToken(claims)), isForbidden);
  const services = [{ sub: "service" }, { sub: "service", role: "user" }, { sub: "service", role: ["service"] }];
  for (const claims of services) await assert.rejects(requireService(ofToken(claims)), isForbidden);
  for (const refused of [requireUser(nobody), requireService(nobody)]) await assert.rejects(refused, isForbidden);
});

test("identities of convex-test pass the same way, and no one passes as the other", async () => {
  const { t, user, service } = createTest();
  assert.deepEqual(await user("ann").query(api.folders.list, {}), []);
  assert.equal(await service.query(api.sessions.ownerOf, { id: "" }), null);
  await assert.rejects(service.query(api.folders.list, {}), isForbidden);
  await assert.rejects(user("ann").query(api.sessions.ownerOf, { id: "" }), isForbidden);
  await assert.rejects(t.query(api.folders.list, {}), isForbidden);
});

test("one provider: the service, with its audience, its algorithm and its keys", async () => {
  Object.assign(process.env, VARIABLES);
  const { default: config } = await import("./auth.config.ts");
  const provider = {
    type: "customJwt",
    issuer: VARIABLES.SWITCHYARD_ISSUER,
    applicationID: VARIABLES.SWITCHYARD_AUDIENCE,
    algorithm: "ES256",
    jwks: VARIABLES.SWITCHYARD_JWKS,
  };
  assert.deepEqual(config, { providers: [provider] });
});

test("a deployment without one of the variables is refused, by its name", async () => {
  for (const missing of Object.keys(VARIABLES)) {
    Object.assign(process.env, VARIABLES);
    delete process.env[missing];
    const { href } = new URL(`./auth.config.ts?without=${missing}`, import.meta.url);
    await assert.rejects(import(href), new RegExp(`variable ${missing} is not set`));
  }
});
