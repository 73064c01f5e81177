// `npm test`: everything that must hold before a change is shared. `-- --long` adds the long suites, other words pick parts.
import { ensureOrExit } from "./ensure.mjs";
import { checks, python, suites } from "./lib/parts.mjs";
import { runOnProjectNode } from "./lib/project.mjs";
import { runParts } from "./lib/runParts.mjs";

await ensureOrExit();
runOnProjectNode();

const words = process.argv.slice(2);
const names = words.filter((word) => !word.startsWith("-"));
const pick = (parts) => (names.length === 0 ? parts : parts.filter((part) => names.includes(part.name)));
const groups = [
  { parts: pick([...checks(), ...python()]), lanes: 2 },
  { parts: pick(suites({ isLong: words.includes("--long") })), lanes: 1 },
];
if (groups.every(({ parts }) => parts.length === 0)) {
  const known = [...checks(), ...python(), ...suites({ isLong: false })].map((part) => part.name);
  process.stderr.write(`No part is called ${names.join(", ")}. Parts: ${known.join(", ")}\n`);
  process.exit(2);
}
process.exitCode = await runParts(groups);
