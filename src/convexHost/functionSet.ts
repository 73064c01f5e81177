// What a folder of functions is once it is loaded: all that changes with a reload (embedded-convex §3.11).
import type { JSONValue } from "convex/values";
import { createConvexGlobal } from "./convexGlobal.ts";
import { addressOfCron } from "./cronLoop.ts";
import { type CronEntry, parseCrons } from "./cronPlan.ts";
import { bundleFunctions } from "./esbuildBundle.ts";
import { createRealmHooks } from "./frames.ts";
import type { HostLog } from "./functionHost.ts";
import { createCallerAuth, parseAuthConfig } from "./jwksAuth.ts";
import { ConfigError } from "./options.ts";
import type { CallerAuth } from "./ports.ts";
import type { JobFunctions } from "./schedulerPorts.ts";
import { type ParsedSchema, parseSchema } from "./schema.ts";
import { type LoadedRealm, loadRealm } from "./vmRealm.ts";

export interface FunctionSet {
  readonly realm: LoadedRealm;
  /** Of the components that have one. */
  readonly schemas: ReadonlyMap<string, ParsedSchema>;
  readonly crons: readonly CronEntry[];
  readonly auth: CallerAuth;
  /** Paths, "" among them. */
  readonly components: readonly string[];
}

export interface FunctionSetOptions {
  readonly functionsDir: string;
  readonly cacheDir: string;
  /** All that functions find in `process.env`. */
  readonly environment: Readonly<Record<string, string>>;
  readonly adminKey: string;
  readonly clock: () => number;
  readonly log: HostLog;
}

/** Bundles and loads the functions. @throws ConfigError with what is wrong with them */
export async function loadFunctionSet(options: FunctionSetOptions): Promise<FunctionSet> {
  const { functionsDir, cacheDir, environment, adminKey, clock, log } = options;
  try {
    const bundle = await bundleFunctions(functionsDir, cacheDir);
    const hooks = createRealmHooks({ clock, log: (level, text) => log("function.strayLog", { level, text }) });
    const realm = loadRealm(bundle, { environment, convex: createConvexGlobal(), hooks });
    const providers = parseAuthConfig({ providers: realm.authProviders as JSONValue[] });
    return {
      realm,
      schemas: new Map([...realm.schemas].map(([component, json]) => [component, parseSchemaOf(component, json)])),
      crons: [...realm.crons].flatMap(([component, json]) => parseCrons(component, json)),
      auth: createCallerAuth({ providers, adminKey, clock }),
      components: [...realm.modules.keys()],
    };
  } catch (error) {
    throw asConfigError(error);
  }
}

function parseSchemaOf(component: string, json: string): ParsedSchema {
  try {
    return parseSchema(json);
  } catch (error) {
    if (component === "") throw error;
    throw new Error(`component "${component}": ${(error as Error).message}`, { cause: error });
  }
}

/** @throws Error naming a cron whose function is none that can run by itself */
export function checkCrons(crons: readonly CronEntry[], functions: Pick<JobFunctions, "kindOf" | "resolve">): void {
  for (const entry of crons) addressOfCron(entry, functions);
}

/** What is wrong with the functions is for who configures, whoever found it. */
export function asConfigError(error: unknown): ConfigError {
  if (error instanceof ConfigError) return error;
  const problem = new ConfigError([error instanceof Error ? error.message : String(error)]);
  problem.cause = error;
  return problem;
}
