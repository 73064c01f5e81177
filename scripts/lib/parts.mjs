// The parts of `npm test` and `npm run check`: what each runs and what it cannot run without.
// `checks` are quick and read only; `python` needs one core and measures nothing; `suites` start processes and share the
// machine, so they run one after the other.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { projectNode, ROOT, tool, venvPython } from "./project.mjs";

const node = (...args) => [projectNode(), ...args];
const has = (path) => existsSync(join(ROOT, path));
const script = (name, command) => (has(command[0]) ? [{ name, command: node(...command), countsAs: "check" }] : []);

export function checks() {
  return [
    { name: "types", command: [tool("tsc"), "--noEmit", "-p", "."] },
    { name: "lint", command: [tool("oxlint"), "--type-aware"] },
    { name: "format", command: [tool("biome"), "ci", "--colors=off", "--reporter=summary", "."] },
    { name: "boundaries", command: node("scripts/boundaries.mjs") },
    { name: "dead code", command: [tool("knip"), "--no-progress"] },
    { name: "lockfile", command: node("scripts/lockfile.mjs", "--check") },
    // Generated files are committed, so that reading them needs no tool; here they must equal what is generated now.
    ...script("fresh: config", ["src/config/generate.ts", "--check"]),
    ...script("fresh: convex", ["scripts/codegen.mjs", "--check"]),
  ].map((part) => ({ ...part, countsAs: "check" }));
}

export function python() {
  if (!has("legacy/tutoring")) return [];
  const notRun = existsSync(venvPython()) ? null : "needs the Python environment; node scripts/ensure.mjs";
  const run = (name, args, countsAs) => ({
    name,
    command: [venvPython(), "-m", ...args],
    cwd: join(ROOT, "legacy"),
    countsAs,
    notRun,
  });
  return [
    run("ruff", ["ruff", "check", "."], "check"),
    run("ruff format", ["ruff", "format", "--check", "."], "check"),
    run("mypy", ["mypy"], "check"),
    run("pytest", ["pytest"], "tests"),
  ];
}

export function suites({ isLong }) {
  const long = isLong ? ["--long"] : [];
  return [
    { name: "unit", command: node("scripts/unit.mjs", ...long), countsAs: "tests" },
    ...(has("scripts/contract.mjs")
      ? [{ name: "contract", command: node("scripts/contract.mjs", "--check"), countsAs: "tests" }]
      : []),
    ...(has("e2e") && readdirSync(join(ROOT, "e2e")).length > 0
      ? [{ name: "e2e", command: node("scripts/e2e.mjs", ...long), countsAs: "tests" }]
      : []),
  ];
}
