// Where things are, and how to get onto the project's own Node. Plain JavaScript that Node 20 parses.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const IS_WINDOWS = process.platform === "win32";

export const ROOT = resolve(fileURLToPath(import.meta.url), "../../..");

/** The Node of the project: the npm package `node`, a devDependency (house.md §6). */
export function projectNode(root = ROOT) {
  return join(root, "node_modules", "node", "bin", IS_WINDOWS ? "node.exe" : "node");
}

export function venvPython(root = ROOT) {
  return IS_WINDOWS
    ? join(root, "legacy", ".venv", "Scripts", "python.exe")
    : join(root, "legacy", ".venv", "bin", "python");
}

/**
 * Lets every Node that is started from here keep what it compiled (TypeScript becomes JavaScript only once), beside the
 * packages. A folder the caller chose stays.
 */
export function keepCompiled(root = ROOT, env = process.env) {
  env.NODE_COMPILE_CACHE ??= join(root, "node_modules", ".cache", "compiled");
}

/** A tool that npm installed, as its path in `node_modules/.bin`. */
export function tool(name, root = ROOT) {
  return join(root, "node_modules", ".bin", IS_WINDOWS ? `${name}.cmd` : name);
}

/** Environment whose PATH starts with the project's tools, so that `node` means the project's Node in every child. */
export function projectEnv(root = ROOT, env = process.env) {
  const bin = join(root, "node_modules", ".bin");
  return { ...env, PATH: [bin, ...withoutProjectBins(env.PATH)].join(delimiter) };
}

/** The PATH without any `node_modules/.bin`: what npm itself must run on, since `npm ci` deletes that folder first. */
export function withoutProjectBins(path = "") {
  return path.split(delimiter).filter((entry) => entry !== "" && !/[\\/]node_modules[\\/]\.bin[\\/]?$/.test(entry));
}

/**
 * Node 20 may start a script (`node scripts/unit.mjs` from a shell); the sources need the project's Node, so the
 * script runs again on it. Returns only when the running Node is new enough.
 */
export function runOnProjectNode(root = ROOT) {
  if (Number(process.versions.node.split(".")[0]) >= 24) return;
  const node = projectNode(root);
  if (!existsSync(node)) {
    process.stderr.write("The project is not installed yet: run `node scripts/ensure.mjs` first.\n");
    process.exit(2);
  }
  const child = spawnSync(node, process.argv.slice(1), { stdio: "inherit", env: projectEnv(root) });
  process.exit(child.status ?? 1);
}

export function readText(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
