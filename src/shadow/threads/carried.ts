// What a served leg carried, as the copy's own headers are made from it.
import type { HeaderPairs } from "../mirror/copyHeaders.ts";
import type { Claims } from "../mirror/shadowToken.ts";

/** Of a flat name/value list; names in lower case. */
export function pairsOf(flat: readonly string[]): HeaderPairs {
  const pairs: (readonly [string, string])[] = [];
  for (let at = 0; at + 1 < flat.length; at += 2)
    pairs.push([(flat[at] as string).toLowerCase(), flat[at + 1] as string]);
  return pairs;
}

/** Of a credential that the proxy has verified; null: there is none that can be read. */
export function claimsOf(headers: HeaderPairs): Claims | null {
  const value = headers.find(([name]) => name === "authorization")?.[1];
  const payload = value?.split(" ").at(-1)?.split(".")[1];
  if (payload === undefined) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    return typeof claims === "object" && claims !== null ? (claims as Claims) : null;
  } catch {
    return null;
  }
}
