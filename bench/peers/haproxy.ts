import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findProgram } from "../lib/programs.ts";
import { answers, withFreePorts } from "../lib/ports.ts";
import { type Running, start } from "../lib/process.ts";

const configuration = (port: number, target: string): string => `
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 2s
  timeout client 65s
  timeout server 65s
  option http-keep-alive
  http-reuse always
frontend in
  bind 127.0.0.1:${port}
  default_backend origin
backend origin
  server one ${new URL(target).host} maxconn 512
`;

/** haproxy with one thread and shared kept connections. Null when it is not installed. */
export async function startHaproxy(dir: string, target: string): Promise<(Running & { port: number }) | null> {
  const command = findProgram("haproxy");
  if (command === null) return null;
  return withFreePorts(1, async ([port = 0]) => {
    const file = join(dir, "haproxy.cfg");
    writeFileSync(file, configuration(port, target));
    const args = ["-db", "-f", file];
    const isUp = async () => ((await answers(`http://127.0.0.1:${port}/`)) ? true : null);
    return { ...(await start({ name: "haproxy", command, args, dir }, isUp)), port };
  });
}
