// docs/dependencies.md says what we depend on and under which licence; here it must be what the manifests say.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "./lib/project.mjs";

const read = (path) => readFileSync(join(ROOT, path), "utf8");
const manifest = JSON.parse(read("package.json"));
const { packages } = JSON.parse(read("package-lock.json"));

/** The rows of the tables below a heading, each as its cells. */
function rowsBelow(heading) {
  const section = read("docs/dependencies.md")
    .split(/^## /m)
    .find((one) => one.startsWith(heading));
  assert.ok(section, `docs/dependencies.md has no heading "${heading}"`);
  const lines = section.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| Package"));
  return lines.map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The names in backticks of a first cell; what an alias stands for is no name of its own. */
const namesIn = (cell) =>
  [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1]).filter((name) => !name.includes(":"));
const namesBelow = (heading) =>
  rowsBelow(heading)
    .flatMap(([first]) => namesIn(first))
    .sort();

const withoutExtras = (name) => name.replace(/\[.*\]$/, "");
const isOurs = (part) => /^(MIT|Apache-2\.0|BSD(-[23]-Clause)?|ISC)$/.test(part);
/** An SPDX expression fits when one of its alternatives is on the list as a whole. */
const isOnList = (licence) =>
  licence
    .replace(/[()]/g, "")
    .split(" OR ")
    .some((one) => one.split(" AND ").every(isOurs));
const nameOf = (place) => place.split("node_modules/").at(-1);

test("the table of run time names exactly the dependencies", () => {
  assert.deepEqual(namesBelow("At run time"), Object.keys(manifest.dependencies).sort());
});

test("the table of development names exactly the devDependencies", () => {
  const types = (name) => (name.startsWith("@types/") ? "@types/*" : name);
  const wanted = [...new Set(Object.keys(manifest.devDependencies).map(types))].sort();
  assert.deepEqual(namesBelow("For development and tests"), wanted);
});

test("the Python table names exactly what requirements.in asks for", () => {
  const lines = read("legacy/requirements.in").split("\n");
  const wanted = lines.filter((line) => /^[a-z]/i.test(line)).map(withoutExtras);
  assert.deepEqual(namesBelow("Python").map(withoutExtras), wanted.sort());
});

test("every table but the last one holds only licences of the list", () => {
  for (const heading of ["At run time", "For development and tests", "Python"]) {
    for (const [first, licences] of rowsBelow(heading)) {
      for (const licence of licences.split(/, | or |\//)) assert.ok(isOnList(licence), `${first}: ${licence}`);
    }
  }
});

test("what comes along under another licence is named, and nothing is named that no longer comes along", () => {
  const others = Object.entries(packages).filter(([place, { license }]) => place && license && !isOnList(license));
  const found = new Set(others.map(([place]) => nameOf(place)));
  const named = new Set(namesBelow("What comes along"));
  assert.deepEqual(
    [...found].filter((name) => !named.has(name)),
    [],
  );
  const locked = new Set(
    [...read("legacy/requirements.txt").matchAll(/^([a-z][\w.-]*)==/gim)].map((match) => match[1]),
  );
  const isPython = (name) => locked.has(name) || locked.has(name.replaceAll("_", "-"));
  assert.deepEqual(
    [...named].filter((name) => !found.has(name) && !isPython(name)),
    [],
  );
});
