import assert from "node:assert/strict";
import { test } from "node:test";
import type { z } from "zod";
import type { Config } from "./config.ts";
import type { createConfigSchema, Sections } from "./schema.ts";
import { schemaTree } from "./schemaTree.ts";

type IsSame<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** These two do not compile when the schema yields anything else than what the other rooms read. */
const YIELDS_CONFIG: IsSame<z.output<ReturnType<typeof createConfigSchema>>, Config> = true;
const SAME_SECTIONS: IsSame<keyof Sections, keyof Config> = true;

test("the schema yields exactly what the rooms read, section by section", () => {
  assert.ok(YIELDS_CONFIG && SAME_SECTIONS);
  const sections = [
    "admin",
    "arms",
    "continuity",
    "cors",
    "drain",
    "flags",
    "headers",
    "identity",
    "limits",
    "listen",
    "log",
  ];
  const rest = [
    "publicHosts",
    "publicOrigin",
    "refuse",
    "shadow",
    "stateDir",
    "trustedProxies",
    "units",
    "unmatched",
    "workers",
  ];
  assert.deepEqual(Object.keys(schemaTree().properties ?? {}).sort(), [...sections, ...rest]);
});
