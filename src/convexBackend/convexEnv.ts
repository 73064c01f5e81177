// What a deployment must be told before it believes the service's tokens: the variables of convex/auth.config.ts.
import { type Environment, loadServiceIdentity } from "./config.ts";
import { keySetUri, signingKeysIn } from "./signingKey.ts";

export type ConvexVariables = Readonly<Record<"SWITCHYARD_ISSUER" | "SWITCHYARD_AUDIENCE" | "SWITCHYARD_JWKS", string>>;

/**
 * Public values only. Makes the signing keys when there are none yet, so that it may run before the service does.
 * @throws ConfigurationError, SigningKeyError
 */
export function convexVariables(env: Environment): ConvexVariables {
  const { issuer, audience, signingKeys, keyDir } = loadServiceIdentity(env);
  const keys = signingKeys ?? signingKeysIn(keyDir);
  return { SWITCHYARD_ISSUER: issuer, SWITCHYARD_AUDIENCE: audience, SWITCHYARD_JWKS: keySetUri(keys) };
}

/** Lines of an env file (`--env-file` of the host): no value holds a quote or a line's end. */
export const envFileText = (variables: Readonly<Record<string, string>>): string =>
  Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");

/** The same as commands for a shell: quoted, for a key set holds semicolons. */
export const envCommands = (variables: ConvexVariables): string =>
  Object.entries(variables)
    .map(([name, value]) => `npx convex env set ${name} '${value}'\n`)
    .join("");
