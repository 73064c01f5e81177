import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createServices, serviceEnv } from "./services.ts";

const root = mkdtempSync(join(tmpdir(), "services-"));
after(() => rmSync(root, { recursive: true, force: true }));
mkdirSync(join(root, "legacy", ".venv", "bin"), { recursive: true });
writeFileSync(join(root, "legacy", ".venv", "bin", "python"), "");

const startCandidate = () => Promise.reject(new Error("nothing is started here"));
const create = (env: NodeJS.ProcessEnv) =>
  createServices({
    root,
    env,
    secret: "s".repeat(64),
    serviceToken: "t".repeat(64),
    say: () => {},
    givenPorts: new Set(),
    startCandidate,
  });

test("without another model server the stand-in is one of the services", async () => {
  const services = await create({ OPENAI_API_KEY: "sk-real" });
  assert.ok(services.hasStandIn);
  assert.deepEqual(services.names, ["model", "control", "host", "candidate"]);
});

test("OPENAI_BASE_URL replaces the stand-in", async () => {
  const services = await create({ OPENAI_BASE_URL: "http://127.0.0.1:9/v1", OPENAI_API_KEY: "sk-real" });
  assert.ok(!services.hasStandIn);
  assert.deepEqual(services.names, ["control", "host", "candidate"]);
  assert.equal(services.urls.model, "http://127.0.0.1:9/v1");
});

test("CONVEX_URL replaces the embedded host", async () => {
  const services = await create({ CONVEX_URL: "https://happy-animal-123.convex.cloud" });
  assert.deepEqual(services.names, ["model", "control", "candidate"]);
  assert.equal(services.deployment, "https://happy-animal-123.convex.cloud");
});

test("every service has a port of its own", async () => {
  const { ports } = await create({});
  assert.equal(new Set(Object.values(ports).map(({ port }) => port)).size, 4);
});

test("a model key found alone in the environment reaches no service, so the demo cannot spend money", () => {
  const env = serviceEnv(
    { OPENAI_API_KEY: "sk-real", OPENAI_MODEL: "x", PATH: "/bin", PORT: "1", HOST: "0.0.0.0" },
    { PORT: "8001" },
  );
  assert.deepEqual(env, { PATH: "/bin", HOST: "127.0.0.1", PORT: "8001" });
});

test("of the proxy's variables a service gets only those that it shows itself with", () => {
  const env = serviceEnv({ SWITCHYARD_ISSUER: "https://i.test", SWITCHYARD_FLAGS_TOKEN: "hidden" }, {});
  assert.deepEqual(env, { SWITCHYARD_ISSUER: "https://i.test", HOST: "127.0.0.1" });
});
