import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { createRouteTable, type RouteTable } from "./routeTable.ts";
import { NOBODY, testConfig } from "./testing/proxyFixture.ts";

const table = (...routes: unknown[]): RouteTable =>
  createRouteTable(testConfig({ control: NOBODY, routes }).units.values());
const idOf = (routes: RouteTable, method: string, path: string): string | null =>
  routes.match(method, path)?.route.id ?? null;

describe("route table", () => {
  const routes = table(
    "GET /",
    "GET /a/:id",
    "GET /a/known",
    "POST|PUT /a/:id",
    "GET /a/:id/c",
    "GET /a/b/d",
    "* /a/**",
    { match: "GET /x", also: ["/y/"], id: "twins" },
    "WS /ws/:id",
    { match: "GET /ws/:id", id: "plain" },
  );

  test("the most specific pattern wins", () => {
    const cases: readonly (readonly [string, string, string | null])[] = [
      ["GET", "/", "GET /"],
      ["GET", "/a/1", "GET /a/:id"],
      ["GET", "/a/known", "GET /a/known"],
      ["POST", "/a/known", "POST|PUT /a/:id"],
      ["PUT", "/a/1", "POST|PUT /a/:id"],
      ["DELETE", "/a/1", "* /a/**"],
      ["GET", "/a/b/c", "GET /a/:id/c"],
      ["GET", "/a/b/d", "GET /a/b/d"],
      ["GET", "/a/b/e", "* /a/**"],
      ["GET", "/a", "* /a/**"],
      ["GET", "/a/", "* /a/**"],
      ["GET", "/a/1/", "* /a/**"],
      ["GET", "/x", "twins"],
      ["GET", "/y/", "twins"],
      ["GET", "/y", null],
      ["GET", "/x/", null],
      ["GET", "/A/1", null],
      ["GET", "/none", null],
      ["POST", "/", null],
    ];
    for (const [method, path, id] of cases) assert.equal(idOf(routes, method, path), id, `${method} ${path}`);
  });

  test("sockets are routes of their own and never match *", () => {
    assert.equal(idOf(routes, "WS", "/ws/1"), "WS /ws/:id");
    assert.equal(idOf(routes, "GET", "/ws/1"), "plain");
    assert.equal(idOf(routes, "WS", "/a/1"), null);
  });

  test("parameters come in the order of the pattern, undone on the way back", () => {
    const deep = table("GET /:a/x/:b", "GET /:a/y/:b/:c");
    assert.deepEqual(deep.match("GET", "/1/x/2")?.params, ["1", "2"]);
    assert.deepEqual(deep.match("GET", "/1/y/2/3")?.params, ["1", "2", "3"]);
    const back = table("GET /a/:id/c", "GET /:any/b/d");
    assert.deepEqual(back.match("GET", "/a/b/d")?.params, ["a"]);
  });

  test("a parameter is never empty", () => {
    assert.equal(table("GET /a/:id").match("GET", "/a/"), null);
  });

  test("the path is spelled for the arm, parameters by position", () => {
    const moved = table({ match: "GET /new/:a/:b", rewrite: { control: "/old/:a/x/:b" } }).match("GET", "/new/1/$&");
    assert.ok(moved);
    assert.equal(moved.route.pathFor("control", "/new/1/$&", moved.params), "/old/1/x/$&");
    assert.equal(moved.route.pathFor("candidate", "/new/1/$&", moved.params), "/new/1/$&");
  });

  test("the names of prototypes are ordinary segments", () => {
    for (const path of ["/__proto__", "/constructor", "/a/__proto__/c", "/toString"])
      assert.doesNotThrow(() => routes.match("GET", path));
    assert.equal(idOf(routes, "constructor", "/"), null);
  });

  test("the nearest route is named, whatever the ids", () => {
    assert.equal(routes.nearest("GET", "/b/0b0b0b0b-0000-4000-8000-000000000000/c"), "GET /a/:id/c");
    assert.equal(routes.nearest("GET", `/a/${"x".repeat(100_000)}`)?.startsWith("GET"), true, "bounded work");
    assert.equal(createRouteTable([]).nearest("GET", "/a"), null);
  });

  test("many parameters do not make a match slow", () => {
    const parameters = (count: number): string => Array.from({ length: count }, (_, i) => `:p${i}`).join("/");
    const deep = table(...Array.from({ length: 12 }, (_, i) => `GET /${parameters(i + 1)}/end${i}`));
    const startMs = performance.now();
    for (let i = 0; i < 1_000; i++) deep.match("GET", `${"/a".repeat(40)}/x`);
    assert.ok(performance.now() - startMs < 1_000);
  });

  test("any path of segments finds the route that a plain reading of the patterns finds", () => {
    const patterns = ["/a", "/a/:x", "/a/b", "/:x/b", "/a/**", "/:x/:y/c"];
    const small = table(...patterns.map((pattern) => `GET ${pattern}`));
    const segment = fc.constantFrom("a", "b", "c", "d");
    fc.assert(
      fc.property(fc.array(segment, { minLength: 1, maxLength: 4 }), (segments) => {
        const fits = patterns.filter((pattern) => {
          const wanted = pattern.slice(1).split("/");
          if (wanted.at(-1) === "**")
            return segments.length >= wanted.length - 1 && wanted.slice(0, -1).every((one, i) => one === segments[i]);
          return (
            wanted.length === segments.length && wanted.every((one, i) => one.startsWith(":") || one === segments[i])
          );
        });
        const rank = (pattern: string) =>
          pattern
            .slice(1)
            .split("/")
            .map((one) => (one === "**" ? 2 : one.startsWith(":") ? 1 : 0))
            .join("");
        const best = fits.sort((a, b) => (rank(a) < rank(b) ? -1 : 1))[0];
        assert.equal(idOf(small, "GET", `/${segments.join("/")}`), best === undefined ? null : `GET ${best}`);
      }),
      { numRuns: 500 },
    );
  });
});
