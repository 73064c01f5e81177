import { join } from "node:path";

const HOST = "127.0.0.1";

/** How the candidate shows itself to a deployment (embedded-convex §6), the only ones of ours that a service reads. */
const IDENTITY: ReadonlySet<string> = new Set(["SWITCHYARD_SIGNING_KEY", "SWITCHYARD_ISSUER", "SWITCHYARD_AUDIENCE"]);

const DECIDED = /^(HOST|PORT|DATA_DIR|JWT_SECRET_KEY|SERVICE_TOKEN|SHADOW_.*|OPENAI_.*|npm_.*|SWITCHYARD_.*)$/;

/**
 * What a service inherits: everything but the variables that the demo decides. A model key reaches the arms only
 * together with a base address: found alone in the environment it would make the demo spend money (ux.md §2).
 */
export function serviceEnv(env: NodeJS.ProcessEnv, own: Record<string, string>): NodeJS.ProcessEnv {
  const inherited = Object.entries(env).filter(([name]) => !DECIDED.test(name) || IDENTITY.has(name));
  return { ...Object.fromEntries(inherited), HOST, ...own };
}

/** Of our Node programs: compiled code is kept, and the next start takes half as long. */
export const nodeEnv = (root: string, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv => ({
  NODE_COMPILE_CACHE: join(root, "node_modules", ".cache", "compiled"),
  ...env,
});

/** The stores of the serving arm, whom it trusts, and its faults: a shadow target has its own (shadow §3). */
const OF_THE_SERVING_ARM =
  /^(CONVEX_URL|DATABASE_URL|JWT_JWKS_URL|JWT_ISSUER|JWT_AUDIENCE|FAULTS|FAULT_SEED|SWITCHYARD_.*)$/;

/** As its arm's, but for what makes it a target; the names of the models stay, for prompts are compared. */
export function targetEnv(env: NodeJS.ProcessEnv, own: Record<string, string>): NodeJS.ProcessEnv {
  const inherited = Object.fromEntries(Object.entries(env).filter(([name]) => !OF_THE_SERVING_ARM.test(name)));
  const { OPENAI_MODEL, OPENAI_EMBEDDING_MODEL } = modelEnv(env, "");
  return serviceEnv(inherited, {
    ...(OPENAI_MODEL !== undefined && { OPENAI_MODEL }),
    ...(OPENAI_EMBEDDING_MODEL !== undefined && { OPENAI_EMBEDDING_MODEL }),
    ...own,
  });
}

/** @param baseUrl of the stand-in, or of the cassette before whatever `OPENAI_BASE_URL` names */
export function modelEnv(env: NodeJS.ProcessEnv, baseUrl: string): Partial<Record<string, string>> {
  if (!env["OPENAI_BASE_URL"]) return { OPENAI_BASE_URL: baseUrl, OPENAI_API_KEY: "local" };
  const given = Object.entries(env).filter(([name]) => name.startsWith("OPENAI_"));
  return { ...Object.fromEntries(given), OPENAI_BASE_URL: baseUrl };
}
