import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { until } from "../../testing/wait.ts";

/** A handshake that waits for the arm's answer. */
export interface ArmHandshake {
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly rawHeaders: readonly string[];
  readonly socket: Duplex;
  isClosed: boolean;
  accept(): void;
  refuse(status: number, contentType: string, body: string, headers?: string): void;
}

/** One accepted socket with everything it brought. */
export interface ArmSocket {
  readonly ws: WebSocket;
  readonly handshake: ArmHandshake;
  readonly messages: { readonly isBinary: boolean; readonly data: Buffer }[];
  /** The close as the arm saw it; null while it is open. */
  close: { readonly code: number; readonly reason: string } | null;
}

export interface WsArm {
  readonly url: string;
  readonly port: number;
  readonly handshakes: readonly ArmHandshake[];
  readonly sockets: readonly ArmSocket[];
  /** Handshakes whose TCP connection is open still. */
  readonly openLegs: number;
  /** TCP connections ever made. */
  readonly connections: number;
  onHandshake: (handshake: ArmHandshake) => void;
  onMessage: (socket: ArmSocket, data: Buffer, isBinary: boolean) => void;
  /** The n-th accepted socket, waited for. */
  socket(n: number): Promise<ArmSocket>;
  handshake(n: number): Promise<ArmHandshake>;
  stop(): Promise<void>;
}

export interface WsArmOptions {
  /** Lines added to the 101. */
  readonly headers?: readonly string[];
  readonly server?: Readonly<Record<string, unknown>>;
  readonly port?: number;
}

const echo: WsArm["onMessage"] = ({ ws }, data, isBinary) => ws.send(data, { binary: isBinary });

/** A backend of sockets: a real `ws` server that echoes, and accepts at once unless the test decides otherwise. */
export async function startWsArm(options: WsArmOptions = {}): Promise<WsArm> {
  const wss = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    clientTracking: false,
    ...options.server,
  });
  if (options.headers) wss.on("headers", (lines) => lines.push(...(options.headers as string[])));
  const open = new Set<Socket>();
  const handshakes: ArmHandshake[] = [];
  const sockets: ArmSocket[] = [];
  let connections = 0;
  const server = createServer((_req, res) => res.writeHead(404).end());
  server.on("connection", (socket) => {
    connections++;
    open.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => open.delete(socket));
  });
  server.on("upgrade", (req, socket, head) => {
    socket.on("error", () => {});
    // While it waits nobody else reads, and without a reader its end would not be seen.
    const leave = (): void => void socket.destroy();
    socket.on("end", leave).resume();
    const handshake: ArmHandshake = {
      url: req.url ?? "",
      headers: req.headers,
      rawHeaders: req.rawHeaders,
      socket,
      isClosed: false,
      accept() {
        socket.off("end", leave);
        wss.handleUpgrade(req, socket, head, (ws) => void sockets.push(listen(ws, handshake, arm)));
      },
      refuse: (status, contentType, body, headers = "") =>
        void socket.end(
          `HTTP/1.1 ${status} No\r\nContent-Type: ${contentType}\r\n${headers}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
        ),
    };
    socket.once("close", () => {
      handshake.isClosed = true;
    });
    handshakes.push(handshake);
    arm.onHandshake(handshake);
  });
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const arm: WsArm = {
    url: `http://127.0.0.1:${port}`,
    port,
    handshakes,
    sockets,
    get openLegs() {
      return handshakes.filter((one) => !one.isClosed).length;
    },
    get connections() {
      return connections;
    },
    onHandshake: (handshake) => handshake.accept(),
    onMessage: echo,
    async socket(n) {
      await until(`the arm has ${n + 1} sockets`, () => sockets.length > n);
      return sockets[n] as ArmSocket;
    },
    async handshake(n) {
      await until(`the arm has ${n + 1} handshakes`, () => handshakes.length > n);
      return handshakes[n] as ArmHandshake;
    },
    stop() {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
  return arm;
}

function listen(ws: WebSocket, handshake: ArmHandshake, arm: WsArm): ArmSocket {
  const socket: ArmSocket = { ws, handshake, messages: [], close: null };
  ws.on("error", () => {});
  ws.on("message", (data, isBinary) => {
    socket.messages.push({ isBinary, data: data as Buffer });
    arm.onMessage(socket, data as Buffer, isBinary);
  });
  ws.on("close", (code, reason) => {
    socket.close = { code, reason: reason.toString("utf8") };
  });
  return socket;
}
