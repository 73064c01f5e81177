import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { serviceEnv, targetEnv } from "./serviceEnv.ts";
import { createServices } from "./services.ts";

const root = mkdtempSync(join(tmpdir(), "services-"));
after(() => rmSync(root, { recursive: true, force: true }));
mkdirSync(join(root, "legacy", ".venv", "bin"), { recursive: true });
writeFileSync(join(root, "legacy", ".venv", "bin", "python"), "");

const startCandidate = () => Promise.reject(new Error("nothing is started here"));
const create = (env: NodeJS.ProcessEnv, hasCassette = false) =>
  createServices({
    root,
    env,
    secret: "s".repeat(64),
    serviceToken: "t".repeat(64),
    say: () => {},
    givenPorts: new Set(),
    startCandidate,
    hasCassette,
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

test("the cassette is one of the services, before the model that OPENAI_BASE_URL names", async () => {
  assert.deepEqual((await create({}, true)).names, ["model", "cassette", "control", "host", "candidate"]);
  const { cassette } = await create({ OPENAI_BASE_URL: "https://models.example/api/v1/" }, true);
  assert.equal(cassette?.recordUrl, `http://127.0.0.1:${cassette?.ports.record.port}/api/v1`);
  assert.equal(cassette?.replayUrl, `http://127.0.0.1:${cassette?.ports.replay.port}/api/v1`);
  assert.equal(new Set(Object.values(cassette?.ports ?? {}).map(({ port }) => port)).size, 3);
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

test("a target inherits neither the stores of its arm nor whom it trusts, but the names of its models", () => {
  const given = {
    CONVEX_URL: "https://x",
    DATABASE_URL: "postgresql://x",
    JWT_JWKS_URL: "https://k",
    SWITCHYARD_ISSUER: "i",
  };
  const models = {
    OPENAI_BASE_URL: "https://m/v1",
    OPENAI_API_KEY: "sk-real",
    OPENAI_MODEL: "x",
    MODEL_TIMEOUT_MS: "5",
  };
  const own = { OPENAI_BASE_URL: "http://replay/v1" };
  assert.deepEqual(targetEnv({ ...given, ...models }, own), {
    ...own,
    HOST: "127.0.0.1",
    MODEL_TIMEOUT_MS: "5",
    OPENAI_MODEL: "x",
  });
  // Without a base address the arm gets none of them, and so does its target.
  assert.deepEqual(targetEnv({ OPENAI_MODEL: "x" }, own), { ...own, HOST: "127.0.0.1" });
});

test("of the proxy's variables a service gets only those that it shows itself with", () => {
  const env = serviceEnv({ SWITCHYARD_ISSUER: "https://i.test", SWITCHYARD_FLAGS_TOKEN: "hidden" }, {});
  assert.deepEqual(env, { SWITCHYARD_ISSUER: "https://i.test", HOST: "127.0.0.1" });
});
