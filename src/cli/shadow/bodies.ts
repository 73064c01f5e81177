// Redacted bodies of a family's samples (shadow P2): opened for whoever has the key, and of them only what differs.
import { z } from "zod";
import type { FamilyReport, SampleReport } from "../../report/index.ts";
import type { FoundBodies } from "../../shadow/index.ts";
import type { Chosen } from "./chosen.ts";
import { sampleOf } from "./sample.ts";

/** One place with another value on each side; null: there is nothing. */
export interface ChangedValue {
  readonly path: string;
  readonly control: string | null;
  readonly candidate: string | null;
}

/** `unwanted`: only shapes are kept of this route, or it was no call. */
export type SampleBodies =
  | { readonly state: "kept"; readonly changed: readonly ChangedValue[]; readonly leftOut: number }
  | { readonly state: "unwanted" | Exclude<FoundBodies["state"], "kept"> };

const side = z.union([z.object({ body: z.unknown().optional() }), z.object({ error: z.string() })]);
const stored = z.object({ control: side, candidate: side });

/** In the order of its samples. */
export async function bodiesOf({ evidence, campaign }: Chosen, family: FamilyReport): Promise<readonly SampleBodies[]> {
  const kept = await evidence.samples(campaign.id, family.name);
  return Promise.all(family.samples.map((one) => bodiesOfSample(one)));

  async function bodiesOfSample({ place, group, atMs, body }: SampleReport): Promise<SampleBodies> {
    if (sampleOf(body)?.hasBodies !== true) return { state: "unwanted" };
    const seat = kept.find((one) => one.place === place && one.group === group && one.atMs === atMs);
    const found = seat === undefined ? ({ state: "gone" } as const) : await evidence.bodies(campaign.id, seat);
    if (found.state !== "kept") return found;
    const { data } = stored.safeParse(found.body);
    if (data === undefined) return { state: "unreadable" };
    const changed = changesOf(bodyOf(data.control), bodyOf(data.candidate));
    return {
      state: "kept",
      changed: changed.slice(0, CHANGED_MAX),
      leftOut: Math.max(0, changed.length - CHANGED_MAX),
    };
  }
}

const CHANGED_MAX = 40;
const TEXT_MAX = 200;

const bodyOf = (one: z.infer<typeof side>): unknown => ("error" in one ? NOTHING : (one.body ?? NOTHING));

/** Told apart from everything that JSON can say. */
const NOTHING = Symbol("nothing");

const isBranch = (value: unknown): value is object => typeof value === "object" && value !== null;

/** @param path of both. As deep as the reader goes (shadow N3), for nothing deeper is stored. */
function changesOf(control: unknown, candidate: unknown, path = "$"): readonly ChangedValue[] {
  if (isBranch(control) && isBranch(candidate) && Array.isArray(control) === Array.isArray(candidate)) {
    const keys = new Set([...Object.keys(control), ...Object.keys(candidate)]);
    const isList = Array.isArray(control);
    return [...keys].flatMap((key) =>
      changesOf(memberOf(control, key), memberOf(candidate, key), path + (isList ? `[${key}]` : step(key))),
    );
  }
  const [one, other] = [textOf(control), textOf(candidate)];
  return one === other ? [] : [{ path, control: cut(one), candidate: cut(other) }];
}

const memberOf = (of: object, key: string): unknown =>
  Object.hasOwn(of, key) ? (of as Readonly<Record<string, unknown>>)[key] : NOTHING;

const step = (key: string): string =>
  /^[\p{L}_$][\p{L}\p{N}_$-]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;

/** A shape is no text of the body, and is not quoted like one. */
function textOf(value: unknown): string | null {
  if (value === NOTHING) return null;
  return typeof value === "string" && /#[\da-f]{12}$/.test(value) ? value : JSON.stringify(value);
}

const cut = (text: string | null): string | null =>
  text !== null && text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
