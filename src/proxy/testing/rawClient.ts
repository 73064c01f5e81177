import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { within } from "./wait.ts";

/** A reply as it stood on the wire. */
export interface RawReply {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Buffer;
  /** All values under this lower-case name. */
  all(name: string): string[];
  /** The only value, or null. */
  one(name: string): string | null;
  /** The problem body's code, or null. */
  readonly code: string | null;
}

/** A client that sends exactly the bytes it is given and keeps every byte that comes back. */
export class RawClient {
  readonly socket: Socket;
  isClosed = false;
  /** Whether the connection was reset rather than ended. */
  isReset = false;
  #at = 0;
  #chunks: Buffer[] = [];
  readonly closed: Promise<void>;
  readonly #waiting = new Set<() => void>();

  private constructor(socket: Socket) {
    this.socket = socket;
    this.closed = new Promise((resolve) =>
      socket.once("close", () => {
        this.isClosed = true;
        this.#wake();
        resolve();
      }),
    );
    socket.on("error", () => {
      this.isReset = true;
    });
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    const client = new RawClient(socket);
    await once(socket, "connect");
    return client;
  }

  send(bytes: string | Uint8Array): this {
    this.socket.write(typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes);
    return this;
  }

  /** The next reply; `isHead` when its body is left out by rule. Interim replies are given like any other. */
  async reply(options: { isHead?: boolean; withinMs?: number } = {}): Promise<RawReply> {
    const { isHead = false, withinMs = 5_000 } = options;
    const read = async (): Promise<RawReply> => {
      for (;;) {
        const parsed = readReply(this.received.subarray(this.#at), isHead, this.isClosed);
        if (parsed) {
          this.#at += parsed.size;
          return parsed.reply;
        }
        if (this.isClosed)
          throw new Error(`closed without a complete reply: ${JSON.stringify(this.text.slice(0, 300))}`);
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
    };
    return within("a reply", read(), withinMs);
  }

  /** Waits until the bytes received so far hold this text. */
  async sees(text: string, withinMs = 3_000): Promise<void> {
    const read = async (): Promise<void> => {
      while (!this.text.includes(text)) {
        if (this.isClosed) throw new Error(`closed without ${text}`);
        await new Promise<void>((resolve) => this.#waiting.add(resolve));
      }
    };
    await within(`the text ${text}`, read(), withinMs);
  }

  /** Everything up to the end of the connection. */
  async rest(withinMs = 3_000): Promise<string> {
    await within("the end of the connection", this.closed, withinMs);
    return this.received.subarray(this.#at).toString("latin1");
  }

  /** Every byte so far; joined only when somebody looks, for large answers come in many pieces. */
  get received(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  get text(): string {
    return this.received.toString("latin1");
  }

  end(): void {
    this.socket.destroy();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }
}

/** One connection, these bytes, the first reply; the connection stays open for the caller to look at. */
export async function ask(port: number, bytes: string | Uint8Array, options: { isHead?: boolean } = {}) {
  const client = await RawClient.connect(port);
  client.send(bytes);
  const reply = await client.reply(options);
  return { client, reply };
}

/** The same for one who only wants the reply. */
export async function askOnce(port: number, bytes: string | Uint8Array, options: { isHead?: boolean } = {}) {
  const { client, reply } = await ask(port, bytes, options);
  client.end();
  return reply;
}

/** A request's text: lines joined by CRLF, an empty line, then the body. */
export const request = (lines: readonly string[], body = ""): string => `${lines.join("\r\n")}\r\n\r\n${body}`;

function readReply(bytes: Buffer, isHead: boolean, isClosed: boolean): { reply: RawReply; size: number } | null {
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1) return null;
  const [first = "", ...lines] = bytes.subarray(0, end).toString("latin1").split("\r\n");
  const status = Number(/^HTTP\/1\.1 (\d{3})(?: |$)/.exec(first)?.[1]);
  if (!status) throw new Error(`no status line: ${JSON.stringify(first)}`);
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const framed = readBody(bytes.subarray(end + 4), status, headers, isHead, isClosed);
  if (!framed) return null;
  const all = (name: string) => headers.filter(([own]) => own.toLowerCase() === name).map(([, value]) => value);
  const one = (name: string) => all(name)[0] ?? null;
  const isProblem = one("content-type") === "application/problem+json" && framed.body.length > 0;
  const code = isProblem ? (JSON.parse(framed.body.toString()) as { code: string }).code : null;
  return { reply: { status, headers, body: framed.body, all, one, code }, size: end + 4 + framed.size };
}

function readBody(
  bytes: Buffer,
  status: number,
  headers: readonly (readonly [string, string])[],
  isHead: boolean,
  isClosed: boolean,
): { body: Buffer; size: number } | null {
  const valueOf = (wanted: string) => headers.find(([name]) => name.toLowerCase() === wanted)?.[1];
  if (isHead || status < 200 || status === 204 || status === 304) return { body: Buffer.alloc(0), size: 0 };
  if (valueOf("transfer-encoding") === "chunked") return readChunks(bytes);
  const length = valueOf("content-length");
  if (length !== undefined) {
    const size = Number(length);
    return bytes.length < size ? null : { body: bytes.subarray(0, size), size };
  }
  return isClosed ? { body: bytes, size: bytes.length } : null;
}

function readChunks(bytes: Buffer): { body: Buffer; size: number } | null {
  const parts: Buffer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf("\r\n", at);
    if (end === -1) return null;
    const length = Number.parseInt(bytes.subarray(at, end).toString("latin1"), 16);
    const next = end + 2 + length + 2;
    if (bytes.length < next) return null;
    if (length === 0) return { body: Buffer.concat(parts), size: next };
    parts.push(bytes.subarray(end + 2, next - 2));
    at = next;
  }
}
