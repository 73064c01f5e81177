// Installs what a clone lacks, and nothing else: npm packages, the project's Node, the Python environment (ux.md §2).
// Plain JavaScript for Node 20 without dependencies: it runs before anything is installed.
// Nothing to do: silent, no network, well under 0.3 s. An interrupted install leaves no stamp, so the next run repeats it.
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import { withInstallLock } from "./lib/installLock.mjs";
import { checkNode, checkNpm, findPython, MissingPrerequisite } from "./lib/prerequisites.mjs";
import { projectNode, ROOT, readText, tool, venvPython, withoutProjectBins } from "./lib/project.mjs";

const NODE_MIN = 24;
const OUTPUT_KEPT = 4_000;

/** An install step failed; the message holds the tail of what the tool said. */
class StepFailed extends Error {}

const hashOf = (...paths) => {
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`);
  for (const path of paths) hash.update(readFileSync(path));
  return hash.digest("hex");
};

const places = (root) => ({
  lockfile: join(root, "package-lock.json"),
  npmStamp: join(root, "node_modules", ".switchyard-stamp"),
  requirements: join(root, "legacy", "requirements.txt"),
  venv: join(root, "legacy", ".venv"),
  venvStamp: join(root, "legacy", ".venv", ".switchyard-stamp"),
  lock: join(root, "data", "install.lock"),
});

// Windows ships npm as a command file, which only a shell can start.
const isCommandFile = (program) => process.platform === "win32" && program === "npm";

/** Runs a tool quietly; its output is shown only when it fails. */
function runQuietly(program, args, { cwd, env }) {
  return new Promise((done, failed) => {
    const child = spawn(program, args, { cwd, env, stdio: ["ignore", "pipe", "pipe"], shell: isCommandFile(program) });
    let tail = "";
    const keep = (chunk) => {
      tail = (tail + chunk).slice(-OUTPUT_KEPT);
    };
    child.stdout.setEncoding("utf8").on("data", keep);
    child.stderr.setEncoding("utf8").on("data", keep);
    child.on("error", (cause) => failed(new StepFailed(`${program} could not start: ${cause.message}`)));
    child.on("close", (code, signal) => {
      if (code === 0) return done();
      failed(
        new StepFailed(`${tail.trimEnd()}\n${program} ${args.join(" ")} ended with ${signal ?? `exit code ${code}`}`),
      );
    });
  });
}

function nodeVersion(root) {
  const run = spawnSync(projectNode(root), ["--version"], { encoding: "utf8" });
  return run.status === 0 ? run.stdout.trim().slice(1) : null;
}

const isNodeNew = (version) => version !== null && Number(version.split(".")[0]) >= NODE_MIN;

async function installPackages(at, context) {
  rmSync(at.npmStamp, { force: true });
  const hash = hashOf(at.lockfile);
  checkNpm(context.env);
  // --include=dev: the project's Node, its types and its tools are devDependencies, also under NODE_ENV=production.
  await runQuietly("npm", ["ci", "--include=dev", "--no-audit", "--no-fund"], { cwd: context.root, env: context.env });
  await verifyNode(context);
  writeFileSync(at.npmStamp, `${hash}\n`);
  const count = Object.keys(
    JSON.parse(readText(join(context.root, "node_modules", ".package-lock.json")) ?? "{}").packages ?? {},
  ).length;
  return `npm: installed ${count} packages`;
}

/**
 * Without its install script the `node` package is an empty shell, and npm then falls back to the system's Node
 * without a word (ux.md §2, row "npm"); so the version is looked at, not assumed.
 */
async function verifyNode({ root, env }) {
  if (isNodeNew(nodeVersion(root)) && existsSync(tool("node", root))) return;
  await runQuietly("npm", ["rebuild", "node", "--foreground-scripts"], { cwd: root, env });
  const version = nodeVersion(root);
  if (isNodeNew(version) && existsSync(tool("node", root))) return;
  throw new StepFailed(
    `The npm package "node" should bring Node ${NODE_MIN} or newer; found ${version ?? "nothing that runs"}. ` +
      "Allow its install script (npm config get ignore-scripts must be false), then run `npm rebuild node`.",
  );
}

async function installPython(at, { root, env }) {
  const isRepairOnly = existsSync(at.venvStamp) && existsSync(venvPython(root));
  rmSync(at.venvStamp, { force: true });
  const hash = hashOf(at.requirements);
  const [program, ...args] = findPython(env);
  if (!isRepairOnly) await runQuietly(program, [...args, "-m", "venv", "--clear", at.venv], { cwd: root, env });
  const pip = [
    "-m",
    "pip",
    "install",
    "--disable-pip-version-check",
    "--no-input",
    "--require-hashes",
    "-r",
    at.requirements,
  ];
  await runQuietly(venvPython(root), pip, { cwd: root, env });
  writeFileSync(at.venvStamp, `${hash}\n`);
  const count = (readFileSync(at.requirements, "utf8").match(/^[A-Za-z0-9][^=\n]*==/gm) ?? []).length;
  return `Python environment: ${count} packages in legacy/.venv`;
}

function isStamped(stamp, ...sources) {
  const found = readText(stamp);
  return found !== null && found.trim() === hashOf(...sources);
}

/** Steps that are due, in order, each with its work. */
function dueSteps(root) {
  const at = places(root);
  const steps = [];
  if (!isStamped(at.npmStamp, at.lockfile) || readdirSync(join(root, "node_modules")).length === 0) {
    steps.push((context) => installPackages(at, context));
  } else if (!isNodeNew(nodeVersion(root)) || !existsSync(tool("node", root))) {
    steps.push(async (context) => {
      checkNpm(context.env);
      await verifyNode(context);
      return "npm: rebuilt the project's Node";
    });
  }
  const hasPython = existsSync(at.requirements);
  if (hasPython && !(isStamped(at.venvStamp, at.requirements) && existsSync(venvPython(root)))) {
    steps.push((context) => installPython(at, context));
  }
  return steps;
}

/** Brings the clone at `root` up to date; says one line per step through `say`. */
async function ensure({ root = ROOT, env = process.env, say = (line) => process.stderr.write(`${line}\n`) } = {}) {
  checkNode();
  if (dueSteps(root).length === 0) return;
  const clean = { ...env, PATH: withoutProjectBins(env.PATH).join(delimiter) };
  await withInstallLock(places(root).lock, say, async () => {
    // Looked at again under the lock: another run may have done the work meanwhile.
    for (const step of dueSteps(root)) {
      const startedAt = performance.now();
      const line = await step({ root, env: clean });
      say(`${line} (${((performance.now() - startedAt) / 1000).toFixed(1)} s)`);
    }
  });
}

/** `ensure` for a script's first line: a refusal is one clear sentence and an exit code, never a stack. */
export async function ensureOrExit() {
  try {
    await ensure();
  } catch (error) {
    const isKnown = error instanceof MissingPrerequisite || error instanceof StepFailed;
    process.stderr.write(`${isKnown ? error.message : error.stack}\n`);
    process.exit(error instanceof MissingPrerequisite ? 2 : 1);
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) await ensureOrExit();
