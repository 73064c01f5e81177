import assert from "node:assert/strict";
import type { Reply } from "../support/index.ts";
import { AT_ARM, item } from "./harness/index.ts";

const ORIGIN = "http://localhost:3000";
const REQUEST_HEADERS = ["authorization", "content-type", "idempotency-key", "x-refresh-token", "x-request-id"];

function names(value: string | undefined): string[] {
  return (value ?? "")
    .toLowerCase()
    .split(",")
    .map((name) => name.trim());
}

function assertShared(reply: Reply, what: string): void {
  assert.equal(reply.headers["access-control-allow-origin"], ORIGIN, what);
  assert.equal(reply.headers["access-control-allow-credentials"], "true", what);
}

item("G14", "an allowed origin is echoed with credentials on every answer, errors included", async (c) => {
  const user = c.user();
  const headers = { Origin: ORIGIN };
  const missing = "6f0e8f0c-3b68-4b44-9f5a-2a0f4b4d6f10";
  assertShared(await c.api("GET", "/api/v1/sessions", { user, headers }), "200");
  assertShared(await c.api("GET", "/api/v1/sessions", { headers }), "401");
  assertShared(await c.api("GET", `/api/v1/sessions/${missing}`, { user, headers }), "404 of an object");
  assertShared(await c.api("GET", "/nothing", { user, headers }), "404 of a route");
  assertShared(await c.api("PUT", "/api/v1/sessions", { user, headers }), "405");
  assertShared(await c.api("POST", "/api/v1/folders/", { user, headers, body: { name: "" } }), "422");
});

item(
  "G14",
  "an answer to a failure inside carries the CORS headers too",
  async (c) => {
    const reply = await c.api("GET", "/api/v1/sessions", {
      user: c.user(),
      headers: { Origin: ORIGIN, "x-fault": "http-5xx" },
    });
    assert.equal(reply.status, 500);
    assertShared(reply, "500");
  },
  AT_ARM,
);

item("G14", "a pre-flight of an allowed origin is 200 `OK` with all methods and the five headers", async (c) => {
  for (const method of ["GET", "POST", "PATCH", "DELETE"]) {
    const reply = await c.api("OPTIONS", "/api/v1/sessions", {
      headers: {
        Origin: ORIGIN,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": REQUEST_HEADERS.join(","),
      },
    });
    assertShared(reply, `pre-flight for ${method}`);
    assert.ok(
      names(reply.headers["access-control-allow-methods"]).includes(method.toLowerCase()),
      reply.headers["access-control-allow-methods"],
    );
    for (const name of REQUEST_HEADERS)
      assert.ok(names(reply.headers["access-control-allow-headers"]).includes(name), name);
    if (c.isProxy) {
      assert.ok(reply.status === 200 || reply.status === 204, String(reply.status)); // the proxy speaks CORS itself
    } else {
      assert.equal(reply.status, 200);
      assert.equal(reply.text, "OK");
      assert.match(reply.headers["content-type"] ?? "", /^text\/plain/);
    }
  }
});

item("G14", "a pre-flight of a foreign origin is 400", async (c) => {
  for (const origin of ["http://evil.test", "null", "http://localhost:3000.evil.test"]) {
    const reply = await c.api("OPTIONS", "/api/v1/sessions", {
      headers: { Origin: origin, "Access-Control-Request-Method": "GET" },
    });
    assert.notEqual(reply.headers["access-control-allow-origin"], origin);
    if (!c.isProxy) assert.equal(reply.status, 400, origin);
  }
});

item("G14", "a foreign origin is not named in an answer", async (c) => {
  const reply = await c.api("GET", "/api/v1/sessions", { user: c.user(), headers: { Origin: "http://evil.test" } });
  assert.equal(reply.headers["access-control-allow-origin"], undefined);
});
