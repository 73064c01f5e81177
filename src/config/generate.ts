import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { EXIT, type ExitCode } from "../kernel/index.ts";
import { referenceMarkdown, schemaJson } from "./reference.ts";

/** What is generated from the schema and committed, by path in the repository. */
const TARGETS: Readonly<Record<string, () => string>> = {
  "schemas/switchyard.schema.json": schemaJson,
  "docs/config.md": referenceMarkdown,
};

/** The targets whose committed text is not what the schema yields now. */
export function staleTargets(root: string): string[] {
  return Object.entries(TARGETS)
    .filter(([path, make]) => readOrNull(join(root, path)) !== make())
    .map(([path]) => path);
}

function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

function main(args: readonly string[]): ExitCode {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  const stale = staleTargets(root);
  if (args.includes("--check")) {
    for (const path of stale) process.stderr.write(`${path} is stale: run node src/config/generate.ts\n`);
    return stale.length === 0 ? EXIT.fine : EXIT.finding;
  }
  for (const path of stale) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), TARGETS[path]?.() ?? "");
    process.stderr.write(`wrote ${path}\n`);
  }
  return EXIT.fine;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = main(process.argv.slice(2));
