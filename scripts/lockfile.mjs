// Completes package-lock.json: `node scripts/lockfile.mjs`, or `--check` to only look.
// A registry (a company mirror, say) may not serve the builds of a package for other platforms. `npm install` then leaves
// them out of the lockfile without a word, and `npm ci` refuses that lockfile everywhere: "Missing: … from lock file".
// Each package names its builds with exact versions, so the entries can be written without asking the registry; they
// carry no integrity hash, since nobody here has seen the files. Nor may the lockfile hold addresses (ux.md §2).
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ROOT } from "./lib/project.mjs";

const PLATFORMS = [
  "aix",
  "android",
  "darwin",
  "freebsd",
  "linux",
  "netbsd",
  "openbsd",
  "openharmony",
  "sunos",
  "win32",
];
const CPUS = ["arm64", "arm", "ia32", "loong64", "mips64el", "ppc64", "riscv64", "s390x", "x64"];

/** `@x/binding-linux-arm64-musl` runs on linux, arm64, musl; a name that says no platform is not ours to judge. */
function platformOf(name) {
  const parts = name.split("/").at(-1).split(/[-_.]/);
  const os = PLATFORMS.find((one) => parts.includes(one));
  const cpu = CPUS.find((one) => parts.includes(one));
  if (!os || !cpu) return null;
  const libc = parts.some((part) => part.startsWith("musl"))
    ? ["musl"]
    : parts.some((part) => part.startsWith("gnu"))
      ? ["glibc"]
      : null;
  return { cpu: [cpu], ...(libc && os === "linux" && { libc }), os: [os] };
}

/** Entries that the lockfile lacks, by their place: `{ "node_modules/@x/darwin-arm64": {…} }`. */
export function missingEntries(lock) {
  const missing = {};
  for (const [place, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const isThere = [`${place}/node_modules/${name}`, `node_modules/${name}`].some((one) => one in lock.packages);
      const platform = platformOf(name);
      if (isThere || !platform || !/^\d+\.\d+\.\d+\S*$/.test(version)) continue;
      missing[`node_modules/${name}`] = { version, ...(entry.dev && { dev: true }), optional: true, ...platform };
    }
  }
  return missing;
}

/** Addresses of a registry in the lockfile: they would bind every clone to it. */
export const addressesIn = (lock) =>
  Object.entries(lock.packages).flatMap(([place, { resolved }]) => (/^https?:/.test(resolved ?? "") ? [place] : []));

/** npm's own order: by place, in plain text order, the root first. */
const sorted = (packages) => Object.fromEntries(Object.entries(packages).sort(([a], [b]) => a.localeCompare(b, "en")));

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const file = join(ROOT, "package-lock.json");
  const lock = JSON.parse(readFileSync(file, "utf8"));
  const missing = missingEntries(lock);
  const names = Object.keys(missing);
  const addresses = addressesIn(lock);
  for (const place of addresses)
    process.stdout.write(`${place} holds a download address; see omit-lockfile-registry-resolved in .npmrc\n`);
  if (process.argv.includes("--check")) {
    for (const name of names) process.stdout.write(`${name} is not in package-lock.json: node scripts/lockfile.mjs\n`);
    process.exitCode = names.length + addresses.length > 0 ? 1 : 0;
  } else if (names.length > 0) {
    lock.packages = sorted({ ...lock.packages, ...missing });
    writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);
    process.stdout.write(`added ${names.length} builds for other platforms\n`);
  }
}
