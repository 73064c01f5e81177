// Memory of a process, as the system counts it.
import { readFileSync } from "node:fs";

const MIB = 1024 * 1024;

/** Resident MiB. @throws Error when it is gone, or where the system does not tell */
export function rssMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (kib === undefined) throw new Error(`nothing is known of the memory of ${pid}`);
  return (Number(kib) * 1024) / MIB;
}

/** Looks every `everyMs` until it is stopped. */
export function watchRss(pid: number, everyMs = 100) {
  const seen: { readonly atMs: number; readonly mib: number }[] = [];
  const look = (): void => void seen.push({ atMs: performance.now(), mib: rssMiB(pid) });
  look();
  const timer = setInterval(look, everyMs);
  return {
    seen,
    stop(): number {
      clearInterval(timer);
      return Math.max(...seen.map(({ mib }) => mib));
    },
  };
}

/** Least squares, MiB a minute. */
export function slopePerMinute(seen: readonly { readonly atMs: number; readonly mib: number }[]): number {
  const mean = (of: (one: (typeof seen)[number]) => number): number =>
    seen.reduce((sum, one) => sum + of(one), 0) / seen.length;
  const [atMs, mib] = [mean((one) => one.atMs), mean((one) => one.mib)];
  const variance = seen.reduce((sum, one) => sum + (one.atMs - atMs) ** 2, 0);
  return variance === 0
    ? 0
    : (seen.reduce((sum, one) => sum + (one.atMs - atMs) * (one.mib - mib), 0) / variance) * 60_000;
}
