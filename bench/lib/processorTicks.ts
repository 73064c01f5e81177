// What all processors of the machine did, as the system counts it.
import { existsSync, readFileSync } from "node:fs";

/** Clock ticks since the machine started. */
export interface ProcessorTicks {
  readonly all: number;
  /** In which a hypervisor let others run. */
  readonly stolen: number;
}

const FILE = "/proc/stat";
const FIELDS = { user: 0, stolen: 7, guest: 8 } as const;

/** Where the system does not tell: nothing has ever happened. */
export const processorTicks = (): ProcessorTicks =>
  existsSync(FILE) ? readProcessorTicks(readFileSync(FILE, "utf8")) : { all: 0, stolen: 0 };

/** proc(5): user nice system idle iowait irq softirq steal guest guest_nice; the last two are in the first two already. */
export function readProcessorTicks(text: string): ProcessorTicks {
  const fields = (/^cpu +([\d ]+)$/m.exec(text)?.[1] ?? "").split(" ").map(Number);
  const all = fields.slice(FIELDS.user, FIELDS.guest).reduce((sum, one) => sum + one, 0);
  return { all, stolen: fields[FIELDS.stolen] ?? 0 };
}

/** 0 … 1. */
export function stolenShare(before: ProcessorTicks, after: ProcessorTicks): number {
  const all = after.all - before.all;
  return all <= 0 ? 0 : (after.stolen - before.stolen) / all;
}
