import { z } from "zod";
import type { RouteConfig, UnitConfig } from "./config.ts";
import { addFault, duration, field, oneOf, rate, size, text, toggle } from "./fields.ts";
import { type MethodsAndPath, readMatch, readPattern } from "./patterns.ts";
import { readText } from "./values.ts";

/** A route as the file says it; what it leaves open is filled from `limits` once those are known. */
export interface RouteSection extends Omit<RouteConfig, "firstByteMs" | "messagesPerSecond" | "messageBytesMax"> {
  readonly firstByteMs: number | null;
  readonly messagesPerSecond: number | null;
  readonly messageBytesMax: number | null;
}

export interface UnitSection extends Omit<UnitConfig, "id" | "flag" | "routes"> {
  readonly flag: string | null;
  readonly routes: readonly RouteSection[];
}

const MATCH_PATTERN = "^(\\*|WS|[A-Z]+(\\|[A-Z]+)*) /";

const match = (description: string) =>
  field<MethodsAndPath>({ type: "string", title: "match", pattern: MATCH_PATTERN }, description, (value) => {
    const read = readText(value, 'methods and a pattern such as "GET /a/:id"');
    return "fault" in read ? read : readMatch(read.value);
  });

const pattern = (description: string) =>
  field({ type: "string", title: "pattern", pattern: "^/" }, description, (value) => {
    const read = readText(value, "a path such as /a/:id or /a/**");
    return "fault" in read ? read : readPattern(read.value);
  });

const routeObject = z
  .strictObject({
    match: match(
      "Methods and pattern: `GET /a/:id`, `GET|POST /a`, `* /a/**` for every call, `WS /ws/:id` for sockets.",
    ),
    id: text("Label in metrics, logs and `explain`; otherwise the match itself.").optional(),
    also: z
      .array(pattern("A pattern."))
      .max(16)
      .optional()
      .describe("Other spellings of the same route, same parameters."),
    rewrite: z
      .strictObject({
        control: pattern("Spelling for control.").optional(),
        candidate: pattern("Spelling for the candidate.").optional(),
      })
      .optional()
      .describe("Spelling of the path that an arm serves, same parameters; without it the client's path is sent."),
    keyed: toggle("Writes without an `Idempotency-Key` get one, so that a repeated write has one effect.").prefault(
      false,
    ),
    body: oneOf(
      ["allowed"],
      "A body is legal on GET, HEAD, DELETE and OPTIONS; refused otherwise, for parsers disagree about such bodies and a second request could hide in one.",
    ).optional(),
    kind: oneOf(["json", "upload"], "Which body limits hold.").prefault("json"),
    firstByte: duration(
      "Time to the first byte of the answer; otherwise `limits.armFirstByte`, 180s with `kind: upload`.",
    ).optional(),
    codec: text("Name of the codec that knows the turns of this socket; `raw` only passes frames on.").prefault("raw"),
    messages: rate("Messages of a client on this socket; otherwise `limits.messages`.", 10_000).optional(),
    messageMax: size(
      "Size of a client's message on this socket; otherwise, and at most, `limits.clientMessageSize`.",
    ).optional(),
    addressLimit: oneOf(
      ["login", "refresh"],
      "Calls count under this limit per address, so that passwords cannot be guessed at speed.",
    ).optional(),
    logout: toggle("A 2xx answer here ends the caller's token: the proxy forgets that it had verified it.").prefault(
      false,
    ),
    slow: duration("Answers that take longer are logged as slow.").prefault("1s"),
  })
  .transform(
    (file): RouteSection => ({
      id: file.id ?? `${file.match.methods.join("|")} ${file.match.path}`,
      methods: file.match.methods,
      paths: [file.match.path, ...(file.also ?? [])],
      rewrite: withoutUndefined(file.rewrite ?? {}),
      isKeyed: file.keyed,
      isBodyAllowed: file.body === "allowed",
      kind: file.kind,
      firstByteMs: file.firstByte ?? null,
      codec: file.codec,
      messagesPerSecond: file.messages ?? null,
      messageBytesMax: file.messageMax ?? null,
      addressLimit: file.addressLimit ?? null,
      isLogout: file.logout,
      slowMs: file.slow,
    }),
  );

function withoutUndefined(spellings: {
  control?: string | undefined;
  candidate?: string | undefined;
}): RouteConfig["rewrite"] {
  return {
    ...(spellings.control === undefined ? {} : { control: spellings.control }),
    ...(spellings.candidate === undefined ? {} : { candidate: spellings.candidate }),
  };
}

const routeText = match("Methods and pattern alone, everything else by default.").transform(
  (value): RouteSection => routeObject.parse({ match: `${value.methods.join("|")} ${value.path}` }),
);

const UNIT_ID = /^[a-z][a-z0-9-]{0,31}$/;

const unitSchema = z
  .strictObject({
    flag: text("Name of the unit's flag; otherwise `switchyard.<unit>`.").optional(),
    fixed: oneOf(["control", "candidate"], "The arm that serves this unit whatever the flags say.").optional(),
    routes: z
      .array(z.union([routeText, routeObject]).describe("A match, or a mapping with `match` and options."))
      .min(1)
      .max(1_000)
      .describe("The routes of the unit; the more specific pattern wins."),
  })
  .describe("Routes that move together, under one flag.");

export const unitsSchema = z
  .record(z.string(), unitSchema)
  .transform((units, ctx) => {
    for (const id of Object.keys(units)) {
      if (UNIT_ID.test(id)) continue;
      addFault(ctx, { what: `"${id}" is no unit name`, expected: "lower-case letters, digits and -, at most 32" }, [
        id,
      ]);
    }
    return new Map(
      Object.entries(units).map(([id, unit]): [string, UnitSection] => [
        id,
        { flag: unit.flag ?? null, fixed: unit.fixed ?? null, routes: unit.routes },
      ]),
    );
  })
  .prefault({})
  .describe("Units by name: routes that must move together for one subject.");
