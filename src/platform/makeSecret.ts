import { randomBytes } from "node:crypto";

const SECRET_BYTES = 48;

/** For one run, of services that this process starts. */
export const makeSecret = (): string => randomBytes(SECRET_BYTES).toString("base64url");
