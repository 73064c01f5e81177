// A sync server on a free loopback port over a MemoryRunner, with real tokens, the official client, and a raw one.
import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { BaseConvexClient, type BaseConvexClientOptions } from "convex/browser";
import { WebSocket } from "ws";
import { createCallerAuth } from "../jwksAuth.ts";
import { createSyncServer, type SyncServer } from "../wsSync.ts";
import { createManualTime, type ManualTime } from "./manualTime.ts";
import { MemoryRunner } from "./memoryRunner.ts";

export const ADMIN_KEY = `embedded|${"a".repeat(64)}`;
export const START_MS = 1_700_000_000_000;
const ISSUER = "https://issuer.example";
const keys = generateKeyPairSync("ec", { namedCurve: "P-256" });
const jwk = { ...keys.publicKey.export({ format: "jwk" }), kid: "k1" };
const jwks = `data:application/json,${encodeURIComponent(JSON.stringify({ keys: [jwk] }))}`;

/** A token as the provider makes it; times are epoch ms. */
export function makeToken(subject: string, issuedMs: number, endsMs: number): string {
  const encode = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const claims = { iss: ISSUER, aud: "app", sub: subject, iat: issuedMs / 1_000, exp: endsMs / 1_000 };
  const signed = `${encode({ alg: "ES256", typ: "JWT", kid: "k1" })}.${encode(claims)}`;
  const signature = sign("sha256", Buffer.from(signed), { key: keys.privateKey, dsaEncoding: "ieee-p1363" });
  return `${signed}.${signature.toString("base64url")}`;
}

export const identifierOf = (subject: string) => `${ISSUER}|${subject}`;

export interface SyncFixture {
  readonly url: string;
  readonly runner: MemoryRunner;
  readonly time: ManualTime;
  readonly server: SyncServer;
  /** The official client, over sockets that keep what they heard. */
  client(options?: Partial<BaseConvexClientOptions>): OfficialClient;
  raw(): Promise<RawClient>;
  close(): Promise<void>;
}

// The message is text, and parsed here only to be looked at.
export type Message = any;

/** Every socket that a client opened, and what came over it. */
export class HeardSockets {
  readonly sockets: WebSocket[] = [];
  readonly frames: string[] = [];
  readonly constructorOfSockets: typeof globalThis.WebSocket;

  constructor() {
    // oxlint-disable-next-line typescript/no-this-alias
    const heard = this;
    this.constructorOfSockets = class extends WebSocket {
      constructor(url: string) {
        super(url);
        heard.sockets.push(this);
        this.on("message", (data) => heard.frames.push((data as Buffer).toString()));
      }
    } as unknown as typeof globalThis.WebSocket;
  }

  get messages(): readonly Message[] {
    return this.frames.map((frame): Message => JSON.parse(frame));
  }

  /** Without pings. */
  get types(): readonly string[] {
    return this.messages.map((message) => String(message.type)).filter((type) => type !== "Ping");
  }
}

export class OfficialClient extends HeardSockets {
  readonly base: BaseConvexClient;
  readonly #watchers = new Set<() => void>();

  constructor(url: string, options: Partial<BaseConvexClientOptions>) {
    super();
    const webSocketConstructor = this.constructorOfSockets;
    this.base = new BaseConvexClient(url, () => this.#changed(), {
      webSocketConstructor,
      logger: false,
      unsavedChangesWarning: false,
      ...options,
    });
    this.base.subscribeToConnectionState(() => this.#changed());
  }

  watch(path: string, args: Record<string, never> | Record<string, string | number | string[]>): () => unknown {
    this.base.subscribe(path, args);
    return () => this.base.localQueryResult(path, args);
  }

  /** Waits until `look` gives something like `expected`; fails with what it gave last. */
  async until(look: () => unknown, expected: unknown, withinMs = 10_000): Promise<void> {
    const endsAt = performance.now() + withinMs;
    for (;;) {
      const seen = look();
      try {
        return assert.deepEqual(seen, expected);
      } catch (error) {
        if (performance.now() > endsAt) throw error;
      }
      await new Promise<void>((resolve) => {
        const timer = setTimeout(wake, 50);
        const watchers = this.#watchers;
        watchers.add(wake);
        function wake(): void {
          clearTimeout(timer);
          watchers.delete(wake);
          resolve();
        }
      });
    }
  }

  /** Cuts the connection as a lost network does, and connects again without the wait before. */
  async cut(): Promise<void> {
    this.sockets.at(-1)?.terminate();
    await this.until(() => this.base.connectionState().isWebSocketConnected, false);
    this.reconnectNow();
  }

  reconnectNow(): void {
    const { webSocketManager } = this.base as unknown as { webSocketManager: { tryReconnectImmediately(): void } };
    webSocketManager.tryReconnectImmediately();
  }

  #changed(): void {
    for (const wake of this.#watchers) wake();
  }
}

/** Speaks the protocol by hand. */
export class RawClient extends HeardSockets {
  readonly socket: WebSocket;
  closed: { readonly code: number; readonly reason: string } | null = null;
  #wake = () => {};

  constructor(url: string) {
    super();
    this.socket = new this.constructorOfSockets(`${url.replace("http", "ws")}/api/1.0.0/sync`) as unknown as WebSocket;
    this.socket.on("message", () => this.#wake());
    this.socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.#wake();
    });
    this.socket.on("error", () => undefined);
  }

  send(...messages: readonly object[]): void {
    for (const message of messages) this.socket.send(JSON.stringify(message));
  }

  connect(sessionId = "raw"): void {
    this.send({ type: "Connect", sessionId, connectionCount: 0, lastCloseReason: null, clientTs: 0 });
  }

  /** The next message of a type, pings apart; those before it are skipped. */
  async next(type: string): Promise<Message> {
    for (;;) {
      const at = this.messages.findIndex((message) => message.type === type);
      if (at >= 0) {
        const [frame] = this.frames.splice(0, at + 1).slice(-1);
        return JSON.parse(frame ?? "null");
      }
      if (this.closed !== null) assert.fail(`closed ${this.closed.code} ${this.closed.reason} before ${type}`);
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  async end(): Promise<{ readonly code: number; readonly reason: string }> {
    if (this.closed === null) await once(this.socket, "close");
    return this.closed ?? assert.fail();
  }
}

/** Starts all of it; `close` ends the clients too. */
export async function startSync(): Promise<SyncFixture> {
  const runner = new MemoryRunner();
  const time = createManualTime(START_MS);
  const provider = { type: "customJwt", issuer: ISSUER, applicationID: "app", algorithm: "ES256", jwks } as const;
  const auth = createCallerAuth({ providers: [provider], adminKey: ADMIN_KEY, clock: time.clock });
  const server = createSyncServer({ runner, auth, clock: time.clock, timers: time.timers });
  const http = createServer();
  http.on("upgrade", (request, socket, head) => server.handle(request, socket, head));
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const clients: OfficialClient[] = [];
  const raws: RawClient[] = [];
  return {
    url,
    runner,
    time,
    server,
    client(options = {}) {
      const client = new OfficialClient(url, options);
      clients.push(client);
      return client;
    },
    async raw() {
      const client = new RawClient(url);
      raws.push(client);
      await once(client.socket, "open");
      return client;
    },
    async close() {
      for (const { socket } of raws) socket.terminate();
      await Promise.all(clients.map((client) => client.base.close()));
      server.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
