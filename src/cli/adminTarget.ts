import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { isLoopbackHost, OPERATE_TOKEN_FILE } from "../console/index.ts";
import { EXIT } from "../kernel/index.ts";
import { type AdminClient, createAdminClient } from "./adminClient.ts";
import { CliError } from "./cliError.ts";
import { readAdminPlace } from "./configFile.ts";
import { type CommonOptions, DEFAULT_CONFIG_FILE } from "./options.ts";
import type { Output } from "./output.ts";
import type { CliDeps } from "./ports.ts";

/** The admin API that the common options mean, with the token that fits it (ux.md §3). */
export async function openAdmin(
  deps: Pick<CliDeps, "env">,
  options: CommonOptions,
  out: Pick<Output, "complain">,
): Promise<AdminClient> {
  const place = readAdminPlace(options.config ?? DEFAULT_CONFIG_FILE, options.config !== undefined, deps.env);
  const url = options.adminUrl ?? urlOf(place.listen);
  const { hostname, protocol } = new URL(url);
  const isLoopback = isLoopbackHost(hostname);
  const token =
    deps.env["SWITCHYARD_TOKEN"] || (isLoopback ? await readToken(join(place.stateDir, OPERATE_TOKEN_FILE)) : null);
  if (token !== null && !isLoopback && protocol === "http:") {
    out.complain(`The token goes to ${url} without encryption; anyone on the way can read it. Use https or a tunnel.`);
  }
  return createAdminClient(url, token);
}

/** `admin.listen` as an address to call: a listener on every address is reached on loopback. */
function urlOf(listen: string): string {
  const match = /^(.*):(\d{1,5})$/.exec(listen);
  const host = match?.[1] ?? "";
  const url = `http://${host === "0.0.0.0" || host === "[::]" || host === "" ? "127.0.0.1" : host}:${match?.[2] ?? ""}`;
  if (!match || !URL.canParse(url)) {
    throw new CliError(
      EXIT.configuration,
      `admin.listen "${listen}" is no address.`,
      "Write it as 127.0.0.1:9901, or name the process with --admin-url.",
    );
  }
  return url;
}

async function readToken(file: string): Promise<string | null> {
  try {
    return (await readFile(file, "utf8")).trim() || null;
  } catch {
    // Nobody made one, or it is another user's: reading may still be open, and a change is refused with the reason.
    return null;
  }
}
