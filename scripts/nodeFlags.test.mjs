import assert from "node:assert/strict";
import { test } from "node:test";
import { readFileSync } from "node:fs";
import { NODE_FLAGS } from "./lib/nodeFlags.mjs";

test("npm start runs the proxy with the same flags as the command does", () => {
  const { scripts } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  assert.equal(scripts.start, `node ${NODE_FLAGS.join(" ")} src/main.ts demo`);
});
