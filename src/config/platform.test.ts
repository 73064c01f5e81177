import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { RouteConfig } from "./config.ts";
import { loadConfig } from "./configFile.ts";

const { config, warnings } = loadConfig({
  file: fileURLToPath(new URL("../../switchyard.config.yaml", import.meta.url)),
  env: { JWT_SECRET_KEY: "0123456789abcdef0123456789abcdef", SERVICE_TOKEN: "0123456789abcdef0123456789abcdef" },
});
const routes: readonly RouteConfig[] = [...config.units.values()].flatMap((unit) => unit.routes);
const idsOf = (isWanted: (route: RouteConfig) => boolean): string[] =>
  routes
    .filter(isWanted)
    .map((route) => route.id)
    .sort();

test("the shipped configuration is sound and warns of nothing", () => {
  assert.deepEqual(warnings, []);
  assert.deepEqual([...config.units.keys()], ["tutoring", "realtime", "conversations", "accounts"]);
  assert.equal(config.units.get("accounts")?.fixed, "control");
});

test("both spellings of the tutor socket reach each arm under the spelling that it serves", () => {
  const tutor = routes.find((route) => route.codec === "tutor");
  assert.deepEqual(tutor?.paths, ["/ws/v2/session/:id", "/api/v1/ws/session/:id"]);
  assert.deepEqual(tutor.rewrite, { control: "/api/v1/ws/session/:id", candidate: "/ws/v2/session/:id" });
});

test("every write that takes a key gets one (contract G10)", () => {
  const sessions = ["", "/analyze-session", "/documents", "/lesson", "/lesson_plan", "/log/mini-quiz", "/log/summary"];
  const expected = [
    ...["PATCH", "DELETE"].map((method) => `${method} /api/v1/folders/:id`),
    "POST /api/v1/folders/",
    "POST /api/v1/sessions",
    ...[...sessions, "/plan", "/quiz", "/quiz/:quizId/submissions"].map(
      (tail) => `${tail === "" ? "DELETE" : "POST"} /api/v1/sessions/:id${tail}`,
    ),
    "POST /api/v1/chat",
  ];
  assert.deepEqual(
    idsOf((route) => route.isKeyed && !route.paths[0]?.startsWith("/conversations")),
    expected.sort(),
  );
  const posts = idsOf(
    (route) => route.methods.includes("POST") && (route.paths[0]?.startsWith("/conversations") ?? false),
  );
  assert.deepEqual(
    idsOf((route) => route.isKeyed && posts.includes(route.id)),
    posts,
  );
});

test("a keyed write outlasts the arm's own wait of 30 s for the same key", () => {
  assert.deepEqual(
    idsOf((route) => route.isKeyed && route.firstByteMs <= 30_000),
    [],
  );
});

test("calls that sign in or refresh count per address", () => {
  assert.deepEqual(
    idsOf((route) => route.addressLimit === "login"),
    ["POST /api/auth/login", "POST /api/auth/register", "POST /auth/login-with-email"],
  );
  assert.deepEqual(
    idsOf((route) => route.addressLimit === "refresh"),
    ["POST /api/auth/refresh", "POST /auth/refresh"],
  );
});

test("pages may send the headers of contract G14 from the student app alone", () => {
  assert.deepEqual(config.cors.origins, ["http://localhost:3000", "http://127.0.0.1:3000"]);
  assert.deepEqual(config.cors.headers, [
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "X-Refresh-Token",
    "X-Request-Id",
  ]);
});
