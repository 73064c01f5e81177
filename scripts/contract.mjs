// Entry of `npm run test:contract`: plain JavaScript, so that an older system Node can start it too. The suite itself
// runs on the Node of the repository (devDependency `node`), which executes TypeScript directly.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { keepCompiled, ROOT, runOnProjectNode } from "./lib/project.mjs";

runOnProjectNode();
keepCompiled();

const { status } = spawnSync(process.execPath, [join(ROOT, "e2e/contract/main.ts"), ...process.argv.slice(2)], {
  stdio: "inherit",
  cwd: ROOT,
});
process.exit(status ?? 1);
