// shadow W2, ux §3: `switchyard doctor` as a process beside a running proxy, its arms and its targets.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { REPOSITORY, temporaryDir } from "../support/index.ts";
import { startRecorder } from "../shadow-integrity/support/recorder.ts";
import { commandEnv, startShadowProxy } from "../shadow-integrity/support/world.ts";

const GUARDED = `
shadow:
  sample: 100%
  targets:
    control: { url: http://127.0.0.1:8011, jwtSecretEnv: SHADOW_JWT_SECRET }
    candidate: { url: http://127.0.0.1:8012, jwtSecretEnv: SHADOW_JWT_SECRET }
`;

interface Told {
  readonly name: string;
  readonly state: string;
  readonly what: string;
}

async function startAll(t: TestContext) {
  const kinds = ["serving", "serving", "target", "target"] as const;
  const recorders = await Promise.all(kinds.map((kind) => startRecorder(kind)));
  t.after(() => Promise.all(recorders.map((one) => one.stop())));
  const [control, candidate, one, other] = recorders.map(({ url }) => url) as [string, string, string, string];
  const stateDir = temporaryDir("doctor");
  const shipped = readFileSync(join(REPOSITORY, "examples/notes/switchyard.config.yaml"), "utf8");
  const config = shipped.replace(/^shadow:[^]*$/m, "") + GUARDED;
  const file = join(stateDir, "switchyard.config.yaml");
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(file, config);
  const proxy = await startShadowProxy({
    arms: { control, candidate },
    targets: { control: one, candidate: other },
    config,
    env: { SWITCHYARD__STATE_DIR: stateDir },
  });
  t.after(() => proxy.stop());
  const adminUrl = String(proxy.logLines().find(({ msg }) => msg === "listening")?.admin ?? "");
  const env = {
    ...commandEnv(stateDir),
    SWITCHYARD__ARMS__CONTROL__URL: control,
    SWITCHYARD__ARMS__CANDIDATE__URL: candidate,
    SWITCHYARD__SHADOW__TARGETS__CONTROL__URL: one,
    SWITCHYARD__SHADOW__TARGETS__CANDIDATE__URL: other,
  };
  const ask = (more: Record<string, string> = {}, ...args: readonly string[]) =>
    new Promise<{ code: number; stdout: string; stderr: string }>((resolve) => {
      const words = [join(REPOSITORY, "src/main.ts"), "doctor", "--config", file, "--admin-url", adminUrl, ...args];
      execFile(process.execPath, words, { env: { ...env, ...more } }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      });
    });
  return { ask, recorders };
}

test("doctor beside a running proxy: all guards stand, flags are in force; one that is lost is found", async (t) => {
  const { ask, recorders } = await startAll(t);
  const before = recorders.map(({ seen }) => seen.length);
  const { code, stdout, stderr } = await ask();
  assert.equal(code, 0, stdout + stderr);
  assert.match(stdout, /^ok +running process +version \S+, ready$/m);
  assert.match(stdout, /^ok +flags in force +1 unit, from file, confirmed/m);
  for (const arm of ["control", "candidate"]) {
    assert.match(stdout, new RegExp(`^ok +target of ${arm} +http://\\S+ refuses what is not marked \\(421\\)$`, "m"));
    assert.match(stdout, new RegExp(`^ok +guard of ${arm} +http://\\S+ refuses marked writes \\(421\\)$`, "m"));
  }
  assert.match(stdout, /\n0 problems, 0 warnings\n$/);
  // Nothing that anybody could act on: no path that a route has, no credential, no body.
  for (const [at, { seen }] of recorders.entries()) {
    const own = seen.slice(before[at]);
    assert.ok(own.length > 0);
    for (const { url, headers } of own) {
      assert.match(url, /^\/switchyard-guard-/);
      assert.equal(headers.authorization, undefined);
      assert.ok((headers["content-length"] ?? "0") === "0");
    }
  }
  // The other way round: a serving instance stands where a target should.
  const [control, , , other] = recorders as [{ url: string }, unknown, unknown, { url: string }];
  assert.notEqual(control.url, other.url);
  const swapped = {
    SWITCHYARD__ARMS__CONTROL__URL: other.url,
    SWITCHYARD__SHADOW__TARGETS__CANDIDATE__URL: control.url,
  };
  const lost = await ask(swapped, "--json");
  assert.equal(lost.code, 1, lost.stdout + lost.stderr);
  const { checks } = JSON.parse(lost.stdout) as { checks: readonly Told[] };
  const failed = checks.filter(({ state }) => state === "fail").map(({ name }) => name);
  assert.ok(failed.includes("target of candidate"), JSON.stringify(checks));
  assert.ok(failed.includes("guard of control"), JSON.stringify(checks));
});
