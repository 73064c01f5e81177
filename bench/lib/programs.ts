import { spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join } from "node:path";

// Debian puts servers into sbin, which is not on an ordinary user's PATH.
const SYSTEM_FOLDERS = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/** Path of a program of the system, or null. */
export function findProgram(name: string): string | null {
  for (const folder of [...(process.env["PATH"] ?? "").split(delimiter), ...SYSTEM_FOLDERS]) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this folder
    }
  }
  return null;
}

const FLAG: Readonly<Record<string, string>> = { wrk: "-v", nginx: "-v", haproxy: "-v" };

/** The version a program tells of itself; "not installed" when it is not there. */
export function programVersion(name: string): string {
  const path = findProgram(name);
  if (path === null) return "not installed";
  const { stdout, stderr } = spawnSync(path, [FLAG[name] ?? "--version"], { encoding: "utf8", timeout: 5_000 });
  return /\d+(?:\.\d+)+/.exec(`${stdout}${stderr}`)?.[0] ?? "unknown";
}

const require = createRequire(import.meta.url);

/** The version of an installed package; packages that hide their package.json are found by their folder. */
export function packageVersion(name: string): string {
  for (let folder = dirname(require.resolve(name)); folder !== dirname(folder); folder = dirname(folder)) {
    try {
      const read = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as {
        name?: string;
        version?: string;
      };
      if (read.name === name && read.version !== undefined) return read.version;
    } catch {
      // no package.json in this folder
    }
  }
  return "unknown";
}
