// The load: sockets that send a message as soon as an earlier one came back. Settings as JSON in the only argument.
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { WebSocket } from "ws";
import { createMessages } from "./messages.ts";

export interface EchoSettings {
  readonly url: string;
  /** Path of each socket, with the subject's own session. */
  readonly paths: readonly string[];
  readonly tokensFile: string;
  /** Messages under way on each socket. */
  readonly window: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly isBinary: boolean;
}

export interface EchoResult {
  /** Within the measured time, and from the first to the last. */
  readonly messages: number;
  readonly allMessages: number;
  readonly seconds: number;
  /** Echoes that were not the ones due, and sockets that ended before their time. */
  readonly failures: number;
}

const OPEN_MS = 10_000;

const settings = JSON.parse(process.argv[2] ?? "{}") as EchoSettings;
const tokens = JSON.parse(readFileSync(settings.tokensFile, "utf8")) as string[];
const messages = createMessages(settings.isBinary);
let received = 0;
let failures = 0;
let isOver = false;

function open(path: string, at: number): Promise<WebSocket> {
  const headers = { authorization: `Bearer ${tokens[at]}` };
  const socket = new WebSocket(settings.url.replace(/^http/, "ws") + path, {
    headers,
    perMessageDeflate: false,
    handshakeTimeout: OPEN_MS,
  });
  return new Promise((resolve, reject) => {
    socket.once("open", () => resolve(socket));
    socket.on("error", reject);
  });
}

function drive(socket: WebSocket): void {
  let sent = 0;
  let due = 0;
  const send = (): void => {
    socket.send(messages[sent % messages.length] as Buffer, { binary: settings.isBinary });
    sent++;
  };
  socket.on("message", (data: Buffer, isBinary) => {
    if (isBinary !== settings.isBinary || !data.equals(messages[due % messages.length] as Buffer)) failures++;
    due++;
    received++;
    if (!isOver) send();
  });
  socket.on("close", () => {
    if (!isOver) failures++;
  });
  for (let i = 0; i < settings.window; i++) send();
}

const sockets = await Promise.all(settings.paths.map(open));
sockets.forEach(drive);
await sleep(settings.warmUpSeconds * 1_000);
const before = received;
const startedMs = performance.now();
await sleep(settings.seconds * 1_000);
const counted = received - before;
const seconds = (performance.now() - startedMs) / 1_000;
isOver = true;
const result: EchoResult = { messages: counted, allMessages: received, seconds, failures };
await Promise.all(
  sockets.map(
    (socket) =>
      new Promise<void>((resolve) => {
        socket.once("close", () => resolve());
        socket.close(1000);
        setTimeout(() => socket.terminate(), 2_000).unref();
      }),
  ),
);
process.stdout.write(`${JSON.stringify(result)}\n`);
