// The process of the embedded host (Convex-compatible): `node src/convexHost/main.ts --functions convex --data <dir> …`
// (embedded-convex §2). Prints JSON lines; `{"event":"listening","address":url}` when it serves.
import { mkdirSync, readFileSync } from "node:fs";
import { systemTimers } from "./alarm.ts";
import { dataPathsOf } from "./dataDir.ts";
import { parseEnvFile } from "./envFile.ts";
import { EXIT_CODES } from "./exitCodes.ts";
import { exportSnapshot } from "./export.ts";
import { watchFolder } from "./folderWatch.ts";
import { type Host, startHost } from "./host.ts";
import { importSnapshot } from "./import.ts";
import { createJsonLog, type JsonLog } from "./jsonLog.ts";
import { ConfigError, parseOptions, type ServeOptions, USAGE } from "./options.ts";
import { DirectoryInUse } from "./processLock.ts";
import { startWatchdog, takeNote } from "./watchdogThread.ts";

const IN_USE_CODES = new Set(["EADDRINUSE", "EACCES", "EADDRNOTAVAIL"]);

async function run(argv: readonly string[], log: JsonLog["log"]): Promise<void> {
  const options = parseOptions(argv);
  if (options.command === "serve") return serve(options, log);
  if (options.command === "export") {
    log("exported", { ...(await exportSnapshot(options.dataDir, options.snapshotDir)) });
  } else {
    log("imported", { ...(await importSnapshot(options.snapshotDir, options.dataDir)) });
  }
}

/** Resolves when the host has stopped. */
async function serve(options: ServeOptions, log: JsonLog["log"]): Promise<void> {
  const { envFile, dataDir, functionsDir, isWatching } = options;
  const variables = envFile === null ? {} : parseEnvFile(readEnvFile(envFile), envFile);
  const data = dataPathsOf(dataDir);
  mkdirSync(data.dir, { recursive: true, mode: 0o700 });
  const stopAsked = waitForStop();
  const watchdog = startWatchdog({ noteFile: data.note });
  try {
    const host = await startHost({ ...options, variables, log, watchdog, takeNote: () => takeNote(data.note) });
    const stopWatching = isWatching ? watchFunctions(functionsDir, host, log) : () => undefined;
    log("listening", { address: host.url });
    log("stopping", { reason: await stopAsked });
    stopWatching();
    await host.stop();
  } finally {
    await watchdog.stop();
  }
}

function readEnvFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new ConfigError([`--env-file: ${(error as Error).message}`]);
  }
}

/** A signal, or the end of the process that has started this one with a channel. A second signal ends at once. */
function waitForStop(): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.once(signal, () => {
      resolve(signal);
      process.once(signal, () => process.exit(EXIT_CODES.failed));
    });
  }
  process.once("disconnect", () => resolve("disconnect"));
  return promise;
}

function watchFunctions(functionsDir: string, host: Host, log: JsonLog["log"]): () => void {
  return watchFolder(functionsDir, systemTimers, () => {
    host.reload().then(
      () => log("functions.reloaded", {}),
      (error: unknown) =>
        log("functions.notReloaded", { message: error instanceof Error ? error.message : String(error) }),
    );
  });
}

function exitCodeOf(error: unknown): number {
  if (error instanceof ConfigError) return EXIT_CODES.config;
  const { code } = error as NodeJS.ErrnoException;
  if (error instanceof DirectoryInUse || (code !== undefined && IN_USE_CODES.has(code))) return EXIT_CODES.inUse;
  return EXIT_CODES.failed;
}

const { log, flush } = createJsonLog();
let exitCode: number = EXIT_CODES.stopped;
try {
  await run(process.argv.slice(2), log);
} catch (error) {
  exitCode = exitCodeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  log("failed", { message, exitCode });
  const isUsage = process.argv.length <= 2;
  console.error(`embedded host (Convex-compatible): ${message}${isUsage ? `\n${USAGE}` : ""}`);
}
await flush();
// An action that outlived its time may still wait for an answer.
process.exit(exitCode);
