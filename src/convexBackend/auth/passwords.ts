// Password rules and hashes (contract realtime-socket.md §9): the same text form on both arms.
import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";

const COST = 16_384;
const BLOCK = 8;
const PARALLEL = 1;
const SALT_BYTES = 16;
const KEY_BYTES = 32;
const MEMORY_MAX = 64 * 1024 * 1024;

const derive = (password: string, salt: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const options = { N: COST, r: BLOCK, p: PARALLEL, maxmem: MEMORY_MAX };
    scrypt(password, salt, KEY_BYTES, options, (error, key) => (error ? reject(error) : resolve(key)));
  });

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const key = await derive(password, salt);
  return ["scrypt", COST, BLOCK, PARALLEL, salt.toString("base64"), key.toString("base64")].join("$");
}

/** False for any stored form that is not ours; an absent one costs as much as a wrong password. */
export async function isPassword(password: string, stored: string | null): Promise<boolean> {
  const [scheme, cost, block, parallel, salt = "", key = ""] = (stored ?? "").split("$");
  const isOurs = scheme === "scrypt" && cost === `${COST}` && block === `${BLOCK}` && parallel === `${PARALLEL}`;
  const expected = Buffer.from(key, "base64");
  const actual = await derive(password, isOurs ? Buffer.from(salt, "base64") : Buffer.alloc(SALT_BYTES));
  return isOurs && expected.length === KEY_BYTES && timingSafeEqual(expected, actual);
}

/** What a password lacks, or null. Lengths are checked with the request's shape. */
export function passwordWeakness(password: string): string | null {
  if (!/\p{Lu}/u.test(password)) return "an upper-case letter is missing";
  if (!/\p{Ll}/u.test(password)) return "a lower-case letter is missing";
  if (!/\d/.test(password)) return "a digit is missing";
  if (!/[^\p{Lu}\p{Ll}\d]/u.test(password)) return "a character that is no letter and no digit is missing";
  return null;
}

/** One `@` with something before it and a dotted right part. */
export const isEmail = (email: string): boolean => /^[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+$/.test(email);
