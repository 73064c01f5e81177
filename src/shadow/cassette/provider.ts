// Where model calls go: the provider's origin, over connections that are kept.
import { Agent, type ClientRequest, request as httpRequest, type ServerResponse } from "node:http";
import { Agent as TlsAgent, request as httpsRequest } from "node:https";

export interface Provider {
  /** Path of the base URL without a slash at its end: both listeners serve below it. */
  readonly basePath: string;
  readonly host: string;
  request(method: string, path: string, headers: readonly string[]): ClientRequest;
  close(): void;
}

/** Shorter than providers keep a connection: a call must not go into one that just ended. */
const IDLE_MS = 4_000;

/** @throws RangeError for a URL that is no base of model calls */
export function createProvider(base: string): Provider {
  const url = URL.parse(base);
  const isUsable = url !== null && /^https?:$/.test(url.protocol) && url.search === "" && url.hash === "";
  if (!isUsable || url.username !== "" || url.password !== "") {
    throw new RangeError("provider must be an http or https URL without user, query and fragment");
  }
  const isTls = url.protocol === "https:";
  const options = { keepAlive: true, timeout: IDLE_MS };
  const agent = isTls ? new TlsAgent(options) : new Agent(options);
  const send = isTls ? httpsRequest : httpRequest;
  return {
    basePath: url.pathname.replace(/\/+$/, ""),
    host: url.host,
    request: (method, path, headers) =>
      send({ agent, hostname: url.hostname.replace(/^\[|\]$/g, ""), port: url.port, method, path, headers }),
    close: () => agent.destroy(),
  };
}

/** The target of a call below the base path, without it; null: it is not below. */
export function pathBelow(basePath: string, target: string): string | null {
  return target.startsWith(`${basePath}/`) ? target.slice(basePath.length) : null;
}

export const UNREACHABLE = "The model provider cannot be reached.";

/** Whether the provider could be connected to, at every call. */
export type OnProvider = (isReached: boolean, cause: Error | null) => void;

/** @param onError the call failed before its answer: with a connection, or before there was one */
export function watchConnection(
  outgoing: ClientRequest,
  response: ServerResponse,
  onProvider: OnProvider,
  onError: (isConnected: boolean) => void,
): void {
  let isConnected = false;
  const reached = (): void => {
    isConnected = true;
    onProvider(true, null);
  };
  outgoing.once("socket", (socket) => {
    if (socket.connecting) socket.once("secureConnect", reached).once("connect", reached);
    else reached();
  });
  outgoing.on("error", (error) => {
    if (response.headersSent || response.destroyed) return;
    if (!isConnected) onProvider(false, error);
    onError(isConnected);
  });
}
