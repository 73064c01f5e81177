// Memory of a process, as the system counts it.
import { readFileSync } from "node:fs";

const MIB = 1024 * 1024;

/** Resident MiB. @throws Error when it is gone, or where the system does not tell */
export function rssMiB(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  if (kib === undefined) throw new Error(`nothing is known of the memory of ${pid}`);
  return (Number(kib) * 1024) / MIB;
}

export interface Seen {
  readonly atMs: number;
  readonly mib: number;
}

/**
 * The least of each stretch of time: what is held. In between lies what is free to be collected, of which three heaps together leave
 * a hundred MiB standing or not as they like.
 */
export function floorOf(seen: readonly Seen[], stretchMs: number): readonly Seen[] {
  const floors = new Map<number, Seen>();
  for (const one of seen) {
    const at = Math.floor(one.atMs / stretchMs);
    const known = floors.get(at);
    if (known === undefined || one.mib < known.mib) floors.set(at, one);
  }
  return [...floors.values()];
}

/** Looks every `everyMs` until it is stopped. */
export function watchRss(pid: number, everyMs = 100) {
  const seen: Seen[] = [];
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
export function slopePerMinute(seen: readonly Seen[]): number {
  const mean = (of: (one: (typeof seen)[number]) => number): number =>
    seen.reduce((sum, one) => sum + of(one), 0) / seen.length;
  const [atMs, mib] = [mean((one) => one.atMs), mean((one) => one.mib)];
  const variance = seen.reduce((sum, one) => sum + (one.atMs - atMs) ** 2, 0);
  return variance === 0
    ? 0
    : (seen.reduce((sum, one) => sum + (one.atMs - atMs) * (one.mib - mib), 0) / variance) * 60_000;
}
