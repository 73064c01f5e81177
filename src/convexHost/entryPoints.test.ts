import assert from "node:assert/strict";
import { test } from "node:test";
import { hasUseNodeDirective, isEntryPoint, isModule, moduleNameOf } from "./entryPoints.ts";

test("files of functions are entry points, in every folder and language that esbuild reads", () => {
  for (const file of ["messages.ts", "lib/jobs.js", "http.ts", "crons.ts", "a/b/c.tsx", "x.mjs", "x.cts", "y.jsx"]) {
    assert.equal(isEntryPoint(file), true, file);
  }
});

test("tests, configurations, dotfiles, generated files, schemas and other texts are no entry points", () => {
  const others = [
    "messages.test.ts",
    "auth.config.ts",
    "convex.config.ts",
    "types.d.ts",
    "lib/.hidden.ts",
    ".eslintrc.js",
    "_generated/api.js",
    "schema.ts",
    "lib/schema.js",
    "#messages.ts",
    "my file.ts",
    "README.md",
    "data.json",
    "tsconfig",
  ];
  for (const file of others) assert.equal(isEntryPoint(file), false, file);
});

test("a TypeScript file without import or export is left out, a JavaScript file is not", () => {
  assert.equal(isModule("notes.ts", "const a = 1;\n// export later\n"), false);
  assert.equal(isModule("notes.ts", "const a = 1;\n  export { a };\n"), true);
  assert.equal(isModule("notes.js", "const a = 1;\n"), true);
});

test("the module's name is its path without the last extension", () => {
  assert.equal(moduleNameOf("lib/jobs.ts"), "lib/jobs");
  assert.equal(moduleNameOf("http.mjs"), "http");
});

test("the directive is found behind comments and other directives, and nowhere else", () => {
  for (const source of [
    '"use node";\nimport fs from "fs";',
    "'use node'\n",
    '/* licence\n */ // more\n\n"use strict";\n"use node";',
    '\uFEFF#!/usr/bin/env node\n"use node";',
  ]) {
    assert.equal(hasUseNodeDirective(source), true, source);
  }
  for (const source of [
    'export const a = "use node";',
    '// "use node";\nexport {};',
    '"use client";\nexport {};',
    'import a from "a";\n"use node";',
    "",
  ]) {
    assert.equal(hasUseNodeDirective(source), false, source);
  }
});
