// The keys behind the service's tokens (embedded-convex.md §6 "Identity"): P-256, two of them. The first signs; the
// second is published already, so that it can take over without a moment at which a deployment refuses its tokens.
// To change keys: put the second first and a new one behind it, restart the service, then publish the new pair.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
} from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const KEY_FILE = "signingKeys.pem";
const KEYS_MAX = 2;
const PEM_KEY = /-----BEGIN ([A-Z ]*KEY)-----[\s\S]+?-----END \1-----/g;

export interface PublicJwk {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly x: string;
  readonly y: string;
  readonly kid: string;
  readonly alg: "ES256";
  readonly use: "sig";
}

export interface SigningKeys {
  readonly signing: KeyObject;
  /** Of the signing key. */
  readonly kid: string;
  /** The current key, then the next. */
  readonly published: readonly PublicJwk[];
}

export class SigningKeyError extends Error {
  override readonly name = "SigningKeyError";
}

/** RFC 7638: the digest of the required members in the order of their names. */
function publicJwk(key: KeyObject): PublicJwk {
  const { x = "", y = "" } = key.export({ format: "jwk" });
  const kid = createHash("sha256")
    .update(JSON.stringify({ crv: "P-256", kty: "EC", x, y }))
    .digest("base64url");
  return { kty: "EC", crv: "P-256", x, y, kid, alg: "ES256", use: "sig" };
}

function readKey<T>(read: () => T, what: string): T {
  try {
    return read();
  } catch {
    // Neither the key nor what the parser says about it belongs in a log.
    throw new SigningKeyError(`${what} cannot be read`);
  }
}

/**
 * One or two keys in PEM, the signing one first; of the second the public half is enough. `\n` may stand for a line's end.
 * @throws SigningKeyError never quoting the text
 */
export function parseSigningKeys(text: string): SigningKeys {
  const blocks = text.replaceAll("\\n", "\n").match(PEM_KEY) ?? [];
  const [first] = blocks;
  if (first === undefined) throw new SigningKeyError("there is no key in PEM");
  if (blocks.length > KEYS_MAX)
    throw new SigningKeyError(`there are ${blocks.length} keys, at most ${KEYS_MAX} are used`);
  const signing = readKey(() => createPrivateKey(first), "the first key, which signs and must be private,");
  const publics = blocks.map((block, i) => readKey(() => createPublicKey(block), `key ${i + 1}`));
  const isP256 = (key: KeyObject): boolean => key.asymmetricKeyDetails?.namedCurve === "prime256v1";
  if (!publics.every(isP256)) throw new SigningKeyError("a key is not of the curve P-256");
  const published = publics.map(publicJwk);
  return { signing, kid: published[0]?.kid ?? "", published };
}

const newPem = (): string =>
  generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({ type: "pkcs8", format: "pem" }).toString();

function makeKeyFile(dir: string, file: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomUUID()}`;
  writeFileSync(draft, newPem() + newPem(), { mode: 0o600, flag: "wx", flush: true });
  try {
    // A link replaces nothing: two processes that start at once both go on with the keys of one.
    linkSync(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  } finally {
    rmSync(draft);
  }
}

/** The keys kept in `dir`, made (0600) when there are none. @throws SigningKeyError naming the file */
export function signingKeysIn(dir: string): SigningKeys {
  const file = join(dir, KEY_FILE);
  const read = (): string | null => {
    try {
      return readFileSync(file, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
      throw error;
    }
  };
  try {
    let text = read();
    if (text === null) {
      makeKeyFile(dir, file);
      text = read() ?? "";
    }
    return parseSigningKeys(text);
  } catch (error) {
    const reason = error instanceof SigningKeyError ? error.message : (error as NodeJS.ErrnoException).code;
    throw new SigningKeyError(`${file}: ${reason ?? "unusable"}`, { cause: error });
  }
}

/** The key set as an address that needs no server, as Convex documents it for `customJwt`. */
export function keySetUri({ published }: SigningKeys): string {
  const json = JSON.stringify({ keys: published });
  return `data:text/plain;charset=utf-8;base64,${Buffer.from(json).toString("base64")}`;
}
