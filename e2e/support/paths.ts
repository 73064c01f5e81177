import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of this repository, wherever it is checked out. */
export const REPOSITORY = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
