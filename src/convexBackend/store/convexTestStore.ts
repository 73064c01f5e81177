// The functions of `convex/` run in process on convex-test, in memory, until the embedded host takes over.
import { globSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { FunctionReference } from "convex/server";
import { ConvexError } from "convex/values";
import { convexTest } from "convex-test";
import { LRUCache } from "lru-cache";
import schema from "../../../convex/schema.ts";
import { type Identity, type Store, StoreRefusal } from "../ports.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const ISSUER = "switchyard";
const ACCESSORS_MAX = 1_000;

const modules = Object.fromEntries(
  globSync(["convex/**/*.ts", "convex/_generated/*.js"], { cwd: root })
    .filter((path) => !path.endsWith(".test.ts") && !path.endsWith(".d.ts"))
    .map((path) => [`./${path}`, () => import(pathToFileURL(root + path).href)]),
);

function refusal(error: unknown): unknown {
  if (!(error instanceof ConvexError)) return error;
  const data: unknown = error.data;
  const code = typeof data === "object" && data !== null && "code" in data ? String(data.code) : "UNKNOWN";
  return new StoreRefusal(code, data);
}

export function createConvexTestStore(): Store {
  const test = convexTest(schema, modules);
  const accessors = new LRUCache<string, ReturnType<typeof test.withIdentity>>({ max: ACCESSORS_MAX });
  const accessorOf = (identity: Identity) => {
    const subject = identity.role === "user" ? identity.subject : "";
    const key = `${identity.role}:${subject}`;
    const known = accessors.get(key);
    if (known) return known;
    const made = test.withIdentity({ subject: subject || "service", issuer: ISSUER, role: identity.role });
    accessors.set(key, made);
    return made;
  };

  // One at a time and in order: convex-test wakes every waiting call after each transaction, which is quadratic.
  let last: Promise<unknown> = Promise.resolve();
  const inOrder = <T>(run: () => Promise<T>): Promise<T> => {
    const mine = last.then(run, run);
    last = mine.catch(() => undefined);
    return mine.catch((error: unknown) => {
      throw refusal(error);
    });
  };
  const call =
    (kind: "query" | "mutation") => (reference: FunctionReference<never>, args: object, identity: Identity) =>
      inOrder(() => {
        const run = accessorOf(identity)[kind] as (ref: unknown, args: object) => Promise<unknown>;
        return run(reference, args);
      });

  return {
    query: call("query") as Store["query"],
    mutation: call("mutation") as Store["mutation"],
    ping: async () => {
      await last;
    },
    close: async () => {
      await last;
    },
  };
}
