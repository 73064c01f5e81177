// What the contract suite of hosts runs against: the deployment of CONVEX_URL, or an embedded host started for it.
import type { KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { ConvexHttpClient } from "convex/browser";
import { makeFunctionReference } from "convex/server";
import { ConvexError } from "convex/values";
import { startHostProcess } from "../index.ts";
import { createTokenSigner, newSigningKey, parseSigningKey, type TokenSigner } from "./contractTokens.ts";

const FUNCTIONS_DIR = path.resolve(import.meta.dirname, "../../../convex");
const HOST_ISSUER = "https://contract-suite.example";
const HOST_AUDIENCE = "contract-suite";

export interface Deployment {
  readonly url: string;
  readonly signer: TokenSigner;
  /** Ends the host that was started for it, if one was. */
  close(): Promise<void>;
}

interface HostKey {
  readonly key: KeyObject;
}

/** @throws Error in one sentence when the deployment of CONVEX_URL cannot be asked */
export async function openDeployment(env: NodeJS.ProcessEnv = process.env): Promise<Deployment> {
  return env["CONVEX_URL"] ? reachDeployment(env["CONVEX_URL"], env) : startHost({ isProbed: true });
}

async function reachDeployment(address: string, env: NodeJS.ProcessEnv): Promise<Deployment> {
  const given = (name: string): string => {
    if (env[name]) return env[name];
    throw new Error(`CONVEX_URL is set, so ${name} must be set too: the contract suite signs the service's tokens.`);
  };
  const key = parseSigningKey(given("SWITCHYARD_SIGNING_KEY"));
  const audience = given("SWITCHYARD_AUDIENCE");
  const signer = createTokenSigner({ key, issuer: given("SWITCHYARD_ISSUER"), audience });
  const url = new URL(address).href.replace(/\/+$/, "");
  await requireProbes(url, signer);
  return { url, signer, close: () => Promise.resolve() };
}

async function requireProbes(url: string, signer: TokenSigner): Promise<void> {
  const options = { skipConvexDeploymentUrlCheck: true, logger: false as const, auth: signer.token() };
  try {
    await new ConvexHttpClient(url, options).query(makeFunctionReference<"query">("probe:unveil"));
  } catch (cause) {
    const { code } = cause instanceof ConvexError ? (cause.data as { readonly code?: unknown }) : {};
    const why =
      code === "PROBES_OFF"
        ? "does not answer the contract suite's probes: set PROBE_ENABLED=1 there, on a deployment without users"
        : `refused the contract suite's token or could not be asked (${code === undefined ? String(cause) : JSON.stringify(code)})`;
    throw new Error(`The deployment of CONVEX_URL ${why}.`, { cause });
  }
}

/** An embedded host of its own over this project's functions. */
export async function startHost({ isProbed }: { readonly isProbed: boolean }): Promise<Deployment & HostKey> {
  const key = newSigningKey();
  const signer = createTokenSigner({ key, issuer: HOST_ISSUER, audience: HOST_AUDIENCE });
  const dir = mkdtempSync(path.join(tmpdir(), "embedded-host-contract-"));
  const remove = () => rmSync(dir, { recursive: true, force: true });
  const envFile = path.join(dir, "host.env");
  writeFileSync(envFile, variablesOf(signer) + (isProbed ? "PROBE_ENABLED=1\n" : ""));
  try {
    const host = await startHostProcess({
      functionsDir: FUNCTIONS_DIR,
      dataDir: path.join(dir, "data"),
      port: 0,
      envFile,
      flags: ["--check-determinism"],
    });
    return { url: host.url, signer, key, close: () => host.stop().finally(remove) };
  } catch (error) {
    remove();
    throw error;
  }
}

const variablesOf = ({ issuer, audience, keySetUri }: TokenSigner): string =>
  `SWITCHYARD_ISSUER=${issuer}\nSWITCHYARD_AUDIENCE=${audience}\nSWITCHYARD_JWKS=${keySetUri}\n`;
