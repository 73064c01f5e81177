import { z } from "zod";
import type {
  ShadowCassetteConfig,
  ShadowConfig,
  ShadowRouteConfig,
  ShadowSurfaceConfig,
  ShadowTargetConfig,
} from "./config.ts";
import {
  addFault,
  address,
  count,
  duration,
  oneOf,
  origin,
  plainPath,
  share,
  size,
  text,
  toggle,
  variableName,
} from "./fields.ts";
import { keyOf, secretOf } from "./secretOf.ts";
import type { SecretSource } from "./secrets.ts";

const MODES = ["never", "read", "sandbox"] as const;
const HUNDRED = 100;

const targetSchema = (description: string, secrets: SecretSource) =>
  z
    .strictObject({
      url: origin("Origin of the shadow target: its own process with its own store."),
      guard: oneOf(
        ["required", "network"],
        "`required`: start-up proves that the target refuses unmarked calls; `network`: the operator declares that only the mirror reaches it.",
      ).prefault("required"),
      jwtSecretEnv: variableName(
        "Variable with the key that signs the mirror's credentials; targets accept no other.",
      ).optional(),
      jwtSecretFile: text("File with that key.").optional(),
      serviceTokenEnv: variableName("Variable with the token of the target's data endpoints.").optional(),
      serviceTokenFile: text("File with that token.").optional(),
    })
    .transform((file, ctx): ShadowTargetConfig => {
      const place = { env: file.jwtSecretEnv, file: file.jwtSecretFile };
      const service = { env: file.serviceTokenEnv, file: file.serviceTokenFile };
      return {
        url: file.url,
        guard: file.guard,
        jwtSecret: secretOf(ctx, "jwtSecret", place, secrets),
        serviceToken: secretOf(ctx, "serviceToken", service, secrets),
      };
    })
    .optional()
    .describe(description);

const routeSchema = z
  .strictObject({
    route: text("Id of a route of a unit."),
    mode: oneOf(MODES, "What may happen to its calls; otherwise what the application's lists say.").optional(),
    sample: share(
      "A lower rate than the unit's; not in a unit that is stateful, whose groups are mirrored whole.",
    ).optional(),
    tap: size("How much of a body is copied; what is larger is not compared.", {
      min: 1,
      max: 16 * 1024 ** 2,
    }).prefault("256KiB"),
    copiesPerMinute: count("Copies that leave in a minute; beyond `budget`.").prefault(60_000),
    cookies: toggle(
      "Copies carry the caller's cookies; whatever they open is then open to the other backend.",
    ).prefault(false),
    bodies: oneOf(
      ["shape", "redacted"],
      "What is kept of a body that differs: `shape`: no value at all; `redacted`: values that neither a name, a path nor their look speaks against, encrypted.",
    ).prefault("shape"),
    limit: share(
      "Share of its comparisons that may differ above noise for a report to call it ready; otherwise 0.5%, of sockets 1%.",
    ).optional(),
  })
  .superRefine(({ limit }, ctx) => {
    if (limit !== 0) return;
    const fix = "However many comparisons are equal, the share that may differ is only shown to be small.";
    addFault(ctx, { what: "no route can keep it", expected: "more than 0%", fix }, ["limit"]);
  })
  .transform(
    (file): ShadowRouteConfig => ({
      route: file.route,
      mode: file.mode ?? null,
      samplePercent: file.sample === undefined ? null : file.sample * HUNDRED,
      tapBytes: file.tap,
      copiesPerMinute: file.copiesPerMinute,
      mayCarryCookies: file.cookies,
      bodies: file.bodies,
      limitRatio: file.limit ?? null,
    }),
  )
  .describe("A route.");

const surfaceSchema = z
  .strictObject({
    codec: oneOf(
      ["opaque", "json"],
      "`opaque`: every frame is a turn and compared as it is; `json`: messages with a type each.",
    ),
    type: text("Name of the field with a message's type.").prefault("type"),
    correlation: text("Name of the field with the id that an answer shares with what it answers.").optional(),
    final: text("Name of the field that is true in the message that ends a turn.").optional(),
    presence: z.array(text("A type.")).max(50).prefault([]).describe("Types that are no content, of either side."),
    mode: oneOf(MODES, "What may happen to its sockets.").prefault("never"),
  })
  .transform(
    ({ codec, type, correlation, final, presence, mode }): ShadowSurfaceConfig => ({
      codec,
      type,
      correlation: correlation ?? null,
      final: final ?? null,
      presence,
      mode,
    }),
  )
  .describe("A plain service's sockets, so that no code is needed.");

/** Never repeated in a fault: it holds a password. */
function storeUrlOf(ctx: z.RefinementCtx, name: string | undefined, secrets: SecretSource): string | null {
  if (name === undefined) return null;
  const url = secrets.variable(name) ?? "";
  if (/^postgres(?:ql)?:\/\/\S+$/.test(url)) return url;
  const what = url === "" ? `${name} is not set` : `${name} holds no address of a database`;
  addFault(ctx, { what, expected: "postgres://user:password@host/database" }, ["storeUrlEnv"]);
  return null;
}

/** shadow §8, layer 2. */
const REPEATS_MAX = 0.05;

const mapped = <A, B>(by: Readonly<Record<string, A>>, to: (one: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(by).map(([key, one]) => [key, to(one)]));

/** The hidden copies (shadow.md). Left out: nothing is mirrored. */
export const shadowSchema = (secrets: SecretSource) =>
  z
    .strictObject({
      sample: z
        .union([share("For every unit."), z.record(z.string(), share("For this unit."))])
        .prefault("0%")
        .describe(
          "Share of the subjects that are mirrored: one for all, or by unit. A larger share contains the smaller one.",
        ),
      rules: z
        .array(text("A YAML file."))
        .max(20)
        .prefault([])
        .describe("Files with comparison rules, added to those of the application."),
      targets: z
        .strictObject({
          control: targetSchema("Where copies for control go while the candidate is served.", secrets),
          candidate: targetSchema("Where copies for the candidate go while control is served.", secrets),
        })
        .transform(({ control, candidate }) => ({ control: control ?? null, candidate: candidate ?? null }))
        .prefault({})
        .describe("Deployed instances that receive copies, never users; without one only reads are mirrored."),
      modes: z
        .record(z.string(), oneOf(MODES, "For all routes and surfaces of the unit that are listed for it."))
        .prefault({})
        .describe("By unit: `sandbox` mirrors writes too, to the shadow target only; otherwise `read`."),
      routes: z.array(routeSchema).max(1_000).prefault([]).describe("What single routes want otherwise."),
      surfaces: z.record(z.string(), surfaceSchema).prefault({}).describe("Sockets by the name of their `codec`."),
      learnIds: toggle(
        "Ids that each arm makes for itself are learnt from pairs of answers; off where both derive them alike.",
      ).optional(),
      yieldAbove: duration("Delay of the event loop, p99 over 10 s, above which fewer copies are made.", {
        min: 1,
        max: 10_000,
      }).prefault("20ms"),
      repeats: share("Share of safe calls that control answers twice, to learn its noise; at most 5%.").prefault("2%"),
      build: z
        .strictObject({
          path: plainPath("Path of each arm's metrics.").prefault("/metrics"),
          metric: text("A metric whose label tells the build."),
          label: text("That label.").prefault("version"),
        })
        .optional()
        .describe("Where each arm tells its build; another build begins another campaign."),
      storeUrlEnv: variableName(
        "Variable with the address of a PostgreSQL database for the evidence of all hosts; otherwise each process keeps a file in `stateDir`.",
      ).optional(),
      printKeyEnv: variableName(
        "Variable with the key of fingerprints; the same on all hosts that share a store.",
      ).optional(),
      printKeyFile: text("File with that key; otherwise one is derived from the state folder's.").optional(),
      bodyKeyEnv: variableName(
        "Variable with the key that `bodies: redacted` is encrypted with, and read with: 32 bytes as base64 or hex.",
      ).optional(),
      bodyKeyFile: text("File with that key.").optional(),
      bodyRing: size("Room for encrypted bodies in the file of each process; the oldest go first.", {
        min: 1024 ** 2,
        max: 2 * 1024 ** 3,
      }).prefault("512MiB"),
      cassette: z
        .strictObject({
          record: address("Where it records: the base URL of the models of both serving arms."),
          replay: address("Where it answers: the base URL of the models of both shadow targets."),
          missesTokenEnv: variableName(
            "Variable with the token of the list of what it had no recording of, as `--misses-token-env` names it there.",
          ).optional(),
          missesTokenFile: text("File with that token.").optional(),
          live: toggle(
            "Shadow targets ask the models themselves, as `--live-tokens` there lets them: texts of models are compared by language and length only.",
          ).prefault(false),
        })
        .transform(({ record, replay, missesTokenEnv, missesTokenFile, live }, ctx): ShadowCassetteConfig => {
          const place = { env: missesTokenEnv, file: missesTokenFile };
          return { record, replay, missesToken: secretOf(ctx, "missesToken", place, secrets), isLive: live };
        })
        .optional()
        .describe(
          "Where `switchyard cassette` listens: what an arm asks its model is compared too, and `switchyard doctor` looks for it.",
        ),
    })
    .transform((file, ctx): ShadowConfig => {
      const place = { env: file.printKeyEnv, file: file.printKeyFile };
      if (file.repeats > REPEATS_MAX) addFault(ctx, { what: "more than 5%", expected: "at most 5%" }, ["repeats"]);
      return {
        samplePercent:
          typeof file.sample === "number"
            ? { everywhere: file.sample * HUNDRED, units: {} }
            : { everywhere: 0, units: mapped(file.sample, (one) => one * HUNDRED) },
        rules: file.rules,
        targets: file.targets,
        modes: file.modes,
        routes: file.routes,
        surfaces: file.surfaces,
        isLearningIds: file.learnIds ?? null,
        yieldAboveMs: file.yieldAbove,
        storeUrl: storeUrlOf(ctx, file.storeUrlEnv, secrets),
        repeatsShare: file.repeats,
        build: file.build ?? null,
        printKey: secretOf(ctx, "printKey", place, secrets),
        bodyKey: keyOf(ctx, "bodyKey", { env: file.bodyKeyEnv, file: file.bodyKeyFile }, secrets),
        bodyRingBytes: file.bodyRing,
        cassette: file.cassette ?? null,
      };
    })
    .optional()
    .describe("Copies of served traffic that the other arm answers too, unseen, so that answers can be compared.");
