// The guard of internal routes (contract rest.md §7): before their body is read.
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Config } from "../config.ts";
import { HttpError } from "./errors.ts";

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** Of `DELETE /internal/users/{user_id}` alone. */
const USER = /^\/internal\/users\/[^/]+$/;

/** Without its setting a route does not exist; faults have one more (faults.md §1), and only who serves nobody may be cleared. */
export function isServed({ serviceToken, allowsFaultHeaders, isShadowInstance }: Config, rawPath: string): boolean {
  if (serviceToken === null) return false;
  if (USER.test(rawPath)) return isShadowInstance;
  return allowsFaultHeaders || rawPath !== "/internal/faults";
}

/** Hashes have one length, so the comparison takes the same time for every wrong token. */
export function requireServiceToken({ serviceToken }: Config, request: IncomingMessage): void {
  const given = request.headers["x-service-token"];
  const isRight = typeof given === "string" && timingSafeEqual(digest(given), digest(serviceToken ?? ""));
  if (!isRight) throw new HttpError(401, null, "A valid service token is needed.");
}
