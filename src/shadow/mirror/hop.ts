// The mark by which a copy is known that comes back to a listener of its own installation (shadow I11). Whoever sees it can do no
// more with it than have a call of their own refused.
import { createHmac, timingSafeEqual } from "node:crypto";

/** @param key of the installation, the same for all its processes */
export const hopOf = (key: Uint8Array): string =>
  createHmac("sha256", key).update("switchyard hop").digest("base64url").slice(0, 22);

export function isHop(hop: string, own: string): boolean {
  const [one, other] = [Buffer.from(hop), Buffer.from(own)];
  return one.length === other.length && timingSafeEqual(one, other);
}
