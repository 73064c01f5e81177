// Environment of the service (contract README §5), read once. Every problem is reported at once, in one sentence.
import { createSecretKey, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { parseSigningKeys, SigningKeyError, type SigningKeys } from "./signingKey.ts";

const SECRET_BYTES_MIN = 32;
/** A URL, as Convex asks for, under a name that no one can own (RFC 2606): nothing is ever fetched from it. */
const DEFAULT_ISSUER = "https://switchyard.invalid";
const DEFAULT_AUDIENCE = "switchyard";

/** How the service shows itself to the deployment (embedded-convex.md §6 "Identity"). */
export interface ServiceIdentity {
  readonly issuer: string;
  readonly audience: string;
  /** Null: those kept in `keyDir`. */
  readonly signingKeys: SigningKeys | null;
  readonly keyDir: string;
}

export interface Config {
  readonly host: string;
  readonly port: number;
  /** The Convex deployment, or the embedded host (Convex-compatible), without a slash at its end. */
  readonly convexUrl: string;
  readonly serviceIdentity: ServiceIdentity;
  readonly jwt: {
    readonly secret: KeyObject | null;
    readonly jwksUrl: string | null;
    readonly issuer: string | null;
    readonly audience: string | null;
  };
  readonly accessTokenMinutes: number;
  readonly refreshTokenDays: number;
  readonly model: {
    readonly baseUrl: string;
    readonly apiKey: string;
    readonly name: string;
    readonly timeoutMs: number;
    readonly retryPauseMs: number;
  };
  readonly serviceToken: string | null;
  readonly instructorEmails: ReadonlySet<string>;
  readonly corsOrigins: ReadonlySet<string>;
  readonly isShadowInstance: boolean;
  readonly faults: string;
  readonly faultSeed: string;
  readonly allowsFaultHeaders: boolean;
}

export type Environment = Readonly<Record<string, string | undefined>>;

export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

const list = (text: string | undefined): string[] =>
  (text ?? "")
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");

/** An empty variable counts as unset: launchers hand them over that way. */
const text = (env: Environment, name: string): string | null => env[name] || null;

function whole(env: Environment, name: string, fallback: number, least: number, most: number, problems: string[]) {
  const given = text(env, name);
  if (given === null) return fallback;
  const value = Number(given);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  problems.push(`${name} must be a whole number from ${least} to ${most}, not "${given}"`);
  return fallback;
}

function flag(env: Environment, name: string, problems: string[]): boolean {
  const given = text(env, name);
  if (given !== null && given !== "0" && given !== "1") problems.push(`${name} must be 0 or 1, not "${given}"`);
  return given === "1";
}

function url(env: Environment, name: string, problems: string[]): string | null {
  const given = text(env, name);
  if (given !== null && !/^https?:$/.test(URL.parse(given)?.protocol ?? "")) {
    problems.push(`${name} must be an http or https URL`);
  }
  return given;
}

/** Both clients put paths behind it: `https://happy-animal-123.convex.cloud`, never its `.convex.site`. */
function deploymentUrl(env: Environment, name: string, problems: string[]): string {
  const given = url(env, name, problems);
  if (given === null) problems.push(`${name} must be set: \`npm run candidate\` starts an embedded host and sets it`);
  const parsed = given === null ? null : URL.parse(given);
  if (parsed === null) return "";
  const isBare = parsed.search === "" && parsed.hash === "" && parsed.username === "" && parsed.password === "";
  if (!isBare) problems.push(`${name} must have no user, query or fragment`);
  if (parsed.hostname.endsWith(".convex.site")) problems.push(`${name} must be the .convex.cloud address`);
  return parsed.href.replace(/\/+$/, "");
}

function signingKeysOf(env: Environment, problems: string[]): SigningKeys | null {
  const pem = text(env, "SWITCHYARD_SIGNING_KEY");
  if (pem === null) return null;
  try {
    return parseSigningKeys(pem);
  } catch (error) {
    if (!(error instanceof SigningKeyError)) throw error;
    problems.push(`SWITCHYARD_SIGNING_KEY must be one or two P-256 keys in PEM: ${error.message}`);
    return null;
  }
}

function serviceIdentity(env: Environment, problems: string[]): ServiceIdentity {
  const issuer = text(env, "SWITCHYARD_ISSUER") ?? DEFAULT_ISSUER;
  const audience = text(env, "SWITCHYARD_AUDIENCE") ?? DEFAULT_AUDIENCE;
  // Both are compared byte by byte and handed on in env files and shell lines (convexEnv.ts).
  if (!/^https?:\/\/[\w.:/~-]{1,256}$/.test(issuer))
    problems.push("SWITCHYARD_ISSUER must be a plain http or https URL");
  if (!/^[\w.:/~-]{1,256}$/.test(audience))
    problems.push("SWITCHYARD_AUDIENCE must be letters, digits and . : / ~ _ -");
  const keyDir = join(text(env, "DATA_DIR") ?? "data", "candidate");
  return { issuer, audience, signingKeys: signingKeysOf(env, problems), keyDir };
}

function secretOf(env: Environment, jwksUrl: string | null, problems: string[]): KeyObject | null {
  const secret = Buffer.from(text(env, "JWT_SECRET_KEY") ?? "", "utf8");
  if (secret.length >= SECRET_BYTES_MIN) return createSecretKey(secret);
  if (jwksUrl === null) {
    problems.push(`JWT_SECRET_KEY must have at least ${SECRET_BYTES_MIN} bytes (or set JWT_JWKS_URL)`);
  }
  return null;
}

function refuse(problems: readonly string[]): void {
  if (problems.length > 0) throw new ConfigurationError(`${problems.join("; ")}.`);
}

/** The part of the configuration that is needed without a service (convexEnv.ts). Throws {@link ConfigurationError}. */
export function loadServiceIdentity(env: Environment): ServiceIdentity {
  const problems: string[] = [];
  const identity = serviceIdentity(env, problems);
  refuse(problems);
  return identity;
}

/** Throws {@link ConfigurationError} that names every variable that is wrong. */
export function loadConfig(env: Environment): Config {
  const problems: string[] = [];
  const jwksUrl = url(env, "JWT_JWKS_URL", problems);
  const config: Config = {
    host: text(env, "HOST") ?? "127.0.0.1",
    port: whole(env, "PORT", 8002, 0, 65_535, problems),
    convexUrl: deploymentUrl(env, "CONVEX_URL", problems),
    serviceIdentity: serviceIdentity(env, problems),
    jwt: {
      secret: secretOf(env, jwksUrl, problems),
      jwksUrl,
      issuer: text(env, "JWT_ISSUER"),
      audience: text(env, "JWT_AUDIENCE"),
    },
    accessTokenMinutes: whole(env, "ACCESS_TOKEN_EXPIRE_MINUTES", 30, 1, 525_600, problems),
    refreshTokenDays: whole(env, "REFRESH_TOKEN_EXPIRE_DAYS", 7, 1, 3_650, problems),
    model: {
      baseUrl: url(env, "OPENAI_BASE_URL", problems) ?? "http://127.0.0.1:8003/v1",
      apiKey: text(env, "OPENAI_API_KEY") ?? "local",
      name: text(env, "OPENAI_MODEL") ?? "gpt-4.1-2025-04-14",
      timeoutMs: whole(env, "MODEL_TIMEOUT_MS", 60_000, 1, 600_000, problems),
      retryPauseMs: whole(env, "MODEL_RETRY_PAUSE_MS", 1_000, 0, 60_000, problems),
    },
    serviceToken: text(env, "SERVICE_TOKEN"),
    instructorEmails: new Set(list(env["INSTRUCTOR_EMAILS"]).map((email) => email.toLowerCase())),
    corsOrigins: new Set(list(text(env, "CORS_ORIGINS") ?? "http://localhost:3000,http://127.0.0.1:3000")),
    isShadowInstance: flag(env, "SHADOW_INSTANCE", problems),
    faults: env["FAULTS"] ?? "",
    faultSeed: text(env, "FAULT_SEED") ?? "0",
    allowsFaultHeaders: flag(env, "ALLOW_FAULT_HEADERS", problems),
  };
  refuse(problems);
  return Object.freeze(config);
}
