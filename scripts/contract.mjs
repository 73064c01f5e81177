// Entry of `npm run test:contract`: plain JavaScript, so that an older system Node can start it too. The suite itself
// runs on the Node of the repository (devDependency `node`), which executes TypeScript directly.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const local = join(root, "node_modules/.bin/node");
const node = existsSync(local) ? local : process.execPath;
const { status } = spawnSync(node, [join(root, "e2e/contract/main.ts"), ...process.argv.slice(2)], {
  stdio: "inherit",
  cwd: root,
});
process.exit(status ?? 1);
