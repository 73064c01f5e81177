// Keyed hashes instead of values and groups (shadow P1, P5): equal values are seen to be equal, and none is told.
import { createHmac, hkdfSync } from "node:crypto";

/** Short enough to read, long enough that two values of one campaign hardly ever share one: 2^48. */
const DIGITS = 12;

export type Fingerprint = (text: string) => string;

/** @param key of one campaign, never stored @param purpose keeps the prints of different things apart */
export const createFingerprint =
  (key: Uint8Array, purpose: string): Fingerprint =>
  (text) =>
    createHmac("sha256", key).update(purpose).update("\n").update(text).digest("hex").slice(0, DIGITS);

/** Of one campaign, so that nobody is followed from one to the next. @param printKey of all of them */
export const keyOfCampaign = (printKey: Uint8Array, campaign: string): Uint8Array =>
  new Uint8Array(hkdfSync("sha256", printKey, campaign, "switchyard shadow campaign", 32));

export const createGroupPrint = (printKey: Uint8Array, campaign: string): Fingerprint =>
  createFingerprint(keyOfCampaign(printKey, campaign), "group");
