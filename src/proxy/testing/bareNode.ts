import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { RawClient } from "./rawClient.ts";

export interface BareNode {
  /** `handler` when the application was called, then the statuses of what came back: `handler 200`, `400`. */
  outcome(bytes: string, isHead: boolean): Promise<string>;
  stop(): void;
}

/** Node's own server as it comes, answering 200 once it has read the body: what the front door adds is the difference. */
export async function startBareNode(): Promise<BareNode> {
  let calls = 0;
  const server = createServer((req, res) => {
    calls++;
    req.on("error", () => {});
    req.resume().on("end", () => res.end("ok"));
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    async outcome(bytes, isHead) {
      calls = 0;
      const client = await RawClient.connect(port);
      client.send(bytes);
      const status = await client.reply({ isHead }).then(
        (reply) => String(reply.status),
        () => "closed",
      );
      client.end();
      return calls > 0 ? `handler ${status}` : status;
    },
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}
