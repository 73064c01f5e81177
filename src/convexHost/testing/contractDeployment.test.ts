import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openDeployment, startHost } from "./contractDeployment.ts";
import { newSigningKey } from "./contractTokens.ts";

async function environmentOf(t: TestContext, isProbed: boolean): Promise<Record<string, string>> {
  const host = await startHost({ isProbed });
  t.after(() => host.close());
  return {
    CONVEX_URL: `${host.url}/`,
    SWITCHYARD_ISSUER: host.signer.issuer,
    SWITCHYARD_AUDIENCE: host.signer.audience,
    SWITCHYARD_SIGNING_KEY: host.key.export({ type: "pkcs8", format: "pem" }).toString().replaceAll("\n", "\\n"),
  };
}

test("a deployment that answers probes is used where it is, and left running", async (t) => {
  const env = await environmentOf(t, true);
  const deployment = await openDeployment(env);
  assert.equal(`${deployment.url}/`, env["CONVEX_URL"]);
  await deployment.close();
  await (await openDeployment(env)).close();
});

test("a deployment that cannot be asked fails the suite with one sentence that says why", async (t) => {
  const env = await environmentOf(t, false);
  const opened = (changes: Record<string, string>) => openDeployment({ ...env, ...changes });
  await assert.rejects(opened({}), {
    message:
      "The deployment of CONVEX_URL does not answer the contract suite's probes: set PROBE_ENABLED=1 there, on a deployment without users.",
  });
  for (const name of ["SWITCHYARD_ISSUER", "SWITCHYARD_AUDIENCE", "SWITCHYARD_SIGNING_KEY"]) {
    await assert.rejects(opened({ [name]: "" }), new RegExp(`^Error: CONVEX_URL is set, so ${name} must be set too`));
  }
  await assert.rejects(opened({ SWITCHYARD_SIGNING_KEY: "secret" }), (error: Error) => {
    return /SIGNING_KEY holds no private P-256 key/.test(error.message) && !error.message.includes("secret");
  });
  const other = newSigningKey().export({ type: "pkcs8", format: "pem" }).toString();
  await assert.rejects(opened({ SWITCHYARD_SIGNING_KEY: other }), /refused the contract suite's token/);
  await assert.rejects(opened({ CONVEX_URL: "http://127.0.0.1:9" }), /could not be asked/);
});
