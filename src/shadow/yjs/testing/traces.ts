// Edits of a few clients as the updates they send: the same in every run.
import * as Y from "yjs";
import { type Random, seeded } from "../../testing/seeded.ts";
import type { RootType } from "../plainContent.ts";

export interface Step {
  readonly client: number;
  readonly update: Uint8Array;
}

export interface Trace {
  readonly roots: Readonly<Record<string, RootType>>;
  readonly steps: readonly Step[];
}

export const below = (random: Random, most: number): number => Math.floor(random() * most);
const word = (random: Random): string => Math.floor(random() * 1e9).toString(36);

type Edit = (doc: Y.Doc, random: Random, at: number) => void;

/** Epoch ms at which what expires in a trace is looked at. */
export const TRACE_NOW_MS = 1_700_000_000_000;

const shape = (random: Random) => ({
  kind: "rect",
  x: random() * 1_000,
  y: below(random, 800),
  label: word(random),
  metadata: { source: "user", z: below(random, 9) },
});

function someKey(map: Y.Map<unknown>, random: Random): string | undefined {
  return [...map.keys()].sort()[below(random, map.size)];
}

const typing: Edit = (doc, random) => {
  const text = doc.getText("text");
  const end = random() < 0.8 ? text.length : below(random, text.length + 1);
  text.insert(end, word(random).slice(0, 1 + below(random, 3)));
};

const moving: Edit = (doc, random) => {
  const shapes = doc.getMap<unknown>("objects");
  const key = random() < 0.3 ? undefined : someKey(shapes, random);
  shapes.set(key ?? `s-${word(random)}`, shape(random));
};

const deleting: Edit = (doc, random, at) => {
  const text = doc.getText("text");
  if (random() < 0.5 && text.length > 4) text.delete(below(random, text.length - 2), 1 + below(random, 2));
  else typing(doc, random, at);
  const shapes = doc.getMap<unknown>("objects");
  const key = random() < 0.3 ? someKey(shapes, random) : undefined;
  if (key !== undefined) shapes.delete(key);
  else if (random() < 0.4) moving(doc, random, at);
};

/** All of them at the same few places. */
const meeting: Edit = (doc, random) => {
  if (random() < 0.5) doc.getText("text").insert(0, word(random).slice(0, 2));
  else doc.getMap<unknown>("objects").set(`k${below(random, 3)}`, { v: word(random) });
};

const listing: Edit = (doc, random) => {
  const list = doc.getArray<unknown>("list");
  if (random() < 0.25 && list.length > 2) list.delete(below(random, list.length), 1);
  else list.insert(below(random, list.length + 1), [random() < 0.5 ? below(random, 99) : { at: random() }]);
};

const nesting: Edit = (doc, random) => {
  const tree = doc.getMap<Y.Map<unknown>>("tree");
  const key = `n${below(random, 4)}`;
  const node = tree.get(key);
  if (node === undefined || random() < 0.1) {
    const made = new Y.Map<unknown>();
    made.set("title", new Y.Text(word(random)));
    made.set("items", new Y.Array());
    tree.set(key, made);
    return;
  }
  const title = node.get("title") as Y.Text;
  const items = node.get("items") as Y.Array<unknown>;
  if (random() < 0.4) title.insert(below(random, title.length + 1), word(random), random() < 0.4 ? { bold: true } : {});
  else if (random() < 0.7) items.push([word(random)]);
  else doc.getXmlFragment("page").insert(0, [element(random)]);
};

function element(random: Random): Y.XmlElement {
  const made = new Y.XmlElement("p");
  made.setAttribute("id", word(random));
  made.insert(0, [new Y.XmlText(word(random))]);
  return made;
}

/** What is written, taken back and written again. */
const churning: Edit = (doc, random) => {
  const text = doc.getText("text");
  const written = word(random).slice(0, 4);
  const at = below(random, text.length + 1);
  text.insert(at, written);
  if (random() < 0.7) text.delete(at, written.length);
  const shapes = doc.getMap<unknown>("objects");
  shapes.set("only", { v: word(random) });
  if (random() < 0.5) shapes.delete("only");
};

const expiring: Edit = (doc, random, at) => {
  const marks = doc.getMap<unknown>("ephemeral");
  const key = random() < 0.3 ? someKey(marks, random) : undefined;
  const expiresAt = TRACE_NOW_MS + (random() < 0.5 ? -60_000 : 3_600_000);
  if (key !== undefined) marks.delete(key);
  else marks.set(`m${below(random, 20)}`, { at, metadata: random() < 0.8 ? { expiresAt } : {} });
  if (random() < 0.4) moving(doc, random, at);
};

const KINDS = { typing, moving, deleting, meeting, listing, nesting, churning, expiring } satisfies Record<
  string,
  Edit
>;
export type TraceKind = keyof typeof KINDS;
export const TRACE_KINDS = Object.keys(KINDS) as readonly TraceKind[];

const ROOTS: Readonly<Record<string, RootType>> = {
  text: "text",
  objects: "map",
  ephemeral: "map",
  list: "array",
  tree: "map",
  page: "xml",
};

/** `steps` updates of three clients that hear of each other late. */
export function makeTrace(kind: TraceKind, seed: number, steps: number): Trace {
  const random = seeded(seed);
  const made: Step[] = [];
  const docs = [0, 1, 2].map((client) => {
    const doc = new Y.Doc();
    doc.clientID = 1_000 + client;
    doc.on("update", (update: Uint8Array, origin: unknown) => {
      if (origin !== "other") made.push({ client, update });
    });
    return doc;
  });
  const heard = [0, 0, 0];
  for (let at = 0; made.length < steps; at++) {
    const client = below(random, docs.length);
    const doc = docs[client] as Y.Doc;
    if (random() < 0.4) {
      for (const step of made.slice(heard[client])) Y.applyUpdate(doc, step.update, "other");
      heard[client] = made.length;
    }
    doc.transact(() => KINDS[kind](doc, random, at));
  }
  for (const doc of docs) doc.destroy();
  return { roots: ROOTS, steps: made };
}

/** What an application would leave out. */
export const isExpired = (value: unknown, nowMs: number): boolean => {
  const { expiresAt } = (value as { metadata?: { expiresAt?: unknown } } | null)?.metadata ?? {};
  return typeof expiresAt === "number" && expiresAt < nowMs;
};
