// `npm run test:unit [-- <part of a path> …]`: unit and property tests of the sources, the Convex functions and these scripts.
// `--long` runs the long suites (`*.long.ts`) beside them.
import { closeWith, findTestFiles, runNodeTests, selectFiles } from "./lib/nodeTests.mjs";
import { keepCompiled, runOnProjectNode } from "./lib/project.mjs";

runOnProjectNode();
keepCompiled();

const words = process.argv.slice(2);
const patterns = [
  "src/**/*.test.ts",
  "convex/**/*.test.ts",
  "e2e/support/**/*.test.ts",
  "e2e/contract/harness/*.test.ts",
  "e2e/contract/run/*.test.ts",
  "bench/**/*.test.ts",
  "scripts/**/*.test.mjs",
];
if (words.includes("--long")) patterns.push("src/**/*.long.ts", "convex/**/*.long.ts");
const files = selectFiles(findTestFiles(patterns), words);
closeWith(
  // Three at once on two cores: every third process waits for a time limit or for a process of its own to end.
  await runNodeTests(files, { concurrency: 3, timeoutMs: words.includes("--long") ? 900_000 : 120_000 }),
);
