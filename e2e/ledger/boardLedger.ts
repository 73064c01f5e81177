import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as Y from "yjs";
import { type Closed, openSocket, type Proxy, type Socket, type User } from "../support/index.ts";
import { newSession, socketUrl } from "./world.ts";

/** One board with several clients; every update is in its sender's ledger and in each receiver's. */
export interface Board {
  readonly user: User;
  readonly sessionId: string;
  readonly clients: readonly BoardClient[];
  /** What the ledgers say: lost, doubled or swapped frames, documents that differ. Empty: nothing. */
  problems(): string[];
  readonly updatesSent: number;
}

export interface BoardClient {
  readonly socket: Socket;
  readonly doc: Y.Doc;
  /** Hashes of what this client sent, in order. */
  readonly sent: string[];
  /** Hashes of what it received after the first frame, in order. */
  readonly received: string[];
  closed: Closed | null;
  run(signal: AbortSignal, pauseMs: () => number): Promise<void>;
}

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex").slice(0, 16);

async function createClient(url: string, name: string): Promise<BoardClient> {
  const socket = await openSocket(url);
  const doc = new Y.Doc();
  const first = await socket.next();
  Y.applyUpdate(doc, first.data, "server");
  const client: BoardClient = {
    socket,
    doc,
    sent: [],
    received: [],
    closed: null,
    async run(signal, pauseMs) {
      for (let i = 0; !signal.aborted && client.closed === null; i++) {
        const spec = {
          id: `${name}-${i}`,
          kind: "rect",
          x: i,
          y: i,
          width: 5,
          height: 5,
          metadata: { source: "user" },
        };
        doc.getMap("objects").set(spec.id, spec);
        await sleep(pauseMs(), undefined, { signal }).catch(() => {});
      }
    },
  };
  doc.on("update", (update: Uint8Array, origin: unknown) => {
    if (origin === "server" || client.closed !== null) return;
    client.sent.push(hashOf(update));
    socket.sendBinary(update);
  });
  socket.socket.on("message", (data: Buffer) => {
    client.received.push(hashOf(data));
    Y.applyUpdate(doc, data, "server");
  });
  socket.socket.on("close", (code, reason) => {
    client.closed = { code, reason: reason.toString("utf8") };
  });
  return client;
}

export async function createBoard(proxy: Proxy, user: User, name: string, clientCount: number): Promise<Board> {
  const sessionId = await newSession(proxy, user);
  const url = socketUrl(proxy, `/ws/v2/session/${sessionId}/whiteboard?token=${user.token}`);
  const clients: BoardClient[] = [];
  for (let i = 0; i < clientCount; i++) clients.push(await createClient(url, `${name}-${i}`));
  return {
    user,
    sessionId,
    clients,
    problems: () => [...frameProblems(name, clients), ...documentProblems(name, clients)],
    get updatesSent() {
      return clients.reduce((sum, client) => sum + client.sent.length, 0);
    },
  };
}

/** Each receiver must hold each sender's frames exactly once and in the sender's order. */
function frameProblems(name: string, clients: readonly BoardClient[]): string[] {
  const problems: string[] = [];
  for (const [to, receiver] of clients.entries()) {
    for (const [from, sender] of clients.entries()) {
      if (to === from) {
        const own = new Set(receiver.sent);
        if (receiver.received.some((hash) => own.has(hash)))
          problems.push(`${name}: client ${to} got its own bytes back`);
        continue;
      }
      const own = new Set(sender.sent);
      const got = receiver.received.filter((hash) => own.has(hash));
      if (got.join() !== sender.sent.join()) {
        problems.push(
          `${name}: client ${to} holds ${got.length} of ${sender.sent.length} frames of client ${from}, or in another order`,
        );
      }
    }
  }
  return problems;
}

function documentProblems(name: string, clients: readonly BoardClient[]): string[] {
  const jsons = clients.map((client) => JSON.stringify(sorted(client.doc.getMap("objects").toJSON())));
  return jsons.every((json) => json === jsons[0]) ? [] : [`${name}: the documents differ`];
}

const sorted = (value: Record<string, unknown>): [string, unknown][] =>
  Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
