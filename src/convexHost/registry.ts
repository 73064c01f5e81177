// The functions of a loaded realm, and how callers name them. Pure but for asking each function for its validators once.
import type { JSONValue } from "convex/values";
import { parseValidator, type ValidatorJson } from "./validate.ts";
import type { LoadedRealm } from "./vmRealm.ts";
import type { FunctionAddress, FunctionKind } from "./words.ts";

export interface RegisteredFunction {
  readonly address: FunctionAddress;
  readonly kind: FunctionKind;
  readonly isInternal: boolean;
  readonly args: ValidatorJson;
  readonly returns: ValidatorJson | null;
  /** Runs it with the JSON text of a list with its one argument; gives the JSON text of its value. */
  readonly invoke: (argsJson: string) => Promise<string>;
}

/** `handler` of a route in `http.ts`. */
export interface HttpHandler {
  invokeHttpAction(request: Request): Promise<unknown>;
}

export interface Registry {
  find(address: FunctionAddress): RegisteredFunction | null;
  /** The handler of the app's `http.ts` for a path and method, and the route that names it; null when none fits. */
  route(path: string, method: string): { readonly handler: HttpHandler; readonly name: string } | null;
}

/** What `convex/server` makes of a handler (registration_impl.ts). */
interface Registered {
  readonly isQuery?: boolean;
  readonly isMutation?: boolean;
  readonly isAction?: boolean;
  readonly isInternal?: boolean;
  exportArgs(): string;
  exportReturns(): string;
  invokeQuery(args: string): Promise<string>;
  invokeMutation(args: string): Promise<string>;
  invokeAction(requestId: string, args: string): Promise<string>;
}

interface Router {
  readonly isRouter?: boolean;
  lookup(path: string, method: string): readonly [handler: HttpHandler, method: string, path: string] | null;
}

/** @throws Error naming the function whose validators cannot be read (an undefined one: a circular import) */
export function createRegistry(realm: Pick<LoadedRealm, "modules">): Registry {
  const functions = new Map<string, RegisteredFunction>();
  for (const [component, modules] of realm.modules) {
    for (const [module, exported] of modules) {
      for (const [name, value] of Object.entries(exported)) {
        const found = readFunction({ component, path: `${module}:${name}` }, value);
        if (found !== null) functions.set(keyOf(found.address), found);
      }
    }
  }
  const router = realm.modules.get("")?.get("http")?.["default"] as Router | undefined;
  if (router !== undefined && router.isRouter !== true) {
    throw new Error("http.ts must export by default what httpRouter() gave");
  }
  return {
    find: (address) => functions.get(keyOf({ ...address, path: canonicalPath(address.path) })) ?? null,
    route(path, method) {
      const found = router?.lookup(path, method) ?? null;
      return found === null ? null : { handler: found[0], name: `${found[1]} ${found[2]}` };
    },
  };
}

const keyOf = ({ component, path }: FunctionAddress): string => `${component}|${path}`;

/** `lib/jobs.js:run` → `lib/jobs:run`; `lib/jobs` → `lib/jobs:default`. */
export function canonicalPath(path: string): string {
  const cut = path.lastIndexOf(":");
  const module = (cut < 0 ? path : path.slice(0, cut)).replace(/\.js$/, "");
  return `${module}:${cut < 0 ? "default" : path.slice(cut + 1)}`;
}

function readFunction(address: FunctionAddress, value: unknown): RegisteredFunction | null {
  if (typeof value !== "function") return null;
  const registered = value as unknown as Registered;
  const kind = kindOf(registered);
  if (kind === null) return null;
  const where = showAddress(address);
  try {
    const returns = JSON.parse(registered.exportReturns()) as JSONValue;
    return {
      address,
      kind,
      isInternal: registered.isInternal === true,
      args: parseValidator(JSON.parse(registered.exportArgs()), `args of ${where}`),
      returns: returns === null ? null : parseValidator(returns, `returns of ${where}`),
      invoke: invokerOf(registered, kind),
    };
  } catch (error) {
    throw new Error(`${where}: ${(error as Error).message}`, { cause: error });
  }
}

function kindOf(registered: Registered): FunctionKind | null {
  if (registered.isQuery === true) return "query";
  if (registered.isMutation === true) return "mutation";
  return registered.isAction === true ? "action" : null;
}

function invokerOf(registered: Registered, kind: FunctionKind): (argsJson: string) => Promise<string> {
  if (kind === "query") return (args) => registered.invokeQuery(args);
  if (kind === "mutation") return (args) => registered.invokeMutation(args);
  return (args) => registered.invokeAction("", args);
}

/** How messages name a function. */
export function showAddress({ component, path }: FunctionAddress): string {
  return component === "" ? path : `${path} of component "${component}"`;
}

/** How a syscall names a function: `getFunctionAddress` of convex/src/server/components/paths.ts. */
export interface TargetArgs {
  readonly name?: JSONValue;
  readonly reference?: JSONValue;
  readonly functionHandle?: JSONValue;
}

export interface Target {
  readonly address: FunctionAddress;
  /** Only a component's public functions can be called through its reference. */
  readonly isPublicOnly: boolean;
}

const HANDLE = "function://";
const CHILD = "_reference/childComponent/";

/** The function a syscall of a function in `component` names. @throws Error when it names none that can be called */
export function targetOf(args: TargetArgs, component: string): Target {
  const named = args.functionHandle ?? args.name;
  if (typeof named === "string") {
    if (named.startsWith(HANDLE)) return { address: addressOfHandle(named), isPublicOnly: false };
    return { address: { component, path: canonicalPath(named) }, isPublicOnly: false };
  }
  const { reference } = args;
  if (typeof reference === "string" && reference.startsWith(CHILD)) {
    const [child = "", ...steps] = reference.slice(CHILD.length).split("/");
    const name = steps.pop();
    if (child !== "" && name !== undefined && steps.length > 0) {
      const path = component === "" ? child : `${component}/${child}`;
      return { address: { component: path, path: `${steps.join("/")}:${name}` }, isPublicOnly: true };
    }
  }
  throw new Error(`${JSON.stringify(reference ?? named ?? null)} is not a reference to a function`);
}

/** A text that names a function for good: it may be stored, and handed to other components. */
export function handleOf({ component, path }: FunctionAddress): string {
  return `${HANDLE}${component};${path}`;
}

function addressOfHandle(handle: string): FunctionAddress {
  const cut = handle.indexOf(";");
  if (cut < 0) throw new Error(`${JSON.stringify(handle)} is not a function handle of this deployment`);
  return { component: handle.slice(HANDLE.length, cut), path: canonicalPath(handle.slice(cut + 1)) };
}
