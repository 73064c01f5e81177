// Whose tokens are believed: the Node service's, and no one else's (embedded-convex.md §6 "Identity").
// `npm run convex:env` prints the three variables; they hold no secret.
import type { AuthConfig } from "convex/server";

function variable(name: string): string {
  const value = process.env[name];
  // Anything but a refusal could leave a deployment that believes nobody, or anybody.
  if (!value) throw new Error(`The deployment's variable ${name} is not set: see npm run convex:env.`);
  return value;
}

export default {
  providers: [
    {
      type: "customJwt",
      issuer: variable("SWITCHYARD_ISSUER"),
      // Without it, a token of the same issuer for another purpose would do here too.
      applicationID: variable("SWITCHYARD_AUDIENCE"),
      algorithm: "ES256",
      jwks: variable("SWITCHYARD_JWKS"),
    },
  ],
} satisfies AuthConfig;
