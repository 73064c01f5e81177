// Regenerates convex/_generated without a network: the CLI wants a deployment's address but sends nothing to it.
// With --check: fails when what is committed differs.
import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const generated = join(root, "convex", "_generated");

const snapshot = (dir) =>
  Object.fromEntries(readdirSync(dir).map((name) => [name, readFileSync(join(dir, name), "utf8")]));

function generate() {
  const cli = join(root, "node_modules", "convex", "bin", "main.js");
  const run = spawnSync(process.execPath, [cli, "codegen", "--system-udfs", "--typecheck", "disable"], {
    cwd: root,
    encoding: "utf8",
    env: { ...process.env, CONVEX_SELF_HOSTED_URL: "http://127.0.0.1:9", CONVEX_SELF_HOSTED_ADMIN_KEY: "x" },
  });
  if (run.status !== 0) {
    console.error(`codegen failed:\n${run.stdout}${run.stderr}`);
    process.exit(1);
  }
}

if (!process.argv.includes("--check")) generate();
else {
  const kept = mkdtempSync(join(tmpdir(), "codegen-"));
  cpSync(generated, kept, { recursive: true });
  const before = snapshot(generated);
  generate();
  const after = snapshot(generated);
  cpSync(kept, generated, { recursive: true });
  rmSync(kept, { recursive: true, force: true });
  const stale = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter((n) => before[n] !== after[n]);
  if (stale.length > 0) {
    console.error(`convex/_generated is stale (${stale.join(", ")}): run npm run codegen`);
    process.exit(1);
  }
}
