import assert from "node:assert/strict";
import { test } from "node:test";
import { type BannerFacts, bannerText } from "./banner.ts";

const facts: BannerFacts = {
  version: "0.1.0",
  api: "http://127.0.0.1:8000",
  admin: "http://127.0.0.1:9901",
  operateTokenFile: "data/switchyard/operate.token",
  ports: {
    control: { name: "control", port: 8001, wanted: 8001 },
    candidate: { name: "candidate", port: 8002, wanted: 8002 },
    model: { name: "model", port: 8003, wanted: 8003 },
  },
  host: { name: "host", port: 8004, wanted: 8004 },
  modelUrl: "http://127.0.0.1:8003",
  shadow: null,
  otherPorts: [],
  exposurePercent: 25,
  students: { control: 9, candidate: 3 },
  tokensFile: "data/demo/tokens.json",
  exampleUser: "u-1",
  logs: "data/logs/",
  readyMs: 6_240,
};

test("names every address, who is where, how long it took, and what to try", () => {
  const text = bannerText(facts);
  for (const part of [
    "switchyard 0.1.0   demo",
    "http://127.0.0.1:8000/",
    "http://127.0.0.1:9901/metrics",
    "data/switchyard/operate.token",
    "legacy 8001 ready",
    "convex 8002 ready",
    "embedded host (Convex-compatible) 8004 ready",
    "25 % exposed, 12 students talking (9 on control, 3 on candidate)",
    "ready in 6.2 s",
    'npx switchyard explain --user u-1 --route "GET /api/v1/sessions"',
  ])
    assert.ok(text.includes(part), `${part}\n${text}`);
  assert.equal(text.match(/curl -H "Authorization: Bearer \$\(node -p /g)?.length, 2);
  assert.doesNotMatch(text, /taken/);
});

test("the shadow's targets are named, and its ports are said when they are others", () => {
  const at = (name: string, wanted: number, port = wanted) => ({ name, port, wanted });
  const shadow = {
    cassette: [at("record", 8005), at("replay", 8006, 8008), at("cassette", 8007)],
    control: at("shadow-control", 8011),
    candidate: at("shadow-candidate", 8012),
    host: at("shadow-host", 8014),
  };
  const text = bannerText({ ...facts, shadow });
  assert.match(text, /shadow {5}every call of tutoring goes to legacy 8011 or convex 8012 too; both are starting/);
  assert.match(text, /taken {6}8006 is in use: replay is on 8008\n/);
  assert.doesNotMatch(bannerText(facts), /shadow/);
});

test("a port that was taken is said, with the one used instead", () => {
  const text = bannerText({ ...facts, otherPorts: [{ name: "api", port: 8010, wanted: 8000 }] });
  assert.match(text, /taken {6}8000 is in use: api is on 8010/);
});

test("explain gets the admin address when that is not the usual one", () => {
  assert.match(bannerText({ ...facts, admin: "http://127.0.0.1:9902" }), /--admin-url http:\/\/127\.0\.0\.1:9902/);
});

test("a deployment is named instead of the embedded host", () => {
  const text = bannerText({ ...facts, host: null });
  assert.match(text, /candidate's functions: the deployment of CONVEX_URL/);
  assert.doesNotMatch(text, /embedded/);
});

test("another model server is named instead of the stand-in", () => {
  const text = bannerText({ ...facts, ports: { ...facts.ports, model: null }, modelUrl: "https://models.example/v1" });
  assert.match(text, /model {6}https:\/\/models\.example\/v1 \(OPENAI_BASE_URL\)/);
  assert.doesNotMatch(text, /stand-in/);
});
