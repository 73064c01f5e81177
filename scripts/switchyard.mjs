#!/usr/bin/env node
// The package's `bin`. Plain JavaScript that Node 20 parses: whatever Node starts this file, the sources need the
// project's own (24 or newer, which runs TypeScript), so the same command line is executed again on that one.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { constants } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { NODE_FLAGS } from "./lib/nodeFlags.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const isWindows = process.platform === "win32";
const candidates = [
  join(root, "node_modules", "node", "bin", isWindows ? "node.exe" : "node"),
  join(root, "node_modules", ".bin", isWindows ? "node.exe" : "node"),
];
const node = candidates.find((file) => existsSync(file));

if (node === undefined) {
  process.stderr.write(
    `switchyard needs its own Node 24, and ${candidates[0]} is not there.\n` +
      `Run "npm ci" in ${root}, or "npm start", which installs what is missing.\n`,
  );
  process.exit(2);
}

const child = spawn(node, [...NODE_FLAGS, join(root, "src", "main.ts"), ...process.argv.slice(2)], {
  stdio: process.send ? ["inherit", "inherit", "inherit", "ipc"] : "inherit",
  windowsHide: true,
});

// A terminal sends Ctrl-C to both processes; passing it on as well would be the second signal, which stops without draining.
const isOnTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY === true);
for (const signal of ["SIGTERM", "SIGHUP", "SIGUSR2", "SIGINT"]) {
  if (isWindows && signal === "SIGUSR2") continue;
  const isShared = isOnTerminal && (signal === "SIGINT" || signal === "SIGHUP");
  process.on(signal, () => void (isShared || child.kill(signal)));
}
if (process.send) {
  process.on("message", (message) => void (child.connected && child.send(message)));
  child.on("message", (message) => void (process.connected && process.send(message)));
  process.on("disconnect", () => void (child.connected && child.disconnect()));
}

child.on("error", (error) => {
  process.stderr.write(
    `switchyard cannot start its Node (${error.code ?? error.message}): ${node}\nRun "npm ci" in ${root}.\n`,
  );
  process.exit(4);
});
child.on("exit", (code, signal) => {
  // As a shell reports it: whoever started us sees the same number as without the step in between.
  process.exit(signal === null ? code : 128 + (constants.signals[signal] ?? 0));
});
