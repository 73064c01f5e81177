// A user who works: folders over REST, turns on a lesson, drawing on its board; with a ledger of all that was acknowledged.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import * as Y from "yjs";
import { newSession, socketUrl } from "../../ledger/world.ts";
import {
  call,
  type Json,
  nonce,
  openSocket,
  type Proxy,
  type Reply,
  type Socket,
  type User,
} from "../../support/index.ts";

/** What a board has shown to others is durable a second later (contract whiteboard §3). */
const DURABLE_MS = 1_500;
const RETRY_MS = 250;

export class Student {
  readonly user: User;
  readonly #proxy: Proxy;
  readonly #over: AbortSignal;
  session = "";
  readonly folders = new Set<string>();
  /** Texts of the turns that were answered, in order. */
  readonly turns: string[] = [];
  /** Shapes that another socket of the same board has shown, and when: the arm has them. */
  readonly #shown = new Map<string, number>();
  #doc = new Y.Doc();
  #tutor: Socket | null = null;
  #board: Socket | null = null;
  #peer: Socket | null = null;
  /** Calls that an arm or the proxy could not serve; sockets that were closed. */
  failed = 0;
  closes: number[] = [];
  /** Folders, turns and shapes so far. */
  done = 0;

  /** `over`: whatever it repeats ends. */
  constructor(proxy: Proxy, user: User, over: AbortSignal) {
    this.#proxy = proxy;
    this.user = user;
    this.#over = over;
  }

  async #again(): Promise<void> {
    await sleep(RETRY_MS);
    this.#over.throwIfAborted();
  }

  /** A folder, a lesson with so many turns, something on its board. */
  async settleIn(turns: number): Promise<void> {
    await this.addFolder();
    this.session = await newSession(this.#proxy, this.user);
    for (let i = 0; i < turns; i++) await this.turn();
    await this.draw();
    await sleep(50);
    await this.rest();
  }

  /** One thing after the other until the signal. */
  async work(signal: AbortSignal, pauseMs: () => number): Promise<void> {
    for (let i = 0; !signal.aborted; i++) {
      this.#over.throwIfAborted();
      const step = [() => this.addFolder(), () => this.turn(), () => this.draw()][i % 3] as () => Promise<void>;
      await step();
      this.done += 1;
      await sleep(pauseMs(), undefined, { signal }).catch(() => undefined);
    }
  }

  ask(method: string, path: string, body?: Json, key?: string): Promise<Reply> {
    const headers = {
      authorization: `Bearer ${this.user.token}`,
      "content-type": "application/json",
      ...(key !== undefined && { "idempotency-key": key }),
    };
    const text = body === undefined ? undefined : JSON.stringify(body);
    return call(this.#proxy.baseUrl, { method, path, headers, body: text, timeoutMs: 60_000 });
  }

  /** Repeats under its key, as a client does, until it is acknowledged. */
  async addFolder(): Promise<void> {
    const name = `folder-${nonce()}`;
    for (;;) {
      const reply = await this.ask("POST", "/api/v1/folders/", { name }, name).catch(() => null);
      if (reply?.status === 201) break;
      // Repeated on the other arm it may have been done on the first: then the name is taken there.
      if (reply !== null && reply.status < 500) throw new Error(`a folder: ${reply.status} ${reply.text}`);
      this.failed += 1;
      await this.#again();
    }
    this.folders.add(name);
  }

  /** Says it again under the same id on the next connection until it is answered. */
  async turn(): Promise<void> {
    const id = `turn-${nonce()}`;
    for (;;) {
      try {
        const socket = await this.#openTutor();
        socket.send({ type: "user_message", data: { text: id }, client_message_id: id });
        const closed = socket.closed(30_000).then(({ code }) => Promise.reject(new Error(`closed ${code}`)));
        closed.catch(() => undefined);
        while ((await Promise.race([socket.nextJson(30_000), closed])).content_type !== "explanation");
        break;
      } catch {
        this.#tutor?.terminate();
        this.#tutor = null;
        await this.#again();
      }
    }
    this.turns.push(id);
  }

  async draw(): Promise<void> {
    const id = `shape-${nonce()}`;
    for (;;) {
      try {
        const socket = await this.#openBoard();
        const before = Y.encodeStateVector(this.#doc);
        this.#doc.getMap("objects").set(id, { id, kind: "rect", metadata: { source: "user" } });
        socket.sendBinary(Y.encodeStateAsUpdate(this.#doc, before));
        return;
      } catch {
        await this.#again();
      }
    }
  }

  /** Its arm was killed just now: of its last moments nobody promised to have kept what was drawn. */
  forgetLastMoments(): void {
    for (const [id, atMs] of this.#shown) if (performance.now() - atMs < DURABLE_MS) this.#shown.delete(id);
  }

  async #openTutor(): Promise<Socket> {
    if (this.#tutor !== null && this.#tutor.socket.readyState === 1) return this.#tutor;
    const socket = await openSocket(this.#url(""));
    await socket.nextJson();
    return (this.#tutor = this.#watched(socket));
  }

  async #openBoard(): Promise<Socket> {
    const isOpen = [this.#board, this.#peer].every((one) => one?.socket.readyState === 1);
    if (this.#board !== null && isOpen) return this.#board;
    for (const one of [this.#board, this.#peer]) one?.terminate();
    const socket = await openSocket(this.#url("/whiteboard"));
    this.#doc = new Y.Doc();
    Y.applyUpdate(this.#doc, (await socket.next()).data);
    socket.socket.on("message", (data: Buffer) => Y.applyUpdate(this.#doc, data));
    const peer = await openSocket(this.#url("/whiteboard"));
    const shown = new Y.Doc();
    shown.getMap("objects").observe(({ keysChanged }) => {
      for (const id of keysChanged) this.#shown.set(String(id), performance.now());
    });
    Y.applyUpdate(shown, (await peer.next()).data);
    peer.socket.on("message", (data: Buffer) => Y.applyUpdate(shown, data));
    this.#peer = this.#watched(peer);
    return (this.#board = this.#watched(socket));
  }

  #watched(socket: Socket): Socket {
    socket.socket.on("close", (code) => this.closes.push(code));
    return socket;
  }

  #url(rest: string): string {
    return socketUrl(this.#proxy, `/ws/v2/session/${this.session}${rest}?token=${this.user.token}`);
  }

  /** Closes its sockets, with nothing on its way. */
  async rest(): Promise<void> {
    for (const socket of [this.#tutor, this.#board, this.#peer]) {
      if (socket?.socket.readyState === 1) await socket.close();
    }
    [this.#tutor, this.#board, this.#peer] = [null, null, null];
  }

  /** Everything that was acknowledged is there, once, at whichever arm serves it now. */
  async findsEverything(): Promise<void> {
    const folders = await this.ask("GET", "/api/v1/folders/");
    assert.equal(folders.status, 200, folders.text);
    const names: string[] = folders.json().folders.map((folder: Json) => folder.name);
    assert.equal(new Set(names).size, names.length, "a folder is there twice");
    assert.deepEqual(
      [...this.folders].filter((name) => !names.includes(name)),
      [],
      "folders are missing",
    );
    const said: string[] = [];
    for (let before: number | null = null; ; ) {
      const query: string = before === null ? "limit=100" : `limit=100&before_turn_no=${before}`;
      const page = await this.ask("GET", `/api/v1/sessions/${this.session}/messages?${query}`);
      assert.equal(page.status, 200, page.text);
      const rows: Json[] = page.json();
      for (const row of rows) if (row.role === "user") said.push(row.text);
      if (rows.length < 100) break;
      before = rows[0].turn_no;
    }
    assert.equal(new Set(said).size, said.length, "a turn is there twice");
    assert.deepEqual(
      this.turns.filter((text) => !said.includes(text)),
      [],
      "turns are missing",
    );
    const board = await openSocket(this.#url("/whiteboard"));
    const doc = new Y.Doc();
    Y.applyUpdate(doc, (await board.next()).data);
    await board.close();
    const shapes = doc.getMap("objects").toJSON();
    assert.deepEqual(
      [...this.#shown.keys()].filter((id) => shapes[id] === undefined),
      [],
      "shapes are missing",
    );
  }
}
