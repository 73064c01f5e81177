import { SwitchyardError } from "../kernel/index.ts";
import type { LegError } from "./ports.ts";

const codeOf = (error: unknown): string => {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : "";
};

const TIMEOUTS = new Set(["UND_ERR_CONNECT_TIMEOUT", "UND_ERR_HEADERS_TIMEOUT", "UND_ERR_BODY_TIMEOUT", "ETIMEDOUT"]);
const NOT_REACHED = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND", "EAI_AGAIN", "EADDRNOTAVAIL"]);
const LOST = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

/** One of our codes for what went wrong on the way to an arm. The library's text stays inside: it quotes addresses. */
export function toUpstreamError(error: unknown): SwitchyardError {
  if (error instanceof SwitchyardError) return error;
  const code = codeOf(error);
  if (TIMEOUTS.has(code)) {
    return new SwitchyardError("SY_UPSTREAM_TIMEOUT", "the backend did not answer in time", { cause: error });
  }
  const isTlsRefused = code.startsWith("ERR_TLS") || code.startsWith("ERR_SSL") || code.includes("CERT");
  if (NOT_REACHED.has(code) || isTlsRefused) {
    return new SwitchyardError("SY_UPSTREAM_REFUSED", "the backend cannot be reached", { cause: error });
  }
  return new SwitchyardError("SY_UPSTREAM_RESET", "the backend broke off before its answer was complete", {
    cause: error,
  });
}

/** The same in the mirror's words. */
export const legErrorOf = (code: string): LegError =>
  code === "SY_UPSTREAM_TIMEOUT"
    ? "timeout"
    : code === "SY_UPSTREAM_REFUSED"
      ? "refused"
      : code === "SY_UPSTREAM_RESET"
        ? "reset"
        : "protocol";

/** The connection ended; whether it had served before, undici tells in `socket.bytesRead` when it knows. */
export function isReusedConnectionLost(error: unknown): boolean {
  if (!LOST.has(codeOf(error))) return false;
  const bytesRead = (error as { socket?: { bytesRead?: unknown } }).socket?.bytesRead;
  return bytesRead === undefined || (typeof bytesRead === "number" && bytesRead > 0);
}
