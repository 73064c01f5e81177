// A shadow target that does harm: whatever comes, call or handshake, is treated in one bad way. A process of its own.
import { createServer, type AddressInfo, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

const HEAD = "HTTP/1.1 200 OK\r\ncontent-type: application/octet-stream\r\n";
const LATE_MS = 30_000;
const DRIP_MS = 1_000;
const PIECE = Buffer.alloc(16 * 1024, "x");

const untilFirstByte = (socket: Socket): Promise<void> =>
  new Promise((resolve) => void socket.once("data", () => resolve()));

/** As fast as the other side takes it, until it has enough. */
function endlessly(socket: Socket, piece: () => Buffer): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(piece()));
  };
  socket.on("drain", more);
  more();
}

const TOXICS: Readonly<Record<string, (socket: Socket) => unknown>> = {
  "black-hole": (socket) => socket.pause(),
  async "byte-a-second"(socket) {
    await untilFirstByte(socket);
    for (const letter of `${HEAD}content-length: 1000\r\n\r\n`) {
      if (socket.destroyed) return;
      socket.write(letter);
      await pause(DRIP_MS);
    }
  },
  "reset-on-accept": (socket) => socket.resetAndDestroy(),
  async "reset-at-first-byte"(socket) {
    await untilFirstByte(socket);
    socket.write("H", () => socket.resetAndDestroy());
  },
  async late(socket) {
    await untilFirstByte(socket);
    await pause(LATE_MS);
    if (!socket.destroyed) socket.end(`${HEAD}content-length: 2\r\n\r\nok`);
  },
  async "endless-body"(socket) {
    await untilFirstByte(socket);
    socket.write(`${HEAD}transfer-encoding: chunked\r\n\r\n`);
    const chunk = Buffer.concat([Buffer.from(`${PIECE.length.toString(16)}\r\n`), PIECE, Buffer.from("\r\n")]);
    endlessly(socket, () => chunk);
  },
  async "endless-headers"(socket) {
    await untilFirstByte(socket);
    socket.write(HEAD);
    let at = 0;
    endlessly(socket, () => Buffer.from(`x-header-${at++}: ${"y".repeat(1_000)}\r\n`));
  },
};

const treat = TOXICS[process.argv[2] ?? ""];
if (treat === undefined) throw new Error(`toxics: ${Object.keys(TOXICS).join(", ")}`);
const server = createServer((socket) => {
  socket.on("error", () => socket.destroy());
  if (process.argv[2] !== "black-hole") socket.on("data", () => undefined);
  void treat(socket);
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`${JSON.stringify({ msg: "listening", port: (server.address() as AddressInfo).port })}\n`);
});
process.on("SIGTERM", () => process.exit(0));
