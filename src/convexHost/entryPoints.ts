// Which files of a functions folder define functions: the rules of the Convex CLI (convex/src/bundler/index.ts).

const EXTENSIONS = [".js", ".mjs", ".cjs", ".ts", ".tsx", ".mts", ".cts", ".jsx"];

/**
 * Whether `relativePath` (with "/") may define functions. Files with two dots (`x.test.ts`, `auth.config.ts`), dotfiles,
 * editor files, `_generated/` and `schema` may not (embedded-convex §3.5).
 */
export function isEntryPoint(relativePath: string): boolean {
  const base = relativePath.slice(relativePath.lastIndexOf("/") + 1);
  if (!EXTENSIONS.some((extension) => base.endsWith(extension))) return false;
  if (relativePath.startsWith("_generated/") || relativePath.includes(" ")) return false;
  if (base.startsWith(".") || base.startsWith("#")) return false;
  return base !== "schema.ts" && base !== "schema.js" && base.split(".").length === 2;
}

/** A TypeScript file without one `import` or `export` is a script, not a module: the CLI leaves it out. */
export function isModule(relativePath: string, source: string): boolean {
  return !/\.tsx?$/.test(relativePath) || /^\s{0,100}(import|export)/m.test(source);
}

/** `lib/jobs.ts` → `lib/jobs`: the module's name in a function's path. */
export function moduleNameOf(relativePath: string): string {
  return relativePath.replace(/\.[^./]+$/, "");
}

const BEFORE_DIRECTIVE = /^(?:\s|\/\/[^\n]*(?:\n|$)|\/\*[\s\S]*?\*\/|;)*/;
const DIRECTIVE = /^(?:"([^"\n]*)"|'([^'\n]*)')/;

/** Whether the file opens with the directive `"use node"`: such files run in Node on Convex, and not at all here. */
export function hasUseNodeDirective(source: string): boolean {
  let rest = source.replace(/^\uFEFF?(?:#![^\n]*)?/, "");
  for (;;) {
    rest = rest.replace(BEFORE_DIRECTIVE, "");
    const found = DIRECTIVE.exec(rest);
    if (found === null) return false;
    if ((found[1] ?? found[2]) === "use node") return true;
    rest = rest.slice(found[0].length);
  }
}
