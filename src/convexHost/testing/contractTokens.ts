// Tokens as the service signs them (embedded-convex.md §6 "Identity"), and such as no deployment may believe.
import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";

/** The deployment's clock may be behind this one. */
const BACKDATED_S = 5;
const LIFE_S = 120;

type Fields = Readonly<Record<string, string | number | undefined>>;

export interface TokenSigner {
  readonly issuer: string;
  readonly audience: string;
  /** The public half, as `convex/auth.config.ts` wants it. */
  readonly keySetUri: string;
  /** The service's token, made just now; an undefined claim is left out. */
  token(claims?: Fields): string;
  /** Tokens that are not what they say, by what is wrong with them. */
  refused(): Readonly<Record<string, string>>;
}

export const newSigningKey = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;

/** The first key of a PEM text, in which `\n` may stand for a line's end. @throws Error never quoting the text */
export function parseSigningKey(text: string): KeyObject {
  const [pem = ""] = /-----BEGIN ([A-Z ]*KEY)-----[\s\S]+?-----END \1-----/.exec(text.replaceAll("\\n", "\n")) ?? [];
  try {
    const key = createPrivateKey(pem);
    if (key.asymmetricKeyDetails?.namedCurve === "prime256v1") return key;
  } catch {
    // Neither the key nor what the parser says about it belongs in a log.
  }
  throw new Error("SWITCHYARD_SIGNING_KEY holds no private P-256 key in PEM.");
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

export function createTokenSigner(options: {
  readonly key: KeyObject;
  readonly issuer: string;
  readonly audience: string;
}): TokenSigner {
  const { key, issuer, audience } = options;
  const { x = "", y = "" } = createPublicKey(key).export({ format: "jwk" });
  // RFC 7638: the digest of the required members in the order of their names.
  const required = JSON.stringify({ crv: "P-256", kty: "EC", x, y });
  const kid = createHash("sha256").update(required).digest("base64url");
  const keySet = { keys: [{ kty: "EC", crv: "P-256", x, y, kid, alg: "ES256", use: "sig" }] };
  const headerOf = (alg: string) => encode({ alg, typ: "JWT", kid });

  const claimsOf = (changed: Fields = {}) => {
    const iat = Math.floor(Date.now() / 1_000) - BACKDATED_S;
    const claims = { iss: issuer, aud: audience, sub: "service", role: "service", iat, exp: iat + LIFE_S };
    return encode({ ...claims, ...changed });
  };
  const signedBy = (signer: KeyObject, changed: Fields = {}) => {
    const text = `${headerOf("ES256")}.${claimsOf(changed)}`;
    const signature = sign("sha256", Buffer.from(text), { key: signer, dsaEncoding: "ieee-p1363" });
    return `${text}.${signature.toString("base64url")}`;
  };

  return {
    issuer,
    audience,
    keySetUri: `data:text/plain;charset=utf-8;base64,${Buffer.from(JSON.stringify(keySet)).toString("base64")}`,
    token: (claims) => signedBy(key, claims),
    refused() {
      const nowS = Math.floor(Date.now() / 1_000);
      const good = signedBy(key);
      const [header = "", , signature = ""] = good.split(".");
      // Whoever lets the token choose its algorithm takes the public key for a shared secret.
      const confused = `${headerOf("HS256")}.${claimsOf()}`;
      const secret = createPublicKey(key).export({ type: "spki", format: "pem" });
      return {
        "no token at all": "x",
        "two parts": good.split(".").slice(0, 2).join("."),
        "one part that is no JSON": `${header}.AAAA.${signature}`,
        expired: signedBy(key, { iat: nowS - 240, exp: nowS - 120 }),
        "without an end": signedBy(key, { exp: undefined }),
        "unsigned (alg none)": `${headerOf("none")}.${claimsOf()}.`,
        "alg none with a signature": `${headerOf("none")}.${claimsOf()}.${signature}`,
        "signed by the public key as a secret": `${confused}.${createHmac("sha256", secret).update(confused).digest("base64url")}`,
        "of another audience": signedBy(key, { aud: `${audience}-other` }),
        "without an audience": signedBy(key, { aud: undefined }),
        "of another issuer": signedBy(key, { iss: `${issuer}/other` }),
        "of another key under the same name": signedBy(newSigningKey()),
        "with other claims than were signed": `${header}.${claimsOf({ sub: "someone else" })}.${signature}`,
      };
    },
  };
}
