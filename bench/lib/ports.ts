import { createServer, type Server } from "node:net";

const HOST = "127.0.0.1";

/** Ports nobody listens on now; held all at once, so that they differ. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<Server>((resolve, reject) => {
          const server = createServer();
          server.once("error", reject);
          server.listen({ host: HOST, port: 0 }, () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

const TRIES = 3;

/** Another process may take a free port before its owner binds it: then others are chosen. */
export async function withFreePorts<T>(count: number, use: (ports: readonly number[]) => Promise<T>): Promise<T> {
  for (let left = TRIES - 1; ; left--) {
    try {
      return await use(await freePorts(count));
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

/** Whether somebody answers on the address. */
export async function answers(url: string): Promise<boolean> {
  try {
    const reply = await fetch(url, { signal: AbortSignal.timeout(1_000) });
    await reply.body?.cancel();
    return true;
  } catch {
    return false;
  }
}
