import { execFileSync } from "node:child_process";
import { arch, cpus, loadavg, platform, release, totalmem } from "node:os";
import { fileURLToPath } from "node:url";
import { packageVersion, programVersion } from "./programs.ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  /** Load average of the last minute at the start: above the number of cores others were working too. */
  readonly loadAverage: number;
  readonly versions: Readonly<Record<string, string>>;
}

const PACKAGES = [
  "undici",
  "ws",
  "http-proxy",
  "http-proxy-3",
  "httpxy",
  "@fastify/http-proxy",
  "fastify",
  "autocannon",
];
const PROGRAMS = ["nginx", "haproxy", "wrk"];

export function readMachine(): Machine {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    system: `${platform()} ${release()} ${arch()}`,
    loadAverage: Math.round((loadavg()[0] ?? 0) * 100) / 100,
    versions: {
      node: process.versions.node,
      ...Object.fromEntries(PACKAGES.map((name) => [name, packageVersion(name)])),
      ...Object.fromEntries(PROGRAMS.map((name) => [name, programVersion(name)])),
    },
  };
}

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** The commit that was measured; "+ changes" when the files differ from it. */
export function readCommit(): string {
  const git = (...args: string[]): string =>
    execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  try {
    const isChanged = git("status", "--porcelain", "--", "src", "switchyard.config.yaml", "package-lock.json") !== "";
    return git("rev-parse", "--short=12", "HEAD") + (isChanged ? " + changes" : "");
  } catch {
    return "unknown"; // an archive without its history
  }
}
