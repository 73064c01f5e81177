import { existsSync, readdirSync, readFileSync } from "node:fs";

/** Kernel clock ticks a second as seen by user space: 100 on every Linux that Node runs on (proc(5), sysconf(3)). */
const TICKS_PER_SECOND = 100;

interface Stat {
  readonly parent: number;
  readonly cpuSeconds: number;
}

/** proc(5): the command in brackets may hold blanks and brackets, so fields are counted from its end. */
export function readStat(text: string): Stat {
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [parent, user, system] = [fields[1], fields[11], fields[12]].map(Number);
  return { parent: parent as number, cpuSeconds: ((user as number) + (system as number)) / TICKS_PER_SECOND };
}

const statOf = (pid: number): Stat | null => {
  try {
    return readStat(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return null; // it ended while we looked
  }
};

export const isCpuKnown = existsSync("/proc/self/stat");

/** CPU-seconds used so far by a process and its descendants; null where the system does not tell. */
export function cpuSecondsOf(pid: number): number | null {
  if (!isCpuKnown) return null;
  const stats = new Map<number, Stat>();
  for (const name of readdirSync("/proc")) {
    const stat = /^\d+$/.test(name) ? statOf(Number(name)) : null;
    if (stat !== null) stats.set(Number(name), stat);
  }
  let sum = 0;
  const family = [pid];
  for (const member of family) {
    sum += stats.get(member)?.cpuSeconds ?? 0;
    for (const [child, { parent }] of stats) if (parent === member) family.push(child);
  }
  return sum;
}
