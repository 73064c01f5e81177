// Functions of this folder on convex-test, for the unit tests beside them.
import { globSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { convexTest } from "convex-test";
import schema from "./schema.ts";

const here = fileURLToPath(new URL(".", import.meta.url));

const modules = Object.fromEntries(
  globSync(["**/*.ts", "_generated/*.js"], { cwd: here })
    .filter((path) => !path.endsWith(".test.ts") && !path.endsWith(".d.ts") && !path.startsWith("test."))
    .map((path) => [`./convex/${path}`, () => import(pathToFileURL(here + path).href)]),
);

export const NOW = 1_767_323_045_678;

export function createTest() {
  const t = convexTest({ schema, modules, transactionLimits: true });
  const as = (role: "user" | "service", subject: string) =>
    t.withIdentity({ subject, issuer: "test", tokenIdentifier: `test|${subject}`, role });
  return { t, user: (subject: string) => as("user", subject), service: as("service", "service") };
}

export type TestUser = ReturnType<ReturnType<typeof createTest>["user"]>;
