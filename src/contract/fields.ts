// Field types of the contract (README §2): presence and null are told apart everywhere.
import { z } from "zod";
import { isCanonicalUuid } from "./ids.ts";
import { codePointLength } from "./text.ts";
import { parseNaive, parseTs } from "./time.ts";

/** A public id as it leaves an arm (G4). */
export const id = z.string().refine(isCanonicalUuid, "not a canonical UUID");

/** `ts` of G3. */
export const ts = z.string().refine((text) => parseTs(text) !== null, "not a time with offset");

/** `naive` of G3. */
export const naive = z.string().refine((text) => parseNaive(text) !== null, "not a time without offset");

/** Epoch milliseconds. */
export const ms = z.number().nonnegative();

/** `i` of README §2; an integer a double carries exactly (G2). */
export const integer = z.int();
export const count = z.int().nonnegative();

/** `object`: any JSON object, keys and values untouched. */
export const jsonObject = z.record(z.string(), z.unknown());

/** Text of a length counted in code points (G5). */
export const text = (min: number, max: number) =>
  z.string().refine((value) => {
    const length = codePointLength(value);
    return length >= min && length <= max;
  }, `not ${min} to ${max} code points`);

/** `<session_id>:<turn_no>` of tutor-socket.md §4. */
export const turnId = z.string().regex(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}:[1-9]\d*$/);
