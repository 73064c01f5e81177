// A comparison rule (shadow N4): one schema for what the application writes as data and for the YAML files of the operator.
import { z } from "zod";
import { parsePattern } from "../paths/pattern.ts";
import { DIFFERENCE_KINDS, SEVERITIES } from "../words.ts";

const text = z.string().min(1).max(200);

const pattern = z.string().superRefine((value, ctx) => {
  try {
    parsePattern(value);
  } catch (error) {
    ctx.addIssue({ code: "custom", message: error instanceof Error ? error.message : "no path pattern" });
  }
});

/** `contract`: as long as the contract of both arms says so; rules of an operator end on a day. */
const until = z.union([z.iso.date(), z.literal("contract")]);

export const ruleSchema = z
  .strictObject({
    id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, "letters, digits, '.', '_' and '-', at most 64"),
    owner: text,
    reason: text,
    until: until.optional(),
    /** Route ids or names of surfaces; "*": everywhere. */
    on: z.array(text).min(1).max(200),
    /** Of a message of a socket: what its codec calls it; otherwise every one. Without a path: whether it is there. */
    message: text.optional(),
    /** Only with these, such as `422` or `5xx`; otherwise with every one. */
    statuses: z
      .array(z.string().regex(/^[1-5](\d\d|xx)$/, "a status such as 422 or a class such as 5xx"))
      .min(1)
      .optional(),
    /** Of bodies and messages. */
    path: pattern.optional(),
    /** Name of a header, in lower case. */
    header: z
      .string()
      .regex(/^[a-z0-9-]+\*?$/, "a header name in lower case, perhaps with a * at its end")
      .optional(),
    /** The status of a reply, or of a refused handshake. `compare: [class]`: only its class counts. */
    status: z.literal(true).optional(),
    /** `value`: presence and type still count. `null-too`: null beside a value is nothing either. `all`: presence neither. */
    ignore: z.enum(["value", "null-too", "all"]).optional(),
    /** Normalisers by name, such as `num(0.01)`, `set`, `by(id)`. */
    compare: z.array(text).min(1).max(8).optional(),
    /** What differs here is recorded and does not count. A name: only where this condition of the application holds. */
    accept: z.union([z.literal(true), text]).optional(),
    severity: z.enum(SEVERITIES).optional(),
    /** Of `accept` and `severity`: only for these. */
    kinds: z.array(z.enum(DIFFERENCE_KINDS)).min(1).optional(),
    /** The keys of this object are data, not names. */
    isOpen: z.literal(true).optional(),
    /** Ids of this path may differ between the arms, whatever they look like. */
    isId: z.literal(true).optional(),
    /** The whole exchange is not compared. */
    exclude: z.literal(true).optional(),
  })
  .superRefine((rule, ctx) => {
    const effects = (["ignore", "compare", "accept", "severity", "isOpen", "isId", "exclude"] as const).filter(
      (effect) => rule[effect] !== undefined,
    );
    if (effects.length !== 1) {
      const found = effects.length === 0 ? "none" : effects.join(", ");
      ctx.addIssue({ code: "custom", message: `a rule does exactly one thing, this one: ${found}` });
    }
    const whole = rule.path === undefined ? rule.message : undefined;
    const places = [rule.path, rule.header, rule.status, whole].filter((place) => place !== undefined);
    if (places.length !== (rule.exclude === undefined ? 1 : 0)) {
      const message = "a rule has one place: a path, a header, the status or a message; with `exclude` none";
      ctx.addIssue({ code: "custom", message });
    }
    for (const [where, call] of [
      ["header", "set"],
      ["status", "class"],
    ] as const) {
      if (rule[where] !== undefined && rule.compare !== undefined && rule.compare.join() !== call) {
        ctx.addIssue({ code: "custom", message: `a ${where} is compared by ${call} only`, path: ["compare"] });
      }
      if (rule[where] !== undefined && typeof rule.accept === "string") {
        ctx.addIssue({ code: "custom", message: `a ${where} is accepted without a condition`, path: ["accept"] });
      }
    }
    if ((rule.ignore ?? rule.accept) !== undefined && rule.until === undefined) {
      ctx.addIssue({ code: "custom", message: "what hides differences ends some day: until", path: ["until"] });
    }
  });

export type ComparisonRule = Readonly<z.infer<typeof ruleSchema>>;

export const isForStatus = ({ statuses }: ComparisonRule, status: number): boolean =>
  statuses?.some((one) => one === String(status) || one === `${String(status)[0]}xx`) ?? true;

/** Whether a rule still holds. @param nowMs epoch */
export const isLive = ({ until: end }: ComparisonRule, nowMs: number): boolean =>
  end === undefined || end === "contract" || nowMs < Date.parse(end) + 86_400_000;
