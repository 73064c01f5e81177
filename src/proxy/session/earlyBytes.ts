import type { Duplex } from "node:stream";

/** What a client sends before it was answered (security W4). */
export interface EarlyBytes {
  /** All of it, in order; the socket is paused and nobody listens any more. */
  take(): Buffer;
  /** Stops listening without taking. */
  drop(): void;
}

/**
 * Reads on while the arm thinks: what comes is kept, above the limit the client has to wait, and one that ends its side
 * is gone: half a connection cannot become a socket. Without a reader its leaving would not be noticed.
 */
export function holdEarlyBytes(socket: Duplex, head: Buffer, bytesMax: number): EarlyBytes {
  const kept = [head];
  let bytes = head.length;
  const keep = (chunk: Buffer): void => {
    kept.push(chunk);
    bytes += chunk.length;
    if (bytes >= bytesMax) socket.pause();
  };
  const leave = (): void => void socket.destroy();
  const drop = (): void => {
    socket.off("data", keep);
    socket.off("end", leave);
  };
  socket.on("data", keep);
  socket.on("end", leave);
  return {
    take() {
      socket.pause();
      drop();
      return Buffer.concat(kept);
    },
    drop,
  };
}
