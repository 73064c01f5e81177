import { userInfo } from "node:os";
import type { AdminClient } from "./adminClient.ts";
import { openAdmin } from "./adminTarget.ts";
import { createOutput, type Output } from "./output.ts";
import { type CommonOptions, DEFAULT_CONFIG_FILE } from "./options.ts";
import type { CliDeps } from "./ports.ts";

export interface CliContext {
  readonly deps: CliDeps;
  readonly out: Output;
  readonly options: CommonOptions;
  readonly configFile: string;
  admin(): Promise<AdminClient>;
}

export function createContext(deps: CliDeps, options: CommonOptions): CliContext {
  const out = createOutput(deps, { isQuiet: options.quiet === true });
  return {
    deps,
    out,
    options,
    configFile: options.config ?? DEFAULT_CONFIG_FILE,
    admin: () => openAdmin(deps, options, out),
  };
}

/** Who acts, for the audit record; the token is what authorises, so an unusual name is left out, not refused. */
export function actorName(env: NodeJS.ProcessEnv): string | undefined {
  const name = env["USER"] ?? env["USERNAME"] ?? systemUser();
  return name !== undefined && /^[\w.@+-]{1,64}$/.test(name) ? name : undefined;
}

function systemUser(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    // No entry for this user id, as in a container with a random one.
    return undefined;
  }
}

/** The fields that every change carries. */
export function auditFields(env: NodeJS.ProcessEnv, reason: string): { reason: string; actor?: string } {
  const actor = actorName(env);
  return actor === undefined ? { reason } : { reason, actor };
}
