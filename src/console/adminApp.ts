import type { HttpBindings } from "@hono/node-server";
import { type Context, Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import type { AddressLimits } from "./addressLimits.ts";
import { AdminError, toAdminProblem } from "./errors.ts";
import type { AdminAnswer, AdminRoute } from "./routes.ts";
import type { TokenCheck } from "./tokens.ts";

export const BODY_BYTES_MAX = 64 * 1024;

/** security A5. The API needs no page rights at all; the console's pages will bring their own, wider policy. */
export const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
} as const;

export interface AdminAppDeps {
  readonly routes: readonly AdminRoute[];
  readonly tokens: TokenCheck;
  readonly limits: AddressLimits;
  /** A failure of our own, for the log; the answer holds no word of it (security D3). */
  readonly onFailure: (error: unknown) => void;
}

type Env = { Bindings: HttpBindings };

export function createAdminApp(deps: AdminAppDeps): Hono<Env> {
  const app = new Hono<Env>({ strict: true });
  app.use(bodyLimit({ maxSize: BODY_BYTES_MAX, onError: (c) => toResponse(bodyTooLarge(), c) }));
  for (const route of deps.routes) {
    app.on(route.method, route.path, async (c) => respond(await answer(route, c, deps), c));
  }
  app.notFound((c) => toResponse(unknownPath(c, deps.routes), c));
  app.onError((error, c) => {
    if (error instanceof AdminError) return toResponse(error, c);
    deps.onFailure(error);
    return toResponse(internal(), c);
  });
  return app;
}

async function answer(route: AdminRoute, c: Context<Env>, { tokens, limits }: AdminAppDeps): Promise<AdminAnswer> {
  const address = c.env.incoming.socket.remoteAddress ?? "unknown";
  if (!route.isProbe) limits.takeRequest(address);
  const authorization = c.req.header("authorization");
  // A locked address may still ask for what needs no token, so that nobody takes the probes out by guessing.
  if (route.need !== "none" && authorization !== undefined) limits.checkLock(address);
  const grant = tokens.authorise(authorization, route.need, () => limits.countFailure(address));
  const body = route.method === "GET" ? null : await readJson(c);
  return route.answer({ query: (name) => c.req.query(name), body, grant });
}

/** Only `application/json`: a form of another site can be posted without a pre-flight, JSON cannot. */
async function readJson(c: Context<Env>): Promise<unknown> {
  const type = (c.req.header("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new AdminError(
      "ADMIN_MEDIA_TYPE",
      "The body is not declared as JSON.",
      "Send Content-Type: application/json.",
    );
  }
  try {
    return JSON.parse(await c.req.text()) as unknown;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw new AdminError("ADMIN_BAD_REQUEST", "The body is not valid JSON.", "Send one JSON object.");
  }
}

function respond({ status = 200, json, text }: AdminAnswer, c: Context<Env>): Response {
  const code = status as ContentfulStatusCode;
  if (text) return c.body(text.text, code, { ...SECURITY_HEADERS, "content-type": text.contentType });
  return c.json(json, code, SECURITY_HEADERS);
}

function toResponse(error: AdminError, c: Context): Response {
  const headers = { ...SECURITY_HEADERS, ...error.headers, "content-type": "application/problem+json" };
  return c.body(JSON.stringify(toAdminProblem(error)), error.status as ContentfulStatusCode, headers);
}

function unknownPath(c: Context, routes: readonly AdminRoute[]): AdminError {
  const methods = routes.filter((route) => route.path === c.req.path).map((route) => route.method);
  if (methods.length > 0) {
    const allow = methods.join(", ");
    return new AdminError("ADMIN_METHOD_NOT_ALLOWED", "This path does not know the method.", `Use ${allow}.`, {
      allow,
    });
  }
  const paths = [...new Set(routes.map((route) => route.path))].join(" ");
  return new AdminError("ADMIN_NOT_FOUND", "The admin listener does not have this path.", `It has: ${paths}`);
}

const bodyTooLarge = (): AdminError =>
  new AdminError(
    "ADMIN_BODY_TOO_LARGE",
    `A body has at most ${BODY_BYTES_MAX} bytes here.`,
    "Send only the fields of the change.",
  );

export const internal = (): AdminError =>
  new AdminError(
    "ADMIN_INTERNAL",
    "The admin listener failed; this is a bug of ours.",
    "Look at the process's log, then report it.",
  );
