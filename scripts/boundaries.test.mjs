// Plants one violation of every rule in a small copy of the house and expects the checker, or oxlint, to fail on it.
// Without this, a rule that silently checks nothing would look like a clean house (ux.md: dependency-cruiser did that).
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { checkBoundaries } from "./boundaries.mjs";
import { APPLICATION, ARROWS, CORE, PACKAGES, STANDALONE } from "./lib/arrows.mjs";
import { ROOT, tool } from "./lib/project.mjs";

const ROOMS = [...CORE, ...APPLICATION, ...STANDALONE];

/** A house in which every room has a face, a port and an inner file, and nothing is wrong. */
function makeHouse() {
  const root = mkdtempSync(join(tmpdir(), "house-"));
  const write = (path, text) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${text}\n`);
  };
  for (const room of ROOMS) {
    write(`src/${room}/index.ts`, 'export { inner } from "./inner.ts";\nexport type * from "./ports.ts";');
    write(`src/${room}/inner.ts`, "export const inner = 1;");
    write(`src/${room}/ports.ts`, "export interface Port {\n  readonly name: string;\n}\nexport const LIST = [1];");
  }
  write(
    "src/app.ts",
    ROOMS.map((room) => `import { inner as ${room} } from "./${room}/index.ts";\nvoid ${room};`).join("\n"),
  );
  write("src/main.ts", 'import "./app.ts";');
  write("convex/_generated/api.js", "export const api = {};");
  write("convex/model/folders.ts", 'import { v } from "convex/values";\nexport const folders = v;');
  write("convex/folders.ts", 'export { folders } from "./model/folders.ts";');
  write(
    "src/flags/allowed.ts",
    'import { inner } from "../kernel/index.ts";\nimport type { Port } from "../metrics/index.ts";\nexport const x: Port | number = inner;',
  );
  write(
    "src/contract/allowed.ts",
    'import { z } from "zod";\nimport type { Port } from "../proxy/ports.ts";\nexport const y: Port | typeof z = z;',
  );
  write("convex/test.setup.ts", 'import "convex-test";\nimport "node:fs";');
  write("src/kernel/x.test.ts", 'import fc from "fast-check";\nimport { test } from "node:test";\nvoid [fc, test];');
  return { root, write };
}

let house;
before(() => {
  house = makeHouse();
});
after(() => rmSync(house.root, { recursive: true, force: true }));

/** Plants `text` at `path`, takes the problems found there, and removes it again. */
function plant(path, text) {
  house.write(path, text);
  try {
    return checkBoundaries(house.root);
  } finally {
    rmSync(join(house.root, path));
  }
}

function assertCaught(path, text, pattern) {
  const problems = plant(path, text);
  assert.equal(problems.length, 1, JSON.stringify(problems));
  assert.equal(problems[0].file, path);
  assert.match(problems[0].text, pattern);
}

test("the house as it should be has no problem", () => {
  assert.deepEqual(checkBoundaries(house.root), []);
});

test("a folder without sources is an error, not a clean house", () => {
  assert.throws(() => checkBoundaries(join(house.root, "convex", "_generated")), /nothing was checked/);
});

describe("arrows between rooms", () => {
  for (const [room, arrows] of Object.entries(ARROWS)) {
    const folder = room === "app" || room === "main" ? null : ROOMS.includes(room) ? `src/${room}` : room;
    if (folder === null) continue;
    for (const target of ROOMS) {
      const isOwn = target === room;
      const isAllowed = arrows.rooms?.includes(target);
      if (isOwn || isAllowed) continue;
      const up = folder.startsWith("src/") ? "../" : "../src/";
      test(`${room} may not import ${target}`, () => {
        assertCaught(
          `${folder}/planted.ts`,
          `import { inner } from "${up}${target}/index.ts";\nvoid inner;`,
          /may not import|is reached through/,
        );
      });
    }
  }

  test("nobody reaches past a room's index.ts", () => {
    assertCaught(
      "src/proxy/planted.ts",
      'import { inner } from "../flags/inner.ts";',
      /reached through src\/flags\/index\.ts only/,
    );
    assertCaught(
      "src/app.tsx",
      'import { inner } from "./proxy/inner.ts";',
      /reached through src\/proxy\/index\.ts only/,
    );
  });

  test("re-exports, dynamic imports and imports for their effect count like any import", () => {
    assertCaught("src/kernel/planted.ts", 'export * from "../flags/index.ts";', /kernel may not import flags/);
    assertCaught(
      "src/kernel/planted.ts",
      'export const load = () => import("../flags/index.ts");',
      /kernel may not import flags/,
    );
    assertCaught("src/kernel/planted.ts", 'import "../flags/index.ts";', /kernel may not import flags/);
    assertCaught(
      "src/kernel/planted.ts",
      'import type { Port } from "../flags/index.ts";',
      /kernel may not import flags/,
    );
  });

  test("the contract sees the core's ports as types only, the platform sees no more than ports", () => {
    assertCaught("src/contract/planted.ts", 'import { LIST } from "../proxy/ports.ts";', /as types only/);
    assertCaught("src/contract/planted.ts", 'import { type Port, LIST } from "../proxy/ports.ts";', /as types only/);
    assert.deepEqual(plant("src/platform/planted.ts", 'import { LIST } from "../cli/ports.ts";'), []);
    assertCaught(
      "src/platform/planted.ts",
      'import type { Port } from "../cli/index.ts";',
      /platform may not import cli/,
    );
  });

  test("only the composition root starts the embedded host", () => {
    assertCaught("e2e/planted.ts", 'import "../src/convexHost/index.ts";', /e2e may not import convexHost/);
    assertCaught("src/main.ts", 'import "./convexHost/index.ts";', /main may not import convexHost/);
    house.write("src/main.ts", 'import "./app.ts";');
  });

  test("only the in-process adapter reaches the Convex functions themselves", () => {
    assertCaught(
      "src/convexBackend/planted.ts",
      'import "../../convex/folders.ts";',
      /convexBackend may not import convex/,
    );
    assertCaught(
      "src/platform/planted.ts",
      'import "../../convex/_generated/api.js";',
      /platform may not import convex/,
    );
  });

  test("a new folder is no room until it has its arrows", () => {
    assertCaught("src/newcomer/planted.ts", 'import "../kernel/index.ts";', /newcomer is no room of the house/);
  });
});

describe("packages", () => {
  test("kernel takes nothing from npm, the contract only zod, Convex functions only Convex", () => {
    assertCaught("src/kernel/planted.ts", 'import "zod";', /kernel may import only/);
    assertCaught("src/contract/planted.ts", 'import "node:fs";', /not Node's modules/);
    assertCaught("convex/planted.ts", 'import "zod";', /convex may import only convex, convex-helpers/);
    assertCaught("convex/planted.ts", 'import "node:crypto";', /not Node's modules/);
  });

  for (const name of Object.keys(PACKAGES)) {
    test(`${name} stays in its rooms`, () => {
      assertCaught("src/report/planted.ts", `import "${name}";`, /may be imported only in/);
    });
  }

  test("one file of the candidate imports prom-client, a second one is refused", () => {
    house.write("src/convexBackend/metrics.ts", 'import "prom-client";');
    assertCaught(
      "src/convexBackend/planted.ts",
      'import "prom-client";',
      /src\/convexBackend\/metrics\.ts already does/,
    );
  });
});

describe("oxlint", () => {
  const plants = {
    "typescript(no-floating-promises)": "async function work(): Promise<void> {}\nwork();",
    "typescript(no-explicit-any)": "export const value: any = 1;",
    "typescript(no-unsafe-assignment)": 'export const value: { a: number } = JSON.parse("{}");',
    "typescript(no-misused-promises)":
      "async function work(): Promise<boolean> { return true; }\nexport const f = (): number => (work() ? 1 : 2);",
    "typescript(consistent-type-imports)": 'import { Port } from "./ports.ts";\nexport type P = Port;',
    "eslint(no-unused-vars)": "const forgotten = 1;\nexport const kept = 2;",
    "typescript(no-non-null-assertion)": "export const first = (list: string[]): string => list[0]!;",
    "typescript(switch-exhaustiveness-check)":
      'export function f(x: "a" | "b"): number {\n  switch (x) {\n    case "a":\n      return 1;\n  }\n  return 2;\n}',
    "typescript(ban-ts-comment)": "// @ts-ignore\nexport const value: number = 'x';",
    "import(no-cycle)": 'import { looped } from "./loop.ts";\nexport const planted = (): unknown => looped;',
    "unicorn(prefer-node-protocol)": 'import { join } from "path";\nexport const j = join;',
  };
  before(() => {
    for (const file of [".oxlintrc.json", "tsconfig.json", "package.json"])
      copyFileSync(join(ROOT, file), join(house.root, file));
    symlinkSync(join(ROOT, "node_modules"), join(house.root, "node_modules"));
    house.write(
      "src/kernel/loop.ts",
      'import { planted } from "./planted.ts";\nexport const looped = (): unknown => planted;',
    );
  });

  const lint = () => spawnSync(tool("oxlint"), ["--type-aware", "src/kernel"], { cwd: house.root, encoding: "utf8" });

  test("finds nothing in the clean kernel", () => {
    house.write("src/kernel/planted.ts", "export const planted = 1;");
    const run = lint();
    assert.equal(run.status, 0, run.stdout);
  });

  for (const [rule, text] of Object.entries(plants)) {
    test(`fails on a planted ${rule}`, () => {
      const isCycle = rule === "import(no-cycle)";
      house.write("src/kernel/planted.ts", isCycle ? text : `${text}\nexport const planted = 1;`);
      const run = lint();
      assert.equal(run.status, 1);
      assert.ok(run.stdout.includes(rule), run.stdout);
    });
  }
});
