import type { Arm, RouteId, UnitId } from "../kernel/index.ts";

/**
 * What every other room reads: parsed, checked, with units in the names (ux.md §4). Frozen.
 * `schema.ts` is the only truth about what may stand in the file; this is what it yields.
 */
export interface Config {
  readonly listen: ListenAddress;
  /** Origin that clients use (`https://api.example`), for `Location` rewriting; null: the request's own authority. */
  readonly publicOrigin: string | null;
  /** Host names accepted in `Host`, lower case, without port; empty: any (allowed on loopback only, security F10). */
  readonly publicHosts: readonly string[];
  /** CIDR ranges whose `X-Forwarded-For` is believed (security H4). */
  readonly trustedProxies: readonly string[];
  readonly workers: number;
  readonly stateDir: string;
  readonly arms: Readonly<Record<Arm, ArmConfig>>;
  readonly identity: IdentityConfig;
  readonly flags: FlagsConfig;
  readonly units: ReadonlyMap<UnitId, UnitConfig>;
  readonly unmatched: "control" | "refuse";
  /** Path prefixes that answer 404 whatever else is configured (security T5). */
  readonly refuse: readonly string[];
  readonly cors: CorsConfig;
  readonly headers: { readonly isArmExposed: boolean; readonly isFaultAllowed: boolean };
  readonly admin: AdminConfig;
  readonly limits: LimitsConfig;
  readonly drain: DrainConfig;
  /** null: no data follows a subject to the other arm. */
  readonly continuity: ContinuityConfig | null;
  /** null: nothing is mirrored. */
  readonly shadow: ShadowConfig | null;
  readonly log: { readonly level: "debug" | "info" | "warn" | "error" | "silent" };
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
}

export interface ArmConfig {
  /** The deployed thing behind the arm, for people: `legacy`, `convex`. */
  readonly backend: string;
  /** Origins of the instances (scheme, host, port; no path), at least one. */
  readonly urls: readonly string[];
  readonly balance: "subject" | "spread";
  /** Path polled each second for readiness; null: taken as ready while connections succeed. */
  readonly readyPath: string | null;
  readonly tls: {
    readonly isVerified: boolean;
    /** The certificate authority itself, PEM, read and checked at load; null: the system's. */
    readonly ca: string | null;
    readonly caFile: string | null;
  };
}

export interface IdentityConfig {
  readonly jwt: JwtConfig;
}

export interface JwtConfig {
  readonly algorithms: readonly ("HS256" | "RS256" | "ES256")[];
  /** The HS256 secret, already read from its variable or file; null with `jwksUrl`. Never printed. */
  readonly secret: string | null;
  readonly jwksUrl: string | null;
  readonly issuer: string | null;
  readonly audience: string | null;
  readonly verifiedTokensMax: number;
}

export interface FlagsConfig {
  readonly source: "file";
  readonly file: string;
}

export interface UnitConfig {
  readonly id: UnitId;
  /** Name of the unit's flag; ignored when `fixed` is set. */
  readonly flag: string;
  /** Arm that serves this unit whatever the flags say (accounts have one home); null: the flag decides. */
  readonly fixed: Arm | null;
  readonly routes: readonly RouteConfig[];
}

export interface RouteConfig {
  /** Label in metrics, logs and `explain`: `GET /api/v1/sessions/:id`. */
  readonly id: string;
  /** Upper-case methods; `["WS"]` for a socket route; `["*"]` for every method. */
  readonly methods: readonly string[];
  /** `/a/:id/b`, with `**` as last segment for everything below; `:id` is one segment. */
  readonly paths: readonly string[];
  /** Per-arm spelling of the path, same parameters; an arm that is absent gets the client's path. */
  readonly rewrite: Readonly<Partial<Record<Arm, string>>>;
  /** The proxy adds an `Idempotency-Key` when the client sent none (contract G4). */
  readonly isKeyed: boolean;
  /** A body is legal on GET, HEAD, DELETE, OPTIONS (security F8). */
  readonly isBodyAllowed: boolean;
  readonly kind: "json" | "upload";
  /** Time to the first byte of the answer. */
  readonly firstByteMs: number;
  /** Name of the codec that knows the socket's turns; `raw`: none. */
  readonly codec: string;
  /** Socket limits; they may lower the defaults of `limits`. */
  readonly messagesPerSecond: number;
  readonly messageBytesMax: number;
  /** The address limit this route counts under: `login`, `refresh`; null: none. */
  readonly addressLimit: "login" | "refresh" | null;
  /** A 2xx here ends the caller's token: the proxy forgets that it had verified it (security J7). */
  readonly isLogout: boolean;
  readonly slowMs: number;
}

/** How a subject's data is carried between the arms (handoff §3). */
export interface ContinuityConfig {
  /** What the arms' data endpoints ask for, already read. Never printed. */
  readonly token: string;
}

/** The hidden copies (shadow.md). */
export interface ShadowConfig {
  /** 0 … 100; a unit that is not named gets `everywhere`. */
  readonly samplePercent: { readonly everywhere: number; readonly units: Readonly<Record<UnitId, number>> };
  /** Files with rules, as they were named. */
  readonly rules: readonly string[];
  readonly targets: Readonly<Record<Arm, ShadowTargetConfig | null>>;
  /** By unit; otherwise `read`. */
  readonly modes: Readonly<Record<UnitId, ShadowMode>>;
  readonly routes: readonly ShadowRouteConfig[];
  /** By the name of a route's codec. */
  readonly surfaces: Readonly<Record<string, ShadowSurfaceConfig>>;
  /** null: as the application says. */
  readonly isLearningIds: boolean | null;
  /** Of the event loop's delay, p99: above it the shadow yields. */
  readonly yieldAboveMs: number;
  /** Of safe calls, 0 … 0.05. */
  readonly repeatsShare: number;
  readonly build: { readonly path: string; readonly metric: string; readonly label: string } | null;
  /** PostgreSQL; never printed. null: a file of each process in the state folder. */
  readonly storeUrl: string | null;
  /** Never printed; null: derived from the state folder's. */
  readonly printKey: string | null;
  /** Of redacted bodies: 32 bytes as hex. Never printed. */
  readonly bodyKey: string | null;
  /** Of each process. */
  readonly bodyRingBytes: number;
  readonly cassette: ShadowCassetteConfig | null;
}

/** Where the completion recorder listens. */
export interface ShadowCassetteConfig {
  readonly record: ListenAddress;
  readonly replay: ListenAddress;
  /** Of the list of what it had no recording of. Never printed; null: it asks for none. */
  readonly missesToken: string | null;
  /** Shadow targets ask the models themselves. */
  readonly isLive: boolean;
}

export type ShadowMode = "never" | "read" | "sandbox";

export interface ShadowTargetConfig {
  readonly url: string;
  readonly guard: "required" | "network";
  /** Signs the mirror's credentials. Never printed; null: copies carry none. */
  readonly jwtSecret: string | null;
  /** Of the target's data endpoints. Never printed; null: it is not seeded. */
  readonly serviceToken: string | null;
}

export interface ShadowRouteConfig {
  readonly route: RouteId;
  /** null: as the application says. */
  readonly mode: ShadowMode | null;
  readonly samplePercent: number | null;
  readonly tapBytes: number;
  readonly copiesPerMinute: number;
  readonly mayCarryCookies: boolean;
  readonly bodies: ShadowBodies;
  /** Share that may differ above noise, 0 … 1; null: the default of reports. */
  readonly limitRatio: number | null;
}

/** What is kept of bodies that differ (shadow P1, P2). */
export type ShadowBodies = "shape" | "redacted";

export interface ShadowSurfaceConfig {
  readonly codec: "opaque" | "json";
  readonly type: string;
  readonly correlation: string | null;
  readonly final: string | null;
  readonly presence: readonly string[];
  readonly mode: ShadowMode;
}

export interface CorsConfig {
  /** Exact origins; empty: no cross-origin page may read or connect. */
  readonly origins: readonly string[];
  readonly headers: readonly string[];
  readonly maxAgeS: number;
}

export interface AdminConfig {
  readonly listen: ListenAddress;
  readonly viewToken: string | null;
  readonly operateToken: string | null;
  readonly isMetricsOpen: boolean;
}

export interface DrainConfig {
  /** `/readyz` says 503 this long before the listener closes. */
  readonly delayMs: number;
  readonly exchangesMs: number;
  /** Sockets are closed 1012 spread over this long. */
  readonly socketsMs: number;
}

/** security §11; all of it is configuration. */
export interface LimitsConfig {
  readonly headMs: number;
  readonly headBytesMax: number;
  readonly headCountMax: number;
  readonly targetBytesMax: number;
  readonly jsonBodyBytesMax: number;
  readonly jsonBodyMs: number;
  readonly uploadBodyBytesMax: number;
  readonly uploadBodyMs: number;
  readonly bodyRateMinBytesPerSecond: number;
  readonly bodyRateGraceMs: number;
  readonly keepAliveMs: number;
  readonly armKeepAliveMs: number;
  readonly armConnectMs: number;
  readonly armFirstByteMs: number;
  readonly armIdleMs: number;
  readonly armConnectionsMax: number;
  readonly upgradeMs: number;
  readonly connectionsMax: number;
  readonly connectionsPerAddressMax: number;
  readonly socketsPerSubjectMax: number;
  readonly socketsPerAddressMax: number;
  readonly callsPerSubject: RateLimit;
  readonly callsPerAddress: RateLimit;
  readonly loginsPerAddress: RateLimit;
  readonly refreshesPerAddress: RateLimit;
  readonly clientMessageBytesMax: number;
  readonly armMessageBytesMax: number;
  readonly fragmentsMax: number;
  readonly chunksMax: number;
  readonly pingsPerSecondMax: number;
  readonly messagesPerSecond: number;
  readonly floodMs: number;
  readonly socketBufferBytesMax: number;
  readonly slowReaderMs: number;
  readonly pingIntervalMs: number;
  readonly closeMs: number;
  /** 1012 fallback spread: at least this long, longer with many sockets (handoff.md §10). */
  readonly closeSpreadMs: number;
  readonly closesPerSecond: number;
  readonly earlyBytesMax: number;
  readonly memoryBytesMax: number | null;
}

/** A token bucket: `perSecond` refills up to `burst`. */
export interface RateLimit {
  readonly perSecond: number;
  readonly burst: number;
}
