import { z } from "zod";
import type { AdminConfig, ContinuityConfig, IdentityConfig } from "./config.ts";
import { addFault, address, count, field, oneOf, text, toggle, variableName } from "./fields.ts";
import { secretOf } from "./secretOf.ts";
import type { SecretSource } from "./secrets.ts";

export const identitySchema = (secrets: SecretSource) =>
  z
    .strictObject({
      jwt: z
        .strictObject({
          algorithms: z
            .array(oneOf(["HS256", "RS256", "ES256"], "An algorithm."))
            .min(1)
            .max(3)
            .describe(
              "Accepted algorithms: HS256, or asymmetric ones; both together would let a public key pass as a secret (CVE-2023-48223).",
            ),
          secretEnv: variableName("Variable that holds the HS256 secret of at least 32 bytes.").optional(),
          secretFile: text("File that holds the HS256 secret.").optional(),
          jwksUrl: field(
            { type: "string", title: "address" },
            "Address of the key set for RS256 and ES256; https, for who can change it on the way signs any token.",
            readJwksUrl,
          ).optional(),
          issuer: text("Required value of `iss`; unset: not checked.").optional(),
          audience: text("Required value of `aud`; unset: not checked.").optional(),
          verifiedTokens: count("Verified tokens kept in memory until they expire.").prefault(10_000),
        })
        .transform((file, ctx) => ({
          algorithms: file.algorithms,
          secret: secretOf(ctx, "secret", { env: file.secretEnv, file: file.secretFile }, secrets),
          jwksUrl: file.jwksUrl ?? null,
          issuer: file.issuer ?? null,
          audience: file.audience ?? null,
          verifiedTokensMax: file.verifiedTokens,
        }))
        .describe("Access tokens."),
    })
    .transform((file): IdentityConfig => file)
    .describe("Who a caller is. The proxy identifies, the arms authorise.");

/** What opens the arms' data endpoints; whoever has it reads and writes everybody's data. */
export const continuitySchema = (secrets: SecretSource) =>
  z
    .strictObject({
      tokenEnv: variableName("Variable with the token of the arms' data endpoints.").optional(),
      tokenFile: text("File with the token of the arms' data endpoints.").optional(),
    })
    .transform((file, ctx): ContinuityConfig => {
      const token = secretOf(ctx, "token", { env: file.tokenEnv, file: file.tokenFile }, secrets);
      const isNamed = file.tokenEnv !== undefined || file.tokenFile !== undefined;
      if (!isNamed) addFault(ctx, { what: "has no token", expected: "tokenEnv or tokenFile" });
      return { token: token ?? "" };
    })
    .optional()
    .describe(
      "A subject's data follows to the other arm, by change feeds that both arms offer; left out: every arm keeps what it has.",
    );

function readJwksUrl(value: unknown) {
  const expected = "an https address such as https://login.example.org/keys";
  if (typeof value !== "string" || !URL.canParse(value)) return { fault: { what: "no address", expected } };
  const url = new URL(value);
  if (url.username !== "" || url.password !== "") return { fault: { what: "holds a user name or password", expected } };
  return { value: url.href };
}

/** The operators' own listener and its two tokens (security A1, A3). */
export const adminSchema = (secrets: SecretSource) =>
  z
    .strictObject({
      listen: address("Listener of console, admin API, health and metrics; loopback unless a token is set.").prefault(
        "127.0.0.1:9901",
      ),
      viewTokenEnv: variableName("Variable with the token that may read.").optional(),
      viewTokenFile: text("File with the token that may read.").optional(),
      operateTokenEnv: variableName("Variable with the token that may change things.").optional(),
      operateTokenFile: text(
        "File with the token that may change things; on loopback one is made when none is set.",
      ).optional(),
      openMetrics: toggle(
        "`/metrics` answers without a token; it shows traffic and exposure to everyone who reaches the listener.",
      ).prefault(false),
    })
    .transform(
      (file, ctx): AdminConfig => ({
        listen: file.listen,
        viewToken: secretOf(ctx, "viewToken", { env: file.viewTokenEnv, file: file.viewTokenFile }, secrets),
        operateToken: secretOf(
          ctx,
          "operateToken",
          { env: file.operateTokenEnv, file: file.operateTokenFile },
          secrets,
        ),
        isMetricsOpen: file.openMetrics,
      }),
    )
    .prefault({})
    .describe("The operators' own listener.");
