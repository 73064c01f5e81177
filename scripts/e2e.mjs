// `npm run e2e [-- <part of a path> …]`: scenarios over the real processes, two files at a time: most of their time goes
// by waiting. The long ones measure times and run alone.
// A file that needs a program of the system says so in its head, `// needs: wrk, haproxy`; without it the file is
// listed as not run and never counted as good.
import { relative } from "node:path";
import { closeWith, findTestFiles, runNodeTests, selectFiles } from "./lib/nodeTests.mjs";
import { keepCompiled, ROOT, readText, runOnProjectNode } from "./lib/project.mjs";
import { hasProgram, missingSentence } from "./lib/systemTools.mjs";

runOnProjectNode();
keepCompiled();

const words = process.argv.slice(2);
const patterns = words.includes("--long") ? ["e2e/**/*.e2e.ts", "e2e/**/*.long.ts"] : ["e2e/**/*.e2e.ts"];
const runnable = [];
for (const file of selectFiles(findTestFiles(patterns), words)) {
  const needs = /^\/\/ needs: (.+)$/m.exec(readText(file)?.slice(0, 1_000) ?? "")?.[1]?.split(/,\s*/) ?? [];
  const missing = needs.filter((name) => !hasProgram(name));
  if (missing.length === 0) runnable.push(file);
  else process.stdout.write(`not run: ${relative(ROOT, file)}: ${missingSentence(missing)}\n`);
}
const counts = await runNodeTests(runnable, {
  concurrency: words.includes("--long") ? 1 : 2,
  timeoutMs: words.includes("--long") ? 3_600_000 : 300_000,
});
closeWith(counts, { isEmptyFine: true });
