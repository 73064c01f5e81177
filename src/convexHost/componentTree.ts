// The components that a functions folder installs through `convex.config.ts`, and theirs (embedded-convex §3.7).
import { existsSync } from "node:fs";
import path from "node:path";
import vm from "node:vm";
import type { BuildOptions, Metafile, Plugin } from "esbuild";

/** Where a component's variable comes from: a text, or a variable of the one that installs it. */
export type ComponentVariable = { readonly value: string } | { readonly envVar: string };

export interface BundledComponent {
  /** "" for the app, "a/b" nested. */
  readonly path: string;
  /** Absolute folder of its functions. */
  readonly dir: string;
  /** The name it is installed under; "" for the app. */
  readonly name: string;
  readonly environment: Readonly<Record<string, ComponentVariable>>;
}

/** esbuild's `build`, so that its start-up is paid only when something must be built. */
export type Build = (options: BuildOptions) => Promise<{ readonly text: string; readonly metafile: Metafile }>;

interface EvaluatedConfig {
  readonly _name?: string;
  readonly _childComponents: readonly (readonly [
    name: string,
    imported: { readonly componentDefinitionPath: string },
    environment: Readonly<Record<string, string | { readonly __envVarRef: string }>> | null,
    httpPrefix?: string,
  ])[];
}

const COMPONENTS_MAX = 64;

/**
 * The app and all components below it, parents first, with the files their configurations were read from.
 * @throws Error when a component asks for what the host does not offer, or there are more than 64.
 */
export async function findComponents(
  root: string,
  build: Build,
): Promise<{ readonly components: readonly BundledComponent[]; readonly inputs: readonly string[] }> {
  const components: BundledComponent[] = [{ path: "", dir: root, name: "", environment: {} }];
  const inputs = new Set<string>();
  for (let next = 0; next < components.length; next += 1) {
    const parent = components[next];
    const file = parent === undefined ? null : configOf(parent.dir);
    if (parent === undefined || file === null) continue;
    const config = await evaluateConfig(file, build, inputs);
    for (const [name, imported, environment, httpPrefix] of config._childComponents) {
      const at = parent.path === "" ? name : `${parent.path}/${name}`;
      if (httpPrefix !== undefined) {
        throw new Error(`Component "${at}": "httpPrefix" is not offered by the embedded host.`);
      }
      if (components.length >= COMPONENTS_MAX) {
        throw new Error(`${file} installs more than ${COMPONENTS_MAX} components (does one install itself?).`);
      }
      components.push({
        path: at,
        dir: path.dirname(imported.componentDefinitionPath),
        name,
        environment: readEnvironment(environment),
      });
    }
  }
  return { components, inputs: [...inputs] };
}

function readEnvironment(
  environment: Readonly<Record<string, string | { readonly __envVarRef: string }>> | null,
): Record<string, ComponentVariable> {
  const entries = Object.entries(environment ?? {});
  return Object.fromEntries(
    entries.map(([name, given]) => [
      name,
      typeof given === "string" ? { value: given } : { envVar: given.__envVarRef },
    ]),
  );
}

/** The folder's `convex.config.ts` or `.js`; null without one. */
export function configOf(dir: string): string | null {
  const candidates = ["convex.config.ts", "convex.config.js"].map((name) => path.join(dir, name));
  return candidates.find((file) => existsSync(file)) ?? null;
}

/** Runs a configuration file alone: the components it imports are replaced by where they are and what they are called. */
async function evaluateConfig(file: string, build: Build, inputs: Set<string>): Promise<EvaluatedConfig> {
  const replaceImports: Plugin = {
    name: "component-definitions",
    setup(on) {
      on.onResolve({ filter: /convex\.config(\.[jt]s)?$/ }, async (asked) => {
        if (asked.kind === "entry-point" || asked.pluginData === "resolving") return null;
        const { kind, importer, resolveDir } = asked;
        const found = await on.resolve(asked.path, { kind, importer, resolveDir, pluginData: "resolving" });
        return found.errors.length > 0
          ? { errors: found.errors }
          : { path: found.path, namespace: "component-definition" };
      });
      on.onLoad({ filter: /.*/, namespace: "component-definition" }, async (asked) => ({
        contents: JSON.stringify({
          componentDefinitionPath: asked.path,
          defaultName: (await evaluateConfig(asked.path, build, inputs))._name,
        }),
        loader: "json",
      }));
    },
  };
  const { text, metafile } = await build({
    entryPoints: [file],
    globalName: "__config",
    plugins: [replaceImports],
    absWorkingDir: path.dirname(file),
  });
  for (const input of Object.keys(metafile.inputs)) {
    if (!input.startsWith("component-definition:")) inputs.add(path.resolve(path.dirname(file), input));
  }
  const config = vm.runInNewContext(`${text}\n;__config.default`, { process: { env: {} } }) as unknown;
  if (typeof config !== "object" || config === null || !("_childComponents" in config)) {
    throw new Error(`${file} must export by default what defineApp() or defineComponent() gave.`);
  }
  return config as EvaluatedConfig;
}
