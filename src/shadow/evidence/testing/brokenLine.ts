// A line to a server that can be cut, or go silent without a word.
import { connect, createServer, type Socket } from "node:net";

export type LineState = "whole" | "cut" | "silent";

export interface BrokenLine {
  readonly port: number;
  /** `cut`: what is open breaks, and nothing new is accepted for long. `silent`: nothing comes through any more. */
  become(state: LineState): void;
  close(): Promise<void>;
}

export async function openLine(to: number): Promise<BrokenLine> {
  let state: LineState = "whole";
  const sockets = new Set<Socket>();
  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    keep(client);
    if (state === "cut") return void client.destroy();
    const other = connect(to, "127.0.0.1");
    keep(other);
    const pass = (from: Socket, into: Socket): void => {
      from.on("data", (chunk) => {
        if (state === "whole") into.write(chunk);
      });
      from.on("close", () => into.destroy());
    };
    pass(client, other);
    pass(other, client);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    become: (next) => {
      state = next;
      if (next === "cut") for (const socket of sockets) socket.destroy();
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => void server.close(() => resolve()));
    },
  };
}
