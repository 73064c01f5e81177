// Codes and reasons of closes, as they go over the wire and into labels.

/** Close reasons hold at most 123 bytes (RFC 6455 §5.5). */
export function cutReason(reason: string): string {
  if (Buffer.byteLength(reason) <= 123) return reason;
  return Buffer.from(reason)
    .subarray(0, 123)
    .toString("utf8")
    .replace(/\ufffd+$/, "");
}

/** The code with which `ws` answers a violation (RFC 6455 §7.4.1); null: the connection itself broke. */
export function violationCode(code: string): number | null {
  if (!code.startsWith("WS_ERR_")) return null;
  if (code.endsWith("_LENGTH") && code.startsWith("WS_ERR_UNSUPPORTED")) return 1009;
  if (code === "WS_ERR_TOO_MANY_BUFFERED_PARTS") return 1008;
  return code === "WS_ERR_INVALID_UTF8" ? 1007 : 1002;
}

const KNOWN_CODES = new Set([
  1000, 1001, 1002, 1003, 1005, 1006, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 4001, 4401, 4403,
]);
/** A bounded label: an arm or a client may invent any code between 3000 and 4999. */
export const closeLabel = (code: number): string =>
  KNOWN_CODES.has(code) ? String(code) : code >= 4000 ? "4xxx" : "other";
