import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import vm from "node:vm";
import { AUTH_CONFIG_GLOBAL, BUNDLE_GLOBAL, type Bundle, bundleFunctions } from "./esbuildBundle.ts";
import { makeFunctionFolder } from "./testing/functionFolder.ts";

function modulesOf(bundle: Bundle): Record<string, Record<string, unknown>> {
  return vm.runInNewContext(`${bundle.code}\n;${BUNDLE_GLOBAL}.default`, { process: { env: {} } }) as never;
}

test("bundles every entry point under its module's name, and the schema, but no tests, configurations or generated files", async (t) => {
  const folder = makeFunctionFolder(t, {
    "messages.ts": 'import { helper } from "./model/helper.ts";\nexport const list = helper;',
    "model/helper.ts": "export const helper: string = 'yes';",
    "schema.ts": "export default { export: () => '{}' };",
    "messages.test.ts": "throw new Error('a test was bundled');",
    "auth.config.ts": "export default { providers: [] };",
    "_generated/server.js": "throw new Error('generated code was bundled as an entry point');",
    ".hidden.ts": "export const no = 1;",
    "notes.ts": "const justNotes = 1;",
  });
  const bundle = await bundleFunctions(folder.root, null);
  const modules = modulesOf(bundle);
  assert.deepEqual(Object.keys(modules).sort(), ["|messages", "|model/helper", "|schema"]);
  assert.equal(modules["|messages"]?.["list"], "yes");
  assert.match(bundle.authConfigCode ?? "", new RegExp(`var ${AUTH_CONFIG_GLOBAL}`));
});

test("refuses all files with the directive, each by name", async (t) => {
  const folder = makeFunctionFolder(t, {
    "mail.ts": '"use node";\nexport const send = 1;',
    "lib/pdf.ts": '// PDF\n"use node";\nexport const print = 1;',
    "fine.ts": "export const fine = 1;",
  });
  await assert.rejects(
    bundleFunctions(folder.root, null),
    /"use node" files are not offered.*: lib\/pdf\.ts, mail\.ts$/,
  );
});

test("says where and what when something cannot be bundled", async (t) => {
  const folder = makeFunctionFolder(t, {
    "broken.ts": 'import fs from "node:fs";\nexport const read = fs.readFileSync;',
  });
  await assert.rejects(bundleFunctions(folder.root, null), /could not be bundled:[\s\S]*"node:fs"[\s\S]*broken\.ts:1/);
  await assert.rejects(
    bundleFunctions(path.join(folder.dir, "nowhere"), null),
    /Expected a folder of functions at .*nowhere/,
  );
});

test("resolves packages as the Convex CLI does: condition convex first, and the platform is a browser's", async (t) => {
  const folder = makeFunctionFolder(t, { "a.ts": 'export { where } from "./pkg/index.js";' });
  folder.write("pkg/index.js", 'export { where } from "#where";');
  folder.write(
    "pkg/package.json",
    JSON.stringify({ imports: { "#where": { convex: "./convex.js", node: "./node.js", default: "./default.js" } } }),
  );
  for (const name of ["convex", "node", "default"]) folder.write(`pkg/${name}.js`, `export const where = "${name}";`);
  assert.equal(modulesOf(await bundleFunctions(folder.root, null))["|a"]?.["where"], "convex");
});

test("finds installed components and theirs, names them by path, and reads what is passed to them", async (t) => {
  const folder = makeFunctionFolder(t, {
    "convex.config.ts": `
      import { defineApp } from "convex/server";
      import { v } from "convex/values";
      import counter from "./parts/counter/convex.config";
      const app = defineApp({ env: { LIMIT: v.string() } });
      app.use(counter, { env: { MAX: app.env.LIMIT, UNIT: "steps" } });
      app.use(counter, { name: "second", env: { MAX: "9", UNIT: "m" } });
      export default app;`,
    "api.ts": "export const a = 1;",
    "parts/counter/convex.config.ts": `
      import { defineComponent } from "convex/server";
      import { v } from "convex/values";
      import clock from "../clock/convex.config.js";
      const component = defineComponent("counter", { env: { MAX: v.string(), UNIT: v.string() } });
      component.use(clock);
      export default component;`,
    "parts/counter/lib.ts": "export const add = 1;",
    "parts/clock/convex.config.ts":
      'import { defineComponent } from "convex/server";\nexport default defineComponent("clock");',
    "parts/clock/time.ts": "export const now = 1;",
  });
  const bundle = await bundleFunctions(folder.root, null);
  assert.deepEqual(
    bundle.components.map(({ path: at, name, environment }) => [at, name, environment]),
    [
      ["", "", {}],
      ["counter", "counter", { MAX: { envVar: "LIMIT" }, UNIT: { value: "steps" } }],
      ["second", "second", { MAX: { value: "9" }, UNIT: { value: "m" } }],
      ["counter/clock", "clock", {}],
      ["second/clock", "clock", {}],
    ],
  );
  const clocks = ["counter/clock|time", "second/clock|time"];
  assert.deepEqual(Object.keys(modulesOf(bundle)).sort(), [...clocks, "counter|lib", "second|lib", "|api"].sort());
});

test("refuses a component with routes of its own, by name", async (t) => {
  const folder = makeFunctionFolder(t, {
    "convex.config.ts": `
      import { defineApp } from "convex/server";
      import part from "./part/convex.config";
      const app = defineApp();
      app.use(part, { httpPrefix: "/part" });
      export default app;`,
    "part/convex.config.ts":
      'import { defineComponent } from "convex/server";\nexport default defineComponent("part");',
  });
  await assert.rejects(bundleFunctions(folder.root, null), /Component "part": "httpPrefix" is not offered/);
});

test("takes the bundle from the cache while nothing has changed, and makes a new one when anything has", async (t) => {
  const folder = makeFunctionFolder(t, {
    "a.ts": 'import { b } from "./model/b.ts";\nexport const a = b;',
    "model/b.ts": "export const b = 1;",
  });
  const cache = path.join(folder.dir, "cache");
  const first = await bundleFunctions(folder.root, cache);
  const [file = ""] = readdirSync(cache);
  const stored = readFileSync(path.join(cache, file), "utf8");
  assert.deepEqual(await bundleFunctions(folder.root, cache), first);
  assert.equal(readFileSync(path.join(cache, file), "utf8"), stored);

  folder.write("model/b.ts", "export const b = 2;");
  const second = await bundleFunctions(folder.root, cache);
  assert.notEqual(second.hash, first.hash);
  assert.equal(modulesOf(second)["|a"]?.["a"], 2);

  folder.write("c.ts", "export const c = 3;");
  assert.equal(modulesOf(await bundleFunctions(folder.root, cache))["|c"]?.["c"], 3);
  rmSync(path.join(folder.root, "c.ts"));
  assert.deepEqual(await bundleFunctions(folder.root, cache), second);

  folder.write("auth.config.ts", "export default { providers: [] };");
  assert.notEqual((await bundleFunctions(folder.root, cache)).authConfigCode, null);
  assert.equal(readdirSync(cache).length, 1);
});

test("does not take a damaged cache", async (t) => {
  const folder = makeFunctionFolder(t, { "a.ts": "export const a = 1;" });
  const cache = path.join(folder.dir, "cache");
  const bundle = await bundleFunctions(folder.root, cache);
  const file = path.join(cache, readdirSync(cache)[0] ?? "");
  const text = readFileSync(file, "utf8");
  for (const damaged of [text.slice(0, text.length / 2), text.replace("a = 1", "a = 7"), ""]) {
    writeFileSync(file, damaged);
    assert.deepEqual(await bundleFunctions(folder.root, cache), bundle);
  }
});
