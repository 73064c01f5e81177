// A folder of functions for a test: real files, real packages, removed afterwards.
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";

const PACKAGES = path.resolve(import.meta.dirname, "../../../node_modules");

export interface FunctionFolder {
  /** Where the functions are. */
  readonly root: string;
  /** The folder above, with room for a cache and data. */
  readonly dir: string;
  write(file: string, text: string): void;
}

/** Writes `files` (path below the functions → text); what they import is found in this project's packages. */
export function makeFunctionFolder(t: TestContext, files: Readonly<Record<string, string>>): FunctionFolder {
  const dir = mkdtempSync(path.join(tmpdir(), "embedded-host-functions-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  symlinkSync(PACKAGES, path.join(dir, "node_modules"));
  const root = path.join(dir, "convex");
  const write = (file: string, text: string) => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };
  for (const [file, text] of Object.entries(files)) write(file, text);
  return { root, dir, write };
}
