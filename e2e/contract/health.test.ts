import assert from "node:assert/strict";
import { AT_ARM, item, match, oneOf } from "./harness/index.ts";

item(
  "rest §6",
  "/livez is 200 `ok`, without a token",
  async (c) => {
    const reply = await c.get("/livez");
    assert.equal(reply.status, 200);
    match(reply.json(), { status: "ok" });
  },
  { on: "arms" },
);

item(
  "rest §6",
  "/readyz names its three checks",
  async (c) => {
    const reply = await c.get("/readyz");
    assert.equal(reply.status, 200);
    match(reply.json(), { status: "ready", checks: { store: "ok", boards: "ok", config: "ok" } });
  },
  { on: "arms" },
);

item(
  "faults §2",
  "not-ready: /readyz is 503 with the same keys",
  async (c) => {
    const reply = await c.api("GET", "/readyz", { headers: { "x-fault": "not-ready" } });
    assert.equal(reply.status, 503);
    const check = oneOf("ok", "fail");
    match(reply.json(), { status: "not_ready", checks: { store: check, boards: check, config: check } });
  },
  AT_ARM,
);

item(
  "security T5",
  "health, metrics and internal paths do not exist in public",
  async (c) => {
    const user = c.user();
    for (const path of [
      "/livez",
      "/readyz",
      "/metrics",
      "/internal/faults",
      "/internal/changes",
      "/internal/users/x/digest",
    ]) {
      for (const method of ["GET", "PUT", "POST"]) {
        const reply = await c.api(method, path, { user, headers: { "X-Service-Token": "anything" } });
        assert.equal(reply.status, 404, `${method} ${path}`);
      }
    }
  },
  { on: "proxy" },
);

item(
  "README §7",
  "framework pages are 404 in public",
  async (c) => {
    for (const path of ["/docs", "/redoc", "/openapi.json"]) assert.equal((await c.get(path)).status, 404, path);
  },
  { on: "proxy" },
);
