import { cpuSecondsOf } from "../lib/cpu.ts";
import type { Figure } from "../lib/rows.ts";
import { VoidMeasurement } from "../lib/void.ts";
import type { Backend } from "./backends.ts";
import type { Step, Work } from "./work.ts";

const LEAD_IN_SHARE = 0.25;

interface Done {
  readonly count: number;
  readonly tookS: number;
}

/** Every user goes on until the time is over; what has begun is finished and counts, as does its time. */
export async function work(steps: readonly Step[], seconds: number): Promise<Done> {
  const startedMs = performance.now();
  const untilMs = startedMs + seconds * 1_000;
  let count = 0;
  const user = async (step: Step): Promise<void> => {
    while (performance.now() < untilMs) {
      await step();
      count += 1;
    }
  };
  await Promise.all(steps.map(user));
  return { count, tookS: (performance.now() - startedMs) / 1_000 };
}

/** One backend at one operation, after a lead-in. */
export async function measure(backend: Backend, one: Work, seconds: number): Promise<Figure> {
  backend.emptyLog();
  const { steps, close } = await one.begin();
  try {
    await work(steps, seconds * LEAD_IN_SHARE);
    const before = cpuOf(backend);
    const { count, tookS } = await work(steps, seconds);
    const after = cpuOf(backend);
    if (count === 0) throw new VoidMeasurement(`${backend.name} did nothing of ${one.name}`);
    const used = before === null || after === null ? null : after - before;
    return {
      perSecond: count / tookS,
      perCpuSecond: used === null ? null : count / used,
      coresUsed: (used ?? 0) / tookS,
      upstreamCoresUsed: 0,
    };
  } finally {
    await close();
  }
}

function cpuOf({ pids }: Backend): number | null {
  let sum = 0;
  for (const pid of pids) {
    const seconds = cpuSecondsOf(pid);
    if (seconds === null) return null;
    sum += seconds;
  }
  return sum;
}
