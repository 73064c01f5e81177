// Goal 11 of embedded-convex.md §9, on the product's own functions: loads and appends as the service makes them.
import { randomUUID } from "node:crypto";
import * as Y from "yjs";
import { VoidMeasurement } from "../lib/void.ts";
import type { HttpCalls } from "./clients.ts";
import { type Measurement, measurement, medianOf } from "./measurement.ts";
import { type Found, product } from "./references.ts";

const UPDATES = 250;
const APPENDS = 100;
const LOADS = 10;

/** Bytes of exactly this view. */
const buffer = (bytes: Uint8Array): ArrayBuffer => Uint8Array.from(bytes).buffer;

/** As many updates as a lesson leaves, each a stroke or a box of a learner. */
function drawUpdates(): { readonly updates: readonly Uint8Array[]; readonly doc: Y.Doc } {
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on("update", (update: Uint8Array) => updates.push(update));
  const objects = doc.getMap("objects");
  for (let at = 0; at < UPDATES; at++) {
    const metadata = { source: "user", role: "shape", concept: "osmosis" };
    objects.set(`object-${at}`, { kind: "rect", x: at, y: at, width: 120, height: 80, fill: "#E3F2FD", metadata });
  }
  return { updates, doc };
}

export async function createBoardMeasurements(calls: HttpCalls): Promise<readonly Measurement[]> {
  const { updates, doc } = drawUpdates();
  const appended = await openBoard(calls);
  const logged = await openBoard(calls);
  const compacted = await openBoard(calls);
  for (const update of updates) await append(calls, logged.board, update);
  await writeSnapshot(calls, compacted.board, Y.encodeStateAsUpdate(doc));
  return [
    measurement("board-append-p50", () =>
      medianOf(APPENDS, (at) => append(calls, appended.board, updates[at % UPDATES] as Uint8Array)),
    ),
    measurement("board-load-250-updates", () => medianOf(LOADS, () => load(calls, logged.session))),
    measurement("board-load-snapshot", () => medianOf(LOADS, () => load(calls, compacted.session))),
  ];
}

async function openBoard(calls: HttpCalls): Promise<{ session: string; board: Found }> {
  const now = Date.now();
  const id = randomUUID();
  await calls.mutation(product.sessions.create, { now, id, spareId: randomUUID(), folderId: null });
  const { session } = await calls.query(product.sessions.access, { id });
  if (session === undefined) throw new VoidMeasurement("the session that was created is not there");
  return { session, board: await calls.mutation(product.boards.open, { session, now }) };
}

async function append(calls: HttpCalls, { board }: Found, update: Uint8Array): Promise<void> {
  const { status } = await calls.mutation(product.boards.append, { board, update: buffer(update), now: Date.now() });
  if (status !== "stored") throw new VoidMeasurement(`an append was answered ${status}`);
}

async function writeSnapshot(calls: HttpCalls, { board }: Found, state: Uint8Array): Promise<void> {
  const { generation } = await calls.mutation(product.boards.draft, { board });
  if (generation === undefined) throw new VoidMeasurement("a snapshot could not be drafted");
  const next = { board, generation };
  await calls.mutation(product.boards.writePart, { ...next, part: 0, bytes: buffer(state) });
  const end = { parts: 1, through: 0, now: Date.now() };
  const { status } = await calls.mutation(product.boards.commitSnapshot, { ...next, ...end });
  if (status !== "stored") throw new VoidMeasurement(`the snapshot was answered ${status}`);
}

/** Head, snapshot, what came after it, into a new document. */
async function load(calls: HttpCalls, session: string): Promise<void> {
  const doc = new Y.Doc();
  const { board, generation, parts, through } = await calls.query(product.boards.find, { session });
  for (let part = 0; part < parts; part++) {
    const bytes = await calls.query(product.boards.part, { board, generation, part });
    if (bytes !== null) Y.applyUpdate(doc, new Uint8Array(bytes));
  }
  const { updates } = await calls.query(product.boards.updates, { board, after: through });
  for (const { update } of updates) Y.applyUpdate(doc, new Uint8Array(update));
  const { size } = doc.getMap("objects");
  doc.destroy();
  if (size !== UPDATES) throw new VoidMeasurement(`a board of ${UPDATES} objects was loaded with ${size}`);
}
