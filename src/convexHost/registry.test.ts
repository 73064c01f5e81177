import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { canonicalPath, createRegistry, handleOf, showAddress, targetOf } from "./registry.ts";

const fn = (marks: object) =>
  Object.assign(() => undefined, { exportArgs: () => '{"type":"any"}', exportReturns: () => "null" }, marks);
const realmOf = (modules: Record<string, Record<string, unknown>>) => ({
  modules: new Map([["", new Map(Object.entries(modules))]]),
});

test("a path with .js or without a name means the same function as its full form", () => {
  assert.equal(canonicalPath("lib/jobs.js:run"), "lib/jobs:run");
  assert.equal(canonicalPath("lib/jobs"), "lib/jobs:default");
  assert.equal(canonicalPath("lib/jobs.js"), "lib/jobs:default");
  assert.equal(canonicalPath("lib/jobs:run"), "lib/jobs:run");
});

test("finds registered functions only, with their kind and whether they are internal", () => {
  const registry = createRegistry(
    realmOf({
      "a/b": {
        q: fn({ isQuery: true }),
        default: fn({ isMutation: true, isInternal: true }),
        helper: () => 1,
        text: "x",
      },
    }),
  );
  assert.equal(registry.find({ component: "", path: "a/b.js:q" })?.kind, "query");
  assert.equal(registry.find({ component: "", path: "a/b" })?.isInternal, true);
  for (const path of ["a/b:helper", "a/b:text", "a/b:none", "a:q"])
    assert.equal(registry.find({ component: "", path }), null);
  assert.equal(registry.find({ component: "other", path: "a/b:q" }), null);
});

test("a function whose validator is undefined refuses the start, by name", () => {
  const broken = fn({
    isQuery: true,
    exportArgs: () => {
      throw new Error('A validator is undefined for field "x".');
    },
  });
  assert.throws(
    () => createRegistry(realmOf({ a: { q: broken } })),
    /^Error: a:q: A validator is undefined for field "x"/,
  );
  assert.throws(
    () => createRegistry(realmOf({ http: { default: {} } })),
    /http\.ts must export by default what httpRouter\(\) gave/,
  );
});

test("a name is of the caller's own component, a reference of the component it installed", () => {
  assert.deepEqual(targetOf({ name: "x:y" }, "a"), { address: { component: "a", path: "x:y" }, isPublicOnly: false });
  assert.deepEqual(targetOf({ reference: "_reference/childComponent/c/lib/x/y" }, ""), {
    address: { component: "c", path: "lib/x:y" },
    isPublicOnly: true,
  });
  assert.equal(targetOf({ reference: "_reference/childComponent/c/x/y" }, "a/b").address.component, "a/b/c");
});

test("what names no function is refused", () => {
  for (const args of [
    {},
    { name: 3 },
    { reference: "_reference/childComponent/c/y" },
    { reference: "_reference/childComponent/" },
    { reference: "_reference/currentSystemUdfInComponent/x" },
    { functionHandle: "function://x:y" },
  ]) {
    assert.throws(() => targetOf(args, ""), /is not a (reference to a function|function handle)/, JSON.stringify(args));
  }
});

test("a handle names its function for good, from wherever it is used", () => {
  const name = fc.stringMatching(/^[a-zA-Z][a-zA-Z0-9_]{0,8}$/);
  const component = fc.array(name, { maxLength: 3 }).map((steps) => steps.join("/"));
  const path = fc
    .tuple(fc.array(name, { minLength: 1, maxLength: 3 }), name)
    .map(([steps, last]) => `${steps.join("/")}:${last}`);
  fc.assert(
    fc.property(component, path, component, (of, at, from) => {
      const address = { component: of, path: at };
      assert.deepEqual(targetOf({ functionHandle: handleOf(address) }, from).address, address);
      assert.deepEqual(targetOf({ name: handleOf(address) }, from).address, address);
    }),
  );
});

test("messages name the component only where there is one", () => {
  assert.equal(showAddress({ component: "", path: "a:b" }), "a:b");
  assert.equal(showAddress({ component: "c/d", path: "a:b" }), 'a:b of component "c/d"');
});
