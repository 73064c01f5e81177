// Bundles a folder of functions, and the components it installs, as the Convex CLI does: `platform: browser`, conditions
// `convex` and `module`, one script for one realm (embedded-convex §3.5).
import { existsSync, globSync, readFileSync } from "node:fs";
import path from "node:path";
import type { BuildFailure, BuildOptions, Plugin } from "esbuild";
import { readCached, sha256Hex, writeCached } from "./bundleCache.ts";
import { configOf, findComponents, type Build, type BundledComponent } from "./componentTree.ts";
import { hasUseNodeDirective, isEntryPoint, isModule, moduleNameOf } from "./entryPoints.ts";

export interface Bundle {
  /** Script that sets the variable `BUNDLE_GLOBAL` to `{ "<component>|<module>": its exports }`. */
  readonly code: string;
  /** Source map of `code` as JSON text; its sources are relative to the folder above the functions. */
  readonly sourceMap: string;
  /** SHA-256 of everything that runs, hex. */
  readonly hash: string;
  /** The app first, then parents before their children. */
  readonly components: readonly BundledComponent[];
  /** Script that sets `AUTH_CONFIG_GLOBAL` to the exports of `auth.config.ts`; null without one. */
  readonly authConfigCode: string | null;
}

export const BUNDLE_GLOBAL = "__embeddedHostModules";
export const AUTH_CONFIG_GLOBAL = "__embeddedHostAuthConfig";

const MAKER = "embedded host bundle 1";

interface EntryPoint {
  readonly component: string;
  readonly module: string;
  readonly file: string;
}

/**
 * Bundles the functions below `root` (absolute, or relative to the working directory). With `cacheDir` the last bundle is
 * kept there, and taken again while every file that went into it is the same.
 * @throws Error naming the files with `"use node"`, or what esbuild could not build.
 */
export async function bundleFunctions(root: string, cacheDir: string | null): Promise<Bundle> {
  const dir = path.resolve(root);
  if (!existsSync(dir)) throw new Error(`Expected a folder of functions at ${dir}: there is none.`);
  const key = { maker: MAKER, root: dir };
  const cached = cacheDir === null ? null : readCached(cacheDir, key);
  if (cached !== null) {
    const { bundle, entries } = JSON.parse(cached) as { bundle: Bundle; entries: string };
    if (listEntries(bundle.components) === entries) return bundle;
  }
  const { bundle, inputs } = await make(dir);
  if (cacheDir !== null) {
    writeCached(cacheDir, key, inputs, JSON.stringify({ bundle, entries: listEntries(bundle.components) }));
  }
  return bundle;
}

async function make(root: string): Promise<{ bundle: Bundle; inputs: readonly string[] }> {
  const build = await loadBuild();
  const { components, inputs: configs } = await findComponents(root, build);
  const entries = components.flatMap(entryPointsOf);
  refuseNodeFiles(root, entries);
  const above = path.dirname(root);
  const authFile = authConfigOf(root);
  const common = { absWorkingDir: above, outfile: path.join(above, "bundle.js"), plugins: PLUGINS };
  const [main, auth] = await Promise.all([
    build({
      ...common,
      stdin: { contents: indexOf(entries), resolveDir: root, sourcefile: "entry-points.js", loader: "js" },
      globalName: BUNDLE_GLOBAL,
      sourcemap: "external",
      sourcesContent: false,
    }),
    authFile === null ? null : build({ ...common, entryPoints: [authFile], globalName: AUTH_CONFIG_GLOBAL }),
  ]);
  const bundle: Bundle = {
    code: main.text,
    sourceMap: main.map,
    hash: sha256Hex(`${main.text}\n${auth?.text ?? ""}`),
    components,
    authConfigCode: auth?.text ?? null,
  };
  const read = [main, ...(auth === null ? [] : [auth])].flatMap(({ metafile }) => Object.keys(metafile.inputs));
  const files = read.map((input) => path.resolve(above, input)).filter((file) => existsSync(file));
  const candidates = components.flatMap((component) =>
    filesOf(component).map((file) => path.join(component.dir, file)),
  );
  return { bundle, inputs: [...new Set([...files, ...candidates, ...configs, ...installedPackagesOf(root)])] };
}

/** npm's record of what is installed: another version of a package may send an import to another file. */
function installedPackagesOf(dir: string): string[] {
  const file = path.join(dir, "node_modules", ".package-lock.json");
  if (existsSync(file)) return [file];
  const above = path.dirname(dir);
  return above === dir ? [] : installedPackagesOf(above);
}

function filesOf(component: BundledComponent): string[] {
  const all = globSync("**/*", { cwd: component.dir, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(component.dir, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, "/"))
    .sort();
  const nested = all.filter((file) => /.\/convex\.config\.[jt]s$/.test(file)).map((file) => path.posix.dirname(file));
  const isOwn = (file: string) => !nested.some((dir) => file.startsWith(`${dir}/`));
  return all.filter((file) => isOwn(file) && isEntryPoint(file) && !file.split("/").includes("node_modules"));
}

/** Names every entry point and configuration, to see when one is added or removed. */
function listEntries(components: readonly BundledComponent[]): string {
  return JSON.stringify(
    components.map((component) => {
      const { dir } = component;
      return [component.path, filesOf(component), schemaOf(dir), configOf(dir), authConfigOf(dir)];
    }),
  );
}

const oneOf = (dir: string, names: readonly string[]): string | null =>
  names.map((name) => path.join(dir, name)).find((file) => existsSync(file)) ?? null;
const schemaOf = (dir: string): string | null => oneOf(dir, ["schema.ts", "schema.js"]);
const authConfigOf = (dir: string): string | null => oneOf(dir, ["auth.config.ts", "auth.config.js"]);

function entryPointsOf(component: BundledComponent): EntryPoint[] {
  const schema = schemaOf(component.dir);
  const entries = filesOf(component).map((file) => ({
    component: component.path,
    module: moduleNameOf(file),
    file: path.join(component.dir, file),
  }));
  const modules = entries.filter(({ file }) => isModule(file, readFileSync(file, "utf8")));
  return schema === null ? modules : [...modules, { component: component.path, module: "schema", file: schema }];
}

function refuseNodeFiles(root: string, entries: readonly EntryPoint[]): void {
  const refused = entries.filter(({ file }) => hasUseNodeDirective(readFileSync(file, "utf8")));
  if (refused.length === 0) return;
  const names = refused.map(({ file }) => path.relative(root, file)).join(", ");
  throw new Error(`"use node" files are not offered by the embedded host (Convex-compatible): ${names}`);
}

function indexOf(entries: readonly EntryPoint[]): string {
  const imports = entries.map(({ file }, n) => `import * as m${n} from ${JSON.stringify(file)};`);
  const table = entries.map(({ component, module }, n) => `${JSON.stringify(`${component}|${module}`)}: m${n}`);
  return `${imports.join("\n")}\nexport default { ${table.join(", ")} };\n`;
}

/** What the Convex CLI replaces, too: `server-only` is empty, `async_hooks` comes from the realm. */
const PLUGINS: Plugin[] = [
  {
    name: "realm-modules",
    setup(on) {
      on.onResolve({ filter: /^(server-only|(node:)?async_hooks)$/ }, ({ path: asked }) => ({
        path: asked,
        namespace: "realm-module",
      }));
      on.onLoad({ filter: /.*/, namespace: "realm-module" }, ({ path: asked }) => ({
        contents: asked === "server-only" ? "" : "export const AsyncLocalStorage = globalThis.AsyncLocalStorage;",
        loader: "js",
      }));
    },
  },
];

const SHARED: BuildOptions = {
  bundle: true,
  format: "iife",
  platform: "browser",
  conditions: ["convex", "module"],
  target: "esnext",
  jsx: "automatic",
  charset: "utf8",
  legalComments: "none",
  write: false,
  metafile: true,
  logLevel: "silent",
  define: { "process.env.NODE_ENV": '"production"' },
};

async function loadBuild(): Promise<(options: BuildOptions) => Promise<Awaited<ReturnType<Build>> & { map: string }>> {
  const { build, formatMessages } = await import("esbuild");
  return async (options) => {
    try {
      const { outputFiles, metafile } = await build({ ...SHARED, ...options, write: false, metafile: true });
      const textOf = (isMap: boolean) => outputFiles.find((file) => file.path.endsWith(".map") === isMap)?.text ?? "";
      return { text: textOf(false), map: textOf(true), metafile };
    } catch (error) {
      if (!isBuildFailure(error)) throw error;
      const problems = await formatMessages(error.errors, { kind: "error", color: false });
      throw new Error(`The functions could not be bundled:\n${problems.join("").trim()}`, { cause: error });
    }
  };
}

const isBuildFailure = (error: unknown): error is BuildFailure =>
  error instanceof Error && "errors" in error && Array.isArray(error.errors);
