// Loads a bundle in a realm of its own: Convex's globals instead of Node's (embedded-convex §3.5). The realm keeps functions
// honest, so that what fails in the cloud fails here; it is not a boundary against hostile code.
import { AsyncLocalStorage } from "node:async_hooks";
import vm from "node:vm";
import type { JSONValue } from "convex/values";
import type { ComponentVariable } from "./componentTree.ts";
import { AUTH_CONFIG_GLOBAL, BUNDLE_GLOBAL, type Bundle } from "./esbuildBundle.ts";
import { furnish, type RealmSupplies } from "./realmPrelude.ts";
import { BUNDLE_FILE, createStackMap } from "./stackMap.ts";

/** How functions call the host: what `convex/server` expects as the global `Convex`. */
export type ConvexGlobal = RealmSupplies["convex"];

/** What the realm asks about the function that runs just now (frames.ts). */
export interface RealmHooks
  extends Pick<RealmSupplies, "nowMs" | "seededBytes" | "requireAction" | "log" | "setTimer" | "clearTimer"> {
  /** Path of the running function's component; "" for the app and while modules load. */
  component(): string;
}

export type Exports = Readonly<Record<string, unknown>>;

export interface LoadedRealm {
  /** By component path, then by module path. Schemas, crons and routers are among the modules. */
  readonly modules: ReadonlyMap<string, ReadonlyMap<string, Exports>>;
  /** What `schema.export()` gave, by component; components without a schema are missing. */
  readonly schemas: ReadonlyMap<string, string>;
  /** What `crons.export()` gave, by component. */
  readonly crons: ReadonlyMap<string, string>;
  /** `providers` of `auth.config.ts` as JSON; empty without one. */
  readonly authProviders: readonly JSONValue[];
  /** The frames of an error's stack, in the sources. */
  readonly mapStack: (stack: string) => readonly string[];
  /** Whether the realm made this promise, so that its rejection is the functions' business and not the host's. */
  readonly owns: (promise: unknown) => boolean;
}

const AUTH_CONFIG = "auth.config.ts";
const LOAD_TIMEOUT_MS = 10_000;

/** Shared with the realm so that bytes from one side are bytes on the other. */
const BYTES = (
  "ArrayBuffer DataView Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array " +
  "Uint32Array BigInt64Array BigUint64Array Float32Array Float64Array"
).split(" ");
const WEB = (
  "AbortController AbortSignal Blob File FormData Headers Request Response URL URLSearchParams " +
  "TextEncoder TextDecoder TextEncoderStream TextDecoderStream atob btoa structuredClone Event " +
  "EventTarget DOMException CryptoKey ReadableStream WritableStream TransformStream " +
  "ReadableStreamDefaultReader ByteLengthQueuingStrategy CountQueuingStrategy CompressionStream " +
  "DecompressionStream"
).split(" ");
const ERRORS = ["Error", "TypeError", "RangeError", "SyntaxError"];

const pick = (names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(names.map((name) => [name, (globalThis as unknown as Record<string, unknown>)[name]]));

/**
 * Runs the bundle's modules once, in order. `environment` is all that functions find in `process.env`; it is
 * read when they ask.
 * @throws Error when a module throws while it loads: what it threw, with its frames in the sources
 */
export function loadRealm(
  bundle: Bundle,
  options: {
    readonly environment: Readonly<Record<string, string>>;
    readonly convex: ConvexGlobal;
    readonly hooks: RealmHooks;
  },
): LoadedRealm {
  const { convex, hooks } = options;
  const environmentOf = createEnvironments(bundle, options.environment);
  // An ordinary global, not a contextified one: each look-up of a global name would otherwise pass through an interceptor.
  const context = vm.createContext(vm.constants.DONT_CONTEXTIFY, { name: "embedded host functions" });
  const run = (code: string, filename: string): unknown =>
    vm.runInContext(code, context, { filename, timeout: LOAD_TIMEOUT_MS }) as unknown;
  const supply = run(`(${furnish.toString()})`, "embedded-host-prelude.js") as typeof furnish;
  supply({
    ...hooks,
    convex,
    environment: () => environmentOf(hooks.component()),
    platform: {
      errors: pick(ERRORS),
      globals: { ...pick(BYTES), ...pick(WEB), AsyncLocalStorage },
      fetch,
      crypto,
      queueMicrotask,
    },
  });
  const mapStack = createStackMap(bundle.sourceMap);
  const load = (code: string, global: string, filename: string): unknown => {
    try {
      return run(`${code}\n;${global}.default`, filename);
    } catch (error) {
      const { message, stack } = error as { message?: unknown; stack?: unknown };
      const what = filename === BUNDLE_FILE ? "The functions" : AUTH_CONFIG;
      const told = [`${what} could not be loaded: ${String(message ?? error)}`, ...mapStack(String(stack))];
      throw new Error(told.join("\n"), { cause: error });
    }
  };
  const table = load(bundle.code, BUNDLE_GLOBAL, BUNDLE_FILE) as Readonly<Record<string, Exports>>;
  const authConfig =
    bundle.authConfigCode === null ? null : load(bundle.authConfigCode, AUTH_CONFIG_GLOBAL, AUTH_CONFIG);
  const modules = modulesOf(bundle, table);
  const RealmPromise = run("Promise", "embedded-host-prelude.js") as PromiseConstructor;
  return {
    modules,
    schemas: exportsOf(modules, "schema"),
    crons: exportsOf(modules, "crons"),
    authProviders: providersOf(authConfig),
    mapStack,
    owns: (promise) => promise instanceof RealmPromise,
  };
}

function modulesOf(bundle: Bundle, table: Readonly<Record<string, Exports>>): Map<string, Map<string, Exports>> {
  const modules = new Map(bundle.components.map(({ path }) => [path, new Map<string, Exports>()]));
  for (const [key, exported] of Object.entries(table)) {
    const cut = key.indexOf("|");
    modules.get(key.slice(0, cut))?.set(key.slice(cut + 1), exported);
  }
  return modules;
}

/** What the default export of each component's `module` exports as JSON text: schemas and crons do. */
function exportsOf(modules: ReadonlyMap<string, ReadonlyMap<string, Exports>>, module: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const [component, ofComponent] of modules) {
    const exported = ofComponent.get(module);
    if (exported === undefined) continue;
    const definition = exported["default"] as { export?: () => string } | undefined;
    if (typeof definition?.export !== "function") {
      throw new Error(
        `${module}.ts${component === "" ? "" : ` of component "${component}"`} must export its definition by default`,
      );
    }
    found.set(component, definition.export());
  }
  return found;
}

function providersOf(authConfig: unknown): JSONValue[] {
  if (authConfig === null) return [];
  const { providers } = (authConfig ?? {}) as { providers?: unknown };
  if (!Array.isArray(providers)) throw new Error("auth.config.ts must export { providers: [...] } by default");
  return JSON.parse(JSON.stringify(providers)) as JSONValue[];
}

/** Where this deployment is reached, which every component may know. */
const PLATFORM_VARIABLES = ["CONVEX_CLOUD_URL", "CONVEX_SITE_URL"];

/** The app has the deployment's variables, as they are when asked for; a component what the one that installs it passes on. */
function createEnvironments(
  bundle: Bundle,
  environment: Readonly<Record<string, string>>,
): (component: string) => Readonly<Record<string, string>> {
  const components = new Map(bundle.components.map((component) => [component.path, component]));
  const environmentOf = (path: string): Readonly<Record<string, string>> => {
    const component = components.get(path);
    if (path === "" || component === undefined) return environment;
    const parent = environmentOf(path.split("/").slice(0, -1).join("/"));
    const valueOf = (given: ComponentVariable) => ("value" in given ? given.value : parent[given.envVar]);
    const passed = Object.entries(component.environment).map(([name, given]) => [name, valueOf(given)] as const);
    const platform = PLATFORM_VARIABLES.map((name) => [name, environment[name]] as const);
    return Object.fromEntries(
      [...passed, ...platform].flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    );
  };
  return environmentOf;
}
