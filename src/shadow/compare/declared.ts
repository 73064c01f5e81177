// Whether each answer is what the application declares, whatever the other arm says: a text `None` where a number belongs is a defect
// of both arms when both write it (contract differences.md §8, P14 and P20).
import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import { JsonNumber, type JsonValue } from "../json/values.ts";
import type { Reply } from "../observation.ts";
import { decode, headerOf } from "./decode.ts";
import { FoundDifferences, type FoundDifference } from "./foundDifferences.ts";
import { valueClass } from "./valueClass.ts";
import { WalkPath } from "./walkPath.ts";

export type BodyPath = readonly (string | number)[];

/** Paths of a body that are not as they are declared for an answer with this status. Pure. */
export type ReplyCheck = (status: number, body: unknown) => readonly BodyPath[];

/** Of one body; further ones are the same cause. */
const PATHS_MAX = 20;
const AS_DECLARED = "declared";

/** Whether somewhere in it is a number that programs see otherwise: of most bodies nothing needs to be made anew. */
function hasTexts(value: JsonValue): boolean {
  if (typeof value !== "object" || value === null) return false;
  return value instanceof JsonNumber || Object.values(value).some(hasTexts);
}

const plainOf = (value: JsonValue): unknown => (hasTexts(value) ? roundedOf(value) : value);

/** As programs see it; a number that no float holds is rounded, which no declaration asks about. */
function roundedOf(value: JsonValue): unknown {
  if (value instanceof JsonNumber) return Number(value.text);
  if (Array.isArray(value)) return value.map(roundedOf);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, roundedOf(item)] as const));
}

function valueAt(value: JsonValue, path: BodyPath): JsonValue | undefined {
  let at: JsonValue | undefined = value;
  for (const part of path) {
    if (typeof at !== "object" || at === null || at instanceof JsonNumber || !Object.hasOwn(at, part)) return undefined;
    at = (at as Readonly<Record<string | number, JsonValue>>)[part];
  }
  return at;
}

/** Class of what stands at each path that is not as declared, by path; `nothing` where it is missing. */
type Undeclared = ReadonlyMap<string, { readonly path: BodyPath; readonly found: string }>;

/** Answers of one route that are remembered; of those forgotten the check is asked again. */
const ANSWERS_MAX = 500;
const answers = new WeakMap<ReplyCheck, LRUCache<string, Undeclared>>();

/** Most reads are answered as before, and a check takes longer than all else that an identical pair needs. */
function undeclaredOf(reply: Reply, check: ReplyCheck): Undeclared {
  let known = answers.get(check);
  if (known === undefined) answers.set(check, (known = new LRUCache({ max: ANSWERS_MAX })));
  const heads = [reply.status, headerOf(reply, "content-type"), headerOf(reply, "content-encoding")];
  const name = `${hash("sha256", reply.body, "base64")} ${heads.join(" ")}`;
  let undeclared = known.get(name);
  if (undeclared === undefined) known.set(name, (undeclared = ask(reply, check)));
  return undeclared;
}

function ask(reply: Reply, check: ReplyCheck): Undeclared {
  const decoded = decode(reply);
  if (decoded.as !== "value") return new Map();
  const paths = check(reply.status, plainOf(decoded.value)).slice(0, PATHS_MAX);
  return new Map(
    paths.map((path) => [JSON.stringify(path), { path, found: valueClass(valueAt(decoded.value, path)) ?? "nothing" }]),
  );
}

/** @throws what the application's check throws */
export function compareDeclared(control: Reply, candidate: Reply, check: ReplyCheck): readonly FoundDifference[] {
  const isOne = control.body === candidate.body || Buffer.compare(control.body, candidate.body) === 0;
  const one = undeclaredOf(control, check);
  const other = isOne ? one : undeclaredOf(candidate, check);
  const found = new FoundDifferences();
  for (const [name, { path }] of new Map([...one, ...other])) {
    const walk = new WalkPath();
    const report = (at: number): void => {
      const part = path[at];
      if (part !== undefined) walk.under(part, false, () => report(at + 1));
      else {
        found.add(
          {
            template: walk.template,
            kind: "type",
            severity: "breaking",
            control: one.get(name)?.found ?? AS_DECLARED,
            candidate: other.get(name)?.found ?? AS_DECLARED,
            acceptedBy: null,
          },
          () => walk.text,
        );
      }
    };
    report(0);
  }
  return found.all;
}
