// A board where people come, edit and go, on an arm that is followed by a slower one. Manual time.
import * as Y from "yjs";
import type { Arm } from "../../../kernel/index.ts";
import type { VerdictName } from "../../words.ts";
import { Documents } from "../documents.ts";
import type { DocumentEvent } from "../documentEvent.ts";
import { contextAt, rulesFor } from "./room.ts";
import { type Random, seeded } from "../../testing/seeded.ts";
import { below, TRACE_NOW_MS } from "./traces.ts";

const ROOTS = { roots: { objects: "map", text: "text" } } as const;

interface Backend {
  readonly doc: Y.Doc;
  readonly sockets: Set<string>;
}

const startBackend = (): Backend => ({ doc: new Y.Doc(), sockets: new Set() });

interface Planned {
  readonly atMs: number;
  readonly run: () => void;
}

/** How often each verdict was told. @param lagMs of the candidate's legs, at most */
export function comeAndGo(seed: number, steps: number, lagMs: number): ReadonlyMap<VerdictName, number> {
  const random = seeded(seed);
  const documents = new Documents({ rules: rulesFor(ROOTS), contextAt });
  const told = new Map<VerdictName, number>();
  const backends = { control: startBackend(), candidate: startBackend() };
  const clients = new Map<string, Y.Doc>();
  const legs = new Map<string, number>();
  const later: Planned[] = [];
  let nowMs = 0;

  const note = (name: VerdictName | undefined): void => {
    if (name !== undefined) told.set(name, (told.get(name) ?? 0) + 1);
  };
  const at = () => ({ atMs: nowMs, nowMs: TRACE_NOW_MS + nowMs });
  const tell = (event: DocumentEvent): void => note(documents.take("board", event, at())?.verdict.name);
  const show = (arm: Arm, socket: string, update: Uint8Array): void => {
    tell({ type: "received", arm, socket, update });
    const client = clients.get(socket);
    if (arm === "control" && client !== undefined) Y.applyUpdate(client, update, "arm");
  };
  const join = (arm: Arm, socket: string): void => {
    backends[arm].sockets.add(socket);
    tell({ type: "joined", arm, socket });
    show(arm, socket, Y.encodeStateAsUpdate(backends[arm].doc));
  };
  const leave = (arm: Arm, socket: string): void => {
    backends[arm].sockets.delete(socket);
    tell({ type: "left", arm, socket });
  };
  const send = (arm: Arm, socket: string, update: Uint8Array): void => {
    tell({ type: "sent", arm, socket, update });
    Y.applyUpdate(backends[arm].doc, update);
    for (const other of backends[arm].sockets) if (other !== socket) show(arm, other, update);
  };
  /** Now on control, and on the candidate when this leg has come so far. */
  const onBoth = (socket: string, act: (arm: Arm) => void): void => {
    act("control");
    const atMs = Math.max(legs.get(socket) ?? 0, nowMs + below(random, lagMs));
    legs.set(socket, atMs);
    later.push({ atMs, run: () => act("candidate") });
  };
  const pass = (untilMs: number): void => {
    for (;;) {
      later.sort((one, other) => one.atMs - other.atMs);
      const nextMs = Math.min(
        later[0]?.atMs ?? Number.POSITIVE_INFINITY,
        documents.dueAtMs ?? Number.POSITIVE_INFINITY,
      );
      if (nextMs > untilMs) break;
      nowMs = Math.max(nowMs, nextMs);
      if (later[0] !== undefined && later[0].atMs <= nowMs) later.shift()?.run();
      for (const { verdict } of documents.tick(at())) note(verdict.name);
    }
    nowMs = untilMs;
  };

  for (let step = 0; step < steps; step++) {
    const open = [...clients.keys()];
    const dice = random();
    const socket = open[below(random, open.length)];
    if (socket === undefined || (dice < 0.1 && open.length < 5)) {
      const name = `s${step}`;
      const doc = new Y.Doc();
      doc.clientID = 10 + step;
      clients.set(name, doc);
      onBoth(name, (arm) => join(arm, name));
    } else if (dice < 0.2) {
      clients.delete(socket);
      onBoth(socket, (arm) => leave(arm, socket));
    } else {
      const update = edited(clients.get(socket) as Y.Doc, random);
      onBoth(socket, (arm) => send(arm, socket, update));
    }
    pass(nowMs + (random() < 0.1 ? below(random, 15_000) : below(random, 400)));
  }
  pass(nowMs + 20_000);
  return told;
}

function edited(doc: Y.Doc, random: Random): Uint8Array {
  const before = Y.encodeStateVector(doc);
  const text = doc.getText("text");
  doc.transact(() => {
    if (random() < 0.5) doc.getMap("objects").set(`k${below(random, 6)}`, { v: random() });
    else if (random() < 0.6 || text.length < 3) text.insert(below(random, text.length + 1), "word");
    else text.delete(below(random, text.length - 1), 1);
  });
  return Y.encodeStateAsUpdate(doc, before);
}
