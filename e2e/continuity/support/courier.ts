// Stands before an arm's data endpoints, where the relay calls them, and delivers badly: pages in parts, their rows in
// another order, bodies twice, old bodies again, answers that never arrive.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Json } from "../../support/index.ts";

export interface Habits {
  /** Rows of a page at most; null: as many as are asked for. */
  readonly pageMax: number | null;
  readonly isShuffled: boolean;
  /** Each body reaches the arm twice. */
  readonly isTwice: boolean;
  /** A body from before reaches the arm ahead of a new one. */
  readonly isRepeating: boolean;
}

export const GOOD_HABITS: Habits = { pageMax: null, isShuffled: false, isTwice: false, isRepeating: false };

export interface Courier {
  readonly url: string;
  habits: Habits;
  /** So many next answers to a body are lost: the arm has applied it, the caller never hears of it. */
  lose(answers: number): void;
  /** Keeps the next answer to a body for ever; resolves when the arm has applied the body. */
  keep(): Promise<void>;
  /** So many next reads of the feed are answered so instead. */
  refuse(status: number, times: number): void;
  /** Forgets the bodies delivered so far. */
  forget(): void;
  stop(): Promise<void>;
}

/** Bodies kept to be delivered again. */
const KEPT = 8;

async function bodyOf(incoming: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? null : Buffer.concat(chunks);
}

/** Another order of the same things, the same each time. */
function shuffled<T>(list: readonly T[]): T[] {
  const mixed = [...list];
  for (let at = mixed.length - 1, seed = 7; at > 0; at--) {
    seed = (seed * 48_271) % 2_147_483_647;
    const other = seed % (at + 1);
    [mixed[at], mixed[other]] = [mixed[other] as T, mixed[at] as T];
  }
  return mixed;
}

class ArmCourier {
  habits: Habits = GOOD_HABITS;
  toLose = 0;
  kept: (() => void) | null = null;
  readonly refusals: number[] = [];
  readonly delivered: Buffer[] = [];
  readonly #arm: () => string;

  constructor(arm: () => string) {
    this.#arm = arm;
  }

  async answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await bodyOf(incoming);
    const url = new URL(incoming.url ?? "/", this.#arm());
    const isFeed = url.pathname === "/internal/changes";
    if (isFeed && body === null) return this.#page(url, incoming, outgoing);
    if (isFeed && body !== null) return this.#deliver(url, incoming, body, outgoing);
    const reply = await this.#call(url, incoming, body);
    outgoing.writeHead(reply.status, { "content-type": reply.headers.get("content-type") ?? "text/plain" });
    for await (const chunk of reply.body ?? []) outgoing.write(chunk);
    outgoing.end();
  }

  async #page(url: URL, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const { pageMax, isShuffled } = this.habits;
    const refusal = this.refusals.shift();
    if (refusal !== undefined) return void outgoing.writeHead(refusal).end();
    if (pageMax !== null) url.searchParams.set("limit", String(pageMax));
    const reply = await this.#call(url, incoming, null);
    const text = await reply.text();
    const answer = reply.ok && isShuffled ? JSON.stringify(withMixedRows(JSON.parse(text))) : text;
    outgoing.writeHead(reply.status, { "content-type": "application/json" }).end(answer);
  }

  async #deliver(url: URL, incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse): Promise<void> {
    const { isTwice, isRepeating } = this.habits;
    if (isRepeating) for (const old of this.delivered) await (await this.#call(url, incoming, old)).text();
    const reply = await this.#call(url, incoming, body);
    const text = await reply.text();
    if (isTwice) await (await this.#call(url, incoming, body)).text();
    this.delivered.push(body);
    if (this.delivered.length > KEPT) this.delivered.shift();
    if (this.kept) {
      this.kept();
      this.kept = null;
      return;
    }
    if (this.toLose > 0) {
      this.toLose -= 1;
      outgoing.destroy();
      return;
    }
    outgoing.writeHead(reply.status, { "content-type": "application/json" }).end(text);
  }

  #call(url: URL, { method, headers }: IncomingMessage, body: Buffer | null): Promise<Response> {
    const sent = { "x-service-token": String(headers["x-service-token"]), "content-type": "application/json" };
    return fetch(url, { method: method ?? "GET", headers: sent, body: body === null ? null : new Uint8Array(body) });
  }
}

const withMixedRows = (page: Json): Json => ({ ...page, changes: shuffled(page.changes) });

/** `arm` gives its origin, which another process of it may have changed. */
export async function startCourier(arm: () => string): Promise<Courier> {
  const courier = new ArmCourier(arm);
  const server = createServer((incoming, outgoing) => {
    courier.answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get habits() {
      return courier.habits;
    },
    set habits(habits) {
      courier.habits = habits;
    },
    lose: (answers) => void (courier.toLose = answers),
    keep: () => new Promise((applied) => (courier.kept = applied)),
    refuse: (status, times) => void courier.refusals.push(...Array.from({ length: times }, () => status)),
    forget: () => void courier.delivered.splice(0),
    async stop() {
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
}
