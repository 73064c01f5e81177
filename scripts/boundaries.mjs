// Checks every import of the sources against the table in lib/arrows.mjs (house.md §2).
// oxlint's no-restricted-imports matches the text of an import; what counts here is the file it leads to.
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, posix, relative, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { parseSync } from "oxc-parser";
import { ARROWS, PACKAGES, ROOM_PACKAGES, TEST_PACKAGES } from "./lib/arrows.mjs";
import { findTestFiles as findFiles } from "./lib/nodeTests.mjs";
import { ROOT, runOnProjectNode } from "./lib/project.mjs";

const SOURCES = ["src/**/*.{ts,tsx}", "convex/**/*.{ts,tsx}", "e2e/**/*.{ts,tsx}", "bench/**/*.{ts,tsx}"];
const isTest = (file) => /\.(test|long|e2e)\.tsx?$|(^|\/)test\.setup\.ts$|(^|\/)testing\//.test(file);

/** `src/flags/x.ts` → `flags`; `src/app.ts` → `app`; `convex/x.ts` → `convex`; null outside every room. */
export function roomOf(file) {
  const parts = file.split("/");
  if (parts[0] !== "src") return parts[0] in ARROWS ? parts[0] : null;
  return parts.length === 2 ? parts[1].replace(/\.tsx?$/, "") : parts[1];
}

const packageOf = (specifier) => {
  if (specifier.startsWith("node:")) return "node:";
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
};

/** Every static import, re-export and literal dynamic import: `{ specifier, isType, line }`. */
export function importsOf(file, source) {
  const { module, errors } = parseSync(file, source);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0].message}`);
  const lineAt = (offset) => source.slice(0, offset).split("\n").length;
  const found = module.staticImports.map((one) => ({
    specifier: one.moduleRequest.value,
    isType: one.entries.length > 0 && one.entries.every((entry) => entry.isType),
    line: lineAt(one.start),
  }));
  for (const one of module.staticExports) {
    const entries = one.entries.filter((entry) => entry.moduleRequest);
    if (entries.length === 0) continue;
    const isType = entries.every((entry) => entry.isType);
    found.push({ specifier: entries[0].moduleRequest.value, isType, line: lineAt(one.start) });
  }
  for (const one of module.dynamicImports) {
    const literal = /^(["'`])([^"'`$]+)\1$/.exec(source.slice(one.moduleRequest.start, one.moduleRequest.end).trim());
    if (literal) found.push({ specifier: literal[2], isType: false, line: lineAt(one.start) });
  }
  return found;
}

function targetOf(root, file, specifier) {
  const path = resolve(root, dirname(file), specifier);
  const inside = existsSync(path) && statSync(path).isDirectory() ? join(path, "index.ts") : path;
  return relative(root, inside).split(sep).join(posix.sep);
}

function checkRooms(file, room, target, isType) {
  const arrows = ARROWS[room];
  const to = roomOf(target);
  if (arrows === undefined) return `${room} is no room of the house: add it to scripts/lib/arrows.mjs with its arrows`;
  if (to === room) return null;
  if (arrows.paths?.some((path) => (path.endsWith("/") ? target.startsWith(path) : target === path))) return null;
  const isPorts = target === `src/${to}/ports.ts`;
  if (isPorts && arrows.portTypes?.includes(to)) {
    return isType ? null : `${room} may import the ports of ${to} as types only (import type)`;
  }
  if (isPorts && arrows.ports?.includes(to)) return null;
  if (!arrows.rooms?.includes(to)) {
    const may = [...(arrows.rooms ?? []), ...(arrows.ports ?? arrows.portTypes ?? []).map((one) => `${one}/ports.ts`)];
    return `${room} may not import ${to ?? target}; it may import ${may.join(", ") || "nothing of ours"}`;
  }
  if (target !== `src/${to}/index.ts`) return `${to} is reached through src/${to}/index.ts only`;
  return null;
}

function checkPackage(file, room, name) {
  if (isTest(file) && TEST_PACKAGES.includes(name)) return null;
  const own = ROOM_PACKAGES[room];
  if (own && !own.includes(name)) {
    return `${room} may import only ${own.join(", ")}; not ${name === "node:" ? "Node's modules" : name}`;
  }
  const places = PACKAGES[name];
  if (!places || places.in.includes(room) || places.oneFileOf?.includes(room)) return null;
  return `${name} may be imported only in ${[...places.in, ...(places.oneFileOf ?? [])].join(", ")}`;
}

/** Packages that one file of a room may import: a second file is a problem. */
function checkSingles(uses) {
  const problems = [];
  for (const [name, { oneFileOf = [] }] of Object.entries(PACKAGES)) {
    for (const room of oneFileOf) {
      const files = uses.filter((use) => use.name === name && use.room === room && !isTest(use.file));
      for (const use of files.filter((one) => one.file !== files[0].file)) {
        problems.push({
          ...use,
          text: `${name} may be imported by one file of ${room}; ${files[0].file} already does`,
        });
      }
    }
  }
  return problems;
}

/** All problems below `root`, sorted by file and line: `{ file, line, text }`. */
export function checkBoundaries(root = ROOT) {
  const problems = [];
  const uses = [];
  const paths = findFiles(SOURCES, { root });
  if (paths.length === 0) throw new Error(`no sources below ${root}: nothing was checked`);
  for (const path of paths) {
    const file = relative(root, path).split(sep).join(posix.sep);
    const room = roomOf(file);
    for (const { specifier, isType, line } of importsOf(file, readFileSync(path, "utf8"))) {
      const isRelative = specifier.startsWith(".");
      const name = isRelative ? null : packageOf(specifier);
      if (name) uses.push({ file, line, room, name });
      const text = name
        ? checkPackage(file, room, name)
        : checkRooms(file, room, targetOf(root, file, specifier), isType);
      if (text) problems.push({ file, line, text });
    }
  }
  problems.push(...checkSingles(uses));
  return problems.sort((a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1));
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  runOnProjectNode();
  const problems = checkBoundaries(resolve(process.argv[2] ?? ROOT));
  for (const { file, line, text } of problems) process.stdout.write(`${file}:${line}  ${text}\n`);
  if (problems.length > 0)
    process.stdout.write(`${problems.length} forbidden import(s); the arrows are in scripts/lib/arrows.mjs\n`);
  process.exitCode = problems.length > 0 ? 1 : 0;
}
