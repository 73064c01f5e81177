import { X509Certificate } from "node:crypto";
import { z } from "zod";
import { adminSchema, continuitySchema, identitySchema } from "./accessSchema.ts";
import { assemble } from "./assemble.ts";
import type { ArmConfig, CorsConfig, DrainConfig } from "./config.ts";
import { addFault, address, count, duration, field, oneOf, origin, plainPath, text, toggle } from "./fields.ts";
import { limitsSchema } from "./limitsSchema.ts";
import { unitsSchema } from "./routeSchema.ts";
import { shadowSchema } from "./shadowSchema.ts";
import type { SecretSource } from "./secrets.ts";
import { readCidr, readHostName } from "./values.ts";

const list = <T extends z.ZodType>(item: T, description: string, max = 100) =>
  z.array(item).max(max).prefault([]).describe(description);

/** Read here and not when the proxy connects: a reload that cannot be applied must be refused whole (ux.md §4). */
function readAuthority(caFile: string | undefined, ctx: z.RefinementCtx, files: SecretSource) {
  if (caFile === undefined) return { ca: null, caFile: null };
  const expected = "a file with certificates in PEM form";
  try {
    const ca = files.file(caFile);
    new X509Certificate(ca);
    return { ca, caFile };
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "";
    const what = code.startsWith("E") && !code.startsWith("ERR") ? `cannot be read (${code})` : "holds no certificate";
    addFault(ctx, { what: `${caFile} ${what}`, expected }, ["tls", "caFile"]);
    return { ca: null, caFile };
  }
}

const armSchema = (description: string, files: SecretSource) =>
  z
    .strictObject({
      backend: text("The deployed thing behind the arm, for people: `legacy`."),
      url: origin("Origin of the only instance: scheme, host, port, nothing behind.").optional(),
      urls: z
        .array(origin("Origin of an instance."))
        .min(1)
        .max(64)
        .optional()
        .describe("Origins of the instances, instead of `url`."),
      balance: oneOf(
        ["subject", "spread"],
        "With several instances: one subject stays on one (`subject`), or the least loaded takes the call (`spread`).",
      ).prefault("subject"),
      readyPath: plainPath(
        "Path polled each second for 200; without it an instance counts as ready while connections succeed.",
      ).optional(),
      tls: z
        .strictObject({
          verify: toggle(
            "Certificates of the backend are checked; without that anyone between proxy and backend can read and change every call.",
          ).prefault(true),
          caFile: text("File with the certificate authority of the backend.").optional(),
        })
        .prefault({})
        .describe("TLS towards an https backend."),
    })
    .transform((file, ctx): ArmConfig => {
      if (file.url !== undefined && file.urls !== undefined) {
        addFault(ctx, { what: "url and urls together", expected: "one of them" }, ["urls"]);
      }
      const urls = file.urls ?? (file.url === undefined ? [] : [file.url]);
      if (urls.length === 0) addFault(ctx, { what: "has no url", expected: "url, or urls with several instances" });
      return {
        backend: file.backend,
        urls,
        balance: file.balance,
        readyPath: file.readyPath ?? null,
        // Absent was made true by the schema (security F19): only a written `false` switches the check off.
        tls: { isVerified: file.tls.verify, ...readAuthority(file.tls.caFile, ctx, files) },
      };
    })
    .describe(description);

const flagsSchema = z
  .strictObject({
    source: oneOf(["file"], "Where flags come from.").prefault("file"),
    file: text("Flag file in Unleash's client-features format; otherwise `<stateDir>/flags.json`.").optional(),
  })
  .transform((file) => ({ source: file.source, file: file.file ?? null }))
  .prefault({})
  .describe("The flags that decide per subject.");

const corsSchema = z
  .strictObject({
    origins: list(
      origin("An origin.", "https://app.example.org"),
      "Exact origins whose pages may call and connect; anything looser would let foreign pages act for a signed-in user.",
    ),
    headers: list(text("A header name."), "Header names a page may send beside the safe ones."),
    maxAge: duration("How long a browser may keep a pre-flight's answer.", { min: 1_000, max: 86_400_000 }).prefault(
      "600s",
    ),
  })
  .transform(
    (file): CorsConfig => ({ origins: file.origins, headers: file.headers, maxAgeS: Math.floor(file.maxAge / 1_000) }),
  )
  .prefault({})
  .describe("Which pages of other origins may call; the arms' own answers to this are replaced.");

const headersSchema = z
  .strictObject({
    exposeArm: toggle("Answers carry `X-Backend-Arm`; it tells outsiders which backend to attack.").prefault(false),
    allowFault: toggle("Clients may send `X-Fault` to the arms; anyone could then break calls at will.").prefault(
      false,
    ),
  })
  .transform((file) => ({ isArmExposed: file.exposeArm, isFaultAllowed: file.allowFault }))
  .prefault({})
  .describe("Headers for tests; both off in production.");

const drainSchema = z
  .strictObject({
    delay: duration("`/readyz` answers 503 this long before the listener closes.", { min: 0, max: 600_000 }).prefault(
      "5s",
    ),
    exchanges: duration("Time for running calls to end.", { min: 0, max: 600_000 }).prefault("25s"),
    sockets: duration("Sockets are closed 1012 spread over this long.", { min: 0, max: 600_000 }).prefault("10s"),
  })
  .transform((file): DrainConfig => ({ delayMs: file.delay, exchangesMs: file.exchanges, socketsMs: file.sockets }))
  .prefault({})
  .describe("How a process ends.");

const hostName = field({ type: "string", title: "host name" }, "A host name.", readHostName);
const cidr = field({ type: "string", title: "address range" }, "An address range.", readCidr);

/** Everything that may stand in the file, section by section; the cross-checks read what these yield. */
export const createSections = (secrets: SecretSource) =>
  z.strictObject({
    listen: address("Address of the public listener.").prefault("127.0.0.1:8000"),
    publicOrigin: origin(
      "Origin that clients use, for `Location`; otherwise the request's own authority.",
      "https://api.example.org",
    ).optional(),
    publicHosts: list(
      hostName,
      "Host names accepted in `Host`; required outside loopback, otherwise any name pointed at the proxy is served, links built from it included.",
    ),
    trustedProxies: list(
      cidr,
      "Address ranges whose `X-Forwarded-For` is believed; who is in them chooses the client address and with it every limit.",
    ),
    workers: count("Processes that serve.", { min: 1, max: 256 }).prefault(1),
    stateDir: text(
      "Folder for what changes at run time: pins, kill switch, tokens; relative to the working directory.",
    ).prefault("data/switchyard"),
    arms: z
      .strictObject({
        control: armSchema("The arm that is trusted today.", secrets),
        candidate: armSchema("The arm that is to be proven.", secrets),
      })
      .describe("The two arms."),
    identity: identitySchema(secrets),
    flags: flagsSchema,
    continuity: continuitySchema(secrets),
    units: unitsSchema,
    unmatched: oneOf(["control", "refuse"], "Calls that match no route: served by control, or 404.").prefault(
      "control",
    ),
    refuse: list(plainPath("A path prefix."), "Path prefixes that answer 404 whatever else is configured."),
    cors: corsSchema,
    headers: headersSchema,
    admin: adminSchema(secrets),
    limits: limitsSchema,
    drain: drainSchema,
    shadow: shadowSchema(secrets),
    log: z
      .strictObject({
        level: oneOf(["debug", "info", "warn", "error", "silent"], "The least level that is written.").prefault("info"),
      })
      .prefault({})
      .describe("The log on stdout, one JSON line per exchange or event."),
  });

export type Sections = z.output<ReturnType<typeof createSections>>;

/** The one truth about the file (house.md §4); `secrets` is where `…Env` and `…File` keys are looked up. */
export const createConfigSchema = (secrets: SecretSource) => createSections(secrets).transform(assemble);
