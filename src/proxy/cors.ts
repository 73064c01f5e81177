import type { CorsConfig } from "../config/index.ts";

/** The proxy's own CORS answers; the arms' never pass (security O1–O3, contract G14). */
export interface Cors {
  /** Exact comparison: scheme, host and port, as browsers send them. `null` and variants never match. */
  isAllowed(origin: string): boolean;
  /** Flat headers for an answer to this origin; empty for a foreign one. */
  headersFor(origin: string | null): readonly string[];
  /** Status, flat headers and body of a pre-flight answer. */
  preflight(origin: string): { readonly status: number; readonly headers: readonly string[]; readonly body: string };
}

const METHODS = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";
/** Readable by scripts beside the safelisted ones (Fetch §3.2.4). */
const EXPOSED = "Idempotency-Replayed, Retry-After, X-Contract-Version, X-Request-Id";
const NONE: readonly string[] = [];

export function createCors(config: CorsConfig): Cors {
  const prepared = new Map<string, readonly string[]>();
  for (const origin of config.origins) {
    prepared.set(origin, [
      "access-control-allow-origin",
      origin,
      "access-control-allow-credentials",
      "true",
      "access-control-expose-headers",
      EXPOSED,
      "vary",
      "Origin",
    ]);
  }
  const allowHeaders = config.headers.join(", ");
  return {
    isAllowed: (origin) => prepared.has(origin),
    headersFor: (origin) => (origin === null ? NONE : (prepared.get(origin) ?? NONE)),
    preflight(origin) {
      const own = prepared.get(origin);
      const plain = ["content-type", "text/plain; charset=utf-8"];
      if (!own) return { status: 400, headers: [...plain, "vary", "Origin"], body: "Disallowed CORS origin" };
      const rules = [
        "access-control-allow-methods",
        METHODS,
        "access-control-allow-headers",
        allowHeaders,
        "access-control-max-age",
        String(config.maxAgeS),
      ];
      return { status: 200, headers: [...plain, ...own, ...rules], body: "OK" };
    },
  };
}
