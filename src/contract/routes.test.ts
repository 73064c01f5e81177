import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { BODIES } from "./rest/index.ts";
import { canonicalPath, createRouteMatcher, pathFor } from "./routes.ts";
import { ROUTES, SERVED_ROUTES } from "./routeTable.ts";
import { SOCKETS } from "./sockets.ts";

const match = createRouteMatcher(ROUTES);
const route = (id: string) => ROUTES.find((candidate) => candidate.id === id) ?? assert.fail(`no route ${id}`);

test("the table holds R1 to R37 and C1 to C24, each id and each call once", () => {
  const ids = ROUTES.map(({ id }) => id);
  for (let n = 1; n <= 37; n += 1) assert.ok(ids.includes(`R${n}`), `R${n}`);
  for (let n = 1; n <= 24; n += 1) assert.ok(ids.includes(`C${n}`), `C${n}`);
  assert.equal(new Set(ids).size, ids.length);
  assert.equal(new Set(ROUTES.map(({ method, path }) => `${method} ${path}`)).size, ids.length);
});

test("the slice serves what the issue names and nothing else", () => {
  const served = SERVED_ROUTES.filter(({ family }) => family === "tutor").map(({ id }) => id);
  assert.equal(served.join(" "), "R1 R3 R4 R5 R6 R7 R8 R14 R15 R16 R17 R18 R19 R20 R21 R22 R23 R33");
  assert.deepEqual(Object.keys(BODIES).sort(), SERVED_ROUTES.map(({ id }) => id).sort());
  assert.deepEqual(
    SOCKETS.filter(({ status }) => status === "served").map(({ surface }) => surface),
    ["tutor", "whiteboard"],
  );
});

test("exactly the authenticated writes of G10 take a key", () => {
  const keyed = ROUTES.filter(({ isKeyed }) => isKeyed).map(({ id }) => id);
  for (const id of ["R3", "R5", "R9", "R17", "R18", "R21", "R31", "R34", "chat.send", "C10", "C19"]) {
    assert.ok(keyed.includes(id), id);
  }
  for (const id of ["R25", "R4", "auth.profile", "auth.logout", "C23", "C24", "internal.changes.apply", "C1"]) {
    assert.ok(!keyed.includes(id), id);
  }
});

test("every filled template is matched by its own route with the same parameters", () => {
  fc.assert(
    fc.property(fc.constantFrom(...ROUTES), fc.string({ minLength: 1 }), (spec, value) => {
      const names = [...spec.path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? "");
      const params = Object.fromEntries(names.map((name) => [name, value.toWellFormed()]));
      fc.pre(!names.some((name) => params[name] === "." || params[name] === ".."));
      assert.deepEqual(match(spec.method, pathFor(spec, params)), { found: "route", route: spec, params });
    }),
  );
});

test("another method on a known path names what is allowed; HEAD is not implied by GET", () => {
  assert.deepEqual(match("PUT", "/api/v1/folders/"), { found: "path", allow: ["POST", "GET"] });
  assert.deepEqual(match("HEAD", "/"), { found: "path", allow: ["GET"] });
});

test("only the folder collection takes or lacks a trailing slash", () => {
  assert.equal(match("GET", "/api/v1/folders").found, "route");
  for (const path of ["/api/v1/sessions/", "/api/health/", "/api/v1/folders//", "/livez/", "//"]) {
    assert.equal(match("GET", path).found, "nothing", path);
  }
});

test("unknown paths and names of Object's own members find nothing", () => {
  for (const path of ["", "/docs", "/api/v1/sessions/x/interact", "/constructor", "/__proto__"]) {
    assert.equal(match("GET", path).found, "nothing", path);
  }
});

test("the canonical path holds canonical ids and the contract's slash", () => {
  const id = "94C98A9F8B424C4F8A5425B0DB4DBD3E";
  assert.equal(
    canonicalPath(route("R21"), { session_id: id }),
    "/api/v1/sessions/94c98a9f-8b42-4c4f-8a54-25b0db4dbd3e",
  );
  assert.equal(canonicalPath(route("R3")), "/api/v1/folders/");
});

test("a template whose parameter is missing is a programming error", () => {
  assert.throws(() => pathFor(route("R20")), /needs \{session_id\}/);
});
