import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ConfigProblems } from "../../config/index.ts";
import { checkRules } from "./checkRules.ts";

test("a rule that no thread could use is told before any gets it", (t) => {
  const dir = mkdtempSync(join(tmpdir(), "rules-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const check = (compare: string, id = "a"): string => {
    const file = join(dir, "r.yaml");
    writeFileSync(
      file,
      `rules:\n  - { id: ${id}, owner: me, reason: why, on: [GET /a], path: $.x, compare: [${compare}] }\n`,
    );
    const config = { shadow: { rules: [file] } } as unknown as Parameters<typeof checkRules>[0];
    const known = { id: "known", owner: "contract", reason: "why", on: ["*"], path: "$.y", compare: ["num"] };
    try {
      checkRules(config, { rules: [known], normalisers: {} });
      return "fine";
    } catch (error) {
      assert.ok(error instanceof ConfigProblems);
      return error.problems.map(({ what }) => what).join();
    }
  };
  assert.equal(check("num(0.1)"), "fine");
  assert.match(check("nothing(1)"), /nothing/);
  assert.match(check("num(x)"), /num/);
  assert.match(check("num", "known"), /known stands in the application's rules already/);
  checkRules({ shadow: null }, { rules: [], normalisers: {} });
});
