// Against a real npm and a real Python in a throw-away clone whose only package comes from a folder beside it,
// with the registry pointed at a closed port: nothing here may need the network.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { projectNode, ROOT, withoutProjectBins } from "./lib/project.mjs";

const closedNetwork = {
  npm_config_registry: "http://127.0.0.1:9/",
  npm_config_offline: "true",
  PIP_INDEX_URL: "http://127.0.0.1:9/",
  PIP_RETRIES: "0",
};

function shellScript(path, body) {
  writeFileSync(path, `#!/bin/sh\n${body}\n`);
  chmodSync(path, 0o755);
}

/** A clone with ensure's own files, a `node` package that runs `nodeProgram`, and an empty list of Python packages. */
function makeClone(nodeBody = `exec "${projectNode()}" "$@"`) {
  const root = mkdtempSync(join(tmpdir(), "ensure-"));
  cpSync(join(ROOT, "scripts", "lib"), join(root, "scripts", "lib"), { recursive: true });
  cpSync(join(ROOT, "scripts", "ensure.mjs"), join(root, "scripts", "ensure.mjs"));
  mkdirSync(join(root, "vendor", "node", "bin"), { recursive: true });
  shellScript(join(root, "vendor", "node", "bin", "node"), nodeBody);
  const write = (path, value) => writeFileSync(join(root, path), JSON.stringify(value));
  write("vendor/node/package.json", { name: "node", version: "24.0.0", bin: { node: "bin/node" } });
  write("package.json", {
    name: "clone",
    version: "1.0.0",
    type: "module",
    devDependencies: { node: "file:vendor/node" },
  });
  write("package-lock.json", {
    name: "clone",
    version: "1.0.0",
    lockfileVersion: 3,
    requires: true,
    packages: {
      "": { name: "clone", version: "1.0.0", devDependencies: { node: "file:vendor/node" } },
      "node_modules/node": { resolved: "vendor/node", link: true },
      "vendor/node": { version: "24.0.0", dev: true, bin: { node: "bin/node" } },
    },
  });
  mkdirSync(join(root, "legacy"));
  writeFileSync(join(root, "legacy", "requirements.txt"), "# nothing is needed\n");
  return root;
}

function runEnsure(root, { path = withoutProjectBins(process.env.PATH).join(delimiter), env = {} } = {}) {
  const startedAt = performance.now();
  const run = spawnSync(process.execPath, ["scripts/ensure.mjs"], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, ...closedNetwork, ...env, PATH: path },
  });
  return { code: run.status, out: run.stdout, err: run.stderr, ms: performance.now() - startedAt };
}

/** A PATH where `programs` come first; each is a shell script. */
function pathWith(root, programs) {
  const bin = mkdtempSync(join(root, "bin-"));
  for (const [name, body] of Object.entries(programs)) shellScript(join(bin, name), body);
  return [bin, ...withoutProjectBins(process.env.PATH)].join(delimiter);
}

const npmStamp = (root) => join(root, "node_modules", ".switchyard-stamp");
const venvStamp = (root) => join(root, "legacy", ".venv", ".switchyard-stamp");

describe("ensure, in one clone from first run to repair", () => {
  let root;
  before(() => {
    root = makeClone();
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  test("installs packages and the Python environment, one line a step with its duration, on stderr only", () => {
    const run = runEnsure(root);
    assert.equal(run.code, 0, run.err);
    assert.equal(run.out, "");
    assert.match(
      run.err,
      /^npm: installed \d+ packages \(\d+\.\d s\)\nPython environment: 0 packages in legacy\/\.venv \(\d+\.\d s\)\n$/,
    );
    assert.ok(existsSync(npmStamp(root)) && existsSync(venvStamp(root)));
    assert.ok(!existsSync(join(root, "data", "install.lock")));
  });

  test("is silent and quick, and starts no installer, when nothing is to be done", () => {
    const path = pathWith(root, { npm: "exit 9", python3: "exit 9", python: "exit 9" });
    const runs = [1, 2, 3, 4, 5].map(() => runEnsure(root, { path }));
    for (const run of runs) assert.deepEqual([run.code, run.out, run.err], [0, "", ""]);
    // The best of five: the other core may be busy with the rest of the tests.
    assert.ok(
      Math.min(...runs.map((run) => run.ms)) <= 300,
      `took ${runs.map((run) => Math.round(run.ms)).join(", ")} ms`,
    );
  });

  test("repeats only the step whose lock file changed", () => {
    writeFileSync(join(root, "legacy", "requirements.txt"), "# still nothing\n");
    const run = runEnsure(root);
    assert.equal(run.code, 0, run.err);
    assert.match(run.err, /^Python environment: .*\n$/);
  });

  test("repairs a Node package that lost its program, or says so when that is impossible", () => {
    const node = join(root, "vendor", "node", "bin", "node");
    const good = readFileSync(node);
    shellScript(node, "echo v20.0.0");
    const run = runEnsure(root);
    assert.equal(run.code, 1);
    assert.match(run.err, /should bring Node 24 or newer; found 20\.0\.0/);
    writeFileSync(node, good);
    assert.deepEqual(runEnsure(root).err, "");
  });
});

describe("ensure, refused or interrupted", () => {
  let root;
  before(() => {
    root = makeClone();
  });
  after(() => rmSync(root, { recursive: true, force: true }));

  test("an install that fails or is killed leaves no stamp, and shows what the tool said", () => {
    const failed = runEnsure(root, {
      path: pathWith(root, { npm: '[ "$1" = --version ] && exit 0; echo no space left; exit 7' }),
    });
    assert.equal(failed.code, 1);
    assert.match(failed.err, /no space left\nnpm ci .* ended with exit code 7/);
    const killed = runEnsure(root, { path: pathWith(root, { npm: '[ "$1" = --version ] && exit 0; kill -9 $$' }) });
    assert.equal(killed.code, 1);
    assert.match(killed.err, /ended with SIGKILL/);
    assert.ok(!existsSync(npmStamp(root)));
  });

  test("a Python that is too old, or lacks venv, is named with the fix, exit 2", () => {
    const oldPython = "echo '[3, 9, 1]'";
    const old = runEnsure(root, { path: pathWith(root, { python3: oldPython, python: oldPython }) });
    assert.equal(old.code, 2, old.err);
    assert.match(old.err, /Python 3\.11 or newer with venv is needed; found python3: 3\.9\.1; python: 3\.9\.1\./);
    const noVenv = "echo \"ModuleNotFoundError: No module named 'ensurepip'\" >&2; exit 1";
    const bare = runEnsure(root, { path: pathWith(root, { python3: noVenv, python: noVenv }) });
    assert.equal(bare.code, 2);
    assert.match(bare.err, /sudo apt-get install python3-venv/);
    assert.ok(!existsSync(venvStamp(root)));
  });

  test("a lock left by a dead process does not block the next install", () => {
    const dead = spawnSync(process.execPath, ["-p", "process.pid"], { encoding: "utf8" }).stdout.trim();
    mkdirSync(join(root, "data"), { recursive: true });
    writeFileSync(join(root, "data", "install.lock"), `${dead}\n`);
    const run = runEnsure(root);
    assert.equal(run.code, 0, run.err);
    assert.doesNotMatch(run.err, /waiting/);
  });
});
