// What must be on the machine before anything can be installed (ux.md §2, row "look"): Node, npm, Python.
import { spawnSync } from "node:child_process";

const NODE_MIN = 20;
const PYTHON_MIN = [3, 11];
const PYTHON_COMMANDS = process.platform === "win32" ? ["py -3", "python3", "python"] : ["python3", "python"];

/** Something is missing that only a person can install; exit 2 with the sentence. */
export class MissingPrerequisite extends Error {}

export function checkNode(version = process.versions.node) {
  if (Number(version.split(".")[0]) >= NODE_MIN) return;
  throw new MissingPrerequisite(
    `Node ${NODE_MIN} or newer is needed; found ${version}. Install it from your system's packages or nodejs.org.`,
  );
}

export function checkNpm(env) {
  const found = spawnSync("npm", ["--version"], { env, encoding: "utf8", shell: process.platform === "win32" });
  if (found.status === 0) return;
  throw new MissingPrerequisite(
    "npm is needed and was not found on PATH. It comes with Node; Debian packages it apart: sudo apt-get install npm",
  );
}

// `ensurepip` is what Debian leaves out without python3-venv: `venv` imports and then fails half way.
const PROBE = "import sys, json, venv, ensurepip; print(json.dumps(list(sys.version_info[:3])))";

function probe(command, env) {
  const [program, ...args] = command.split(" ");
  const run = spawnSync(program, [...args, "-c", PROBE], { env, encoding: "utf8" });
  if (run.error) return { command, program, args, kind: "absent", text: "not found" };
  if (run.status !== 0) {
    const isVenvMissing = /No module named '?(venv|ensurepip)/.test(run.stderr);
    return {
      command,
      program,
      args,
      kind: isVenvMissing ? "no-venv" : "broken",
      text: run.stderr.trim().split("\n").at(-1),
    };
  }
  const version = JSON.parse(run.stdout);
  const isNew = version[0] > PYTHON_MIN[0] || (version[0] === PYTHON_MIN[0] && version[1] >= PYTHON_MIN[1]);
  return { command, program, args, kind: isNew ? "fine" : "old", text: version.join(".") };
}

/** The first Python that is new enough and can make virtual environments, as `[program, ...args]`. */
export function findPython(env) {
  const seen = PYTHON_COMMANDS.map((command) => probe(command, env));
  const fine = seen.find((one) => one.kind === "fine");
  if (fine) return [fine.program, ...fine.args];
  const found = seen.map((one) => `${one.command}: ${one.text}`).join("; ");
  const fix = seen.some((one) => one.kind === "no-venv")
    ? "Its `venv` module is missing: sudo apt-get install python3-venv"
    : "Install it from your system's packages or python.org.";
  throw new MissingPrerequisite(`Python ${PYTHON_MIN.join(".")} or newer with venv is needed; found ${found}. ${fix}`);
}
