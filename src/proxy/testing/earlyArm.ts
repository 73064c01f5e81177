import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** An arm that answers every POST with 401 as soon as it has the head, and everything else with 200. */
export async function startBareArm(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((req, res) => {
    res.writeHead(req.method === "POST" ? 401 : 200, { "content-length": "2" });
    res.end("ok");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}
