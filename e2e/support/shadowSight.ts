// What a scenario sees of the shadow from outside: metrics, stored families, processes that are kept alive.
import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { metricSum } from "./admin.ts";
import { eventually } from "./deadline.ts";
import type { Json } from "./json.ts";
import type { Exit, Launched } from "./process.ts";

/** A shadow target, or the cassette; it starts again by itself when it ends. */
export interface Kept {
  readonly baseUrl: string;
  readonly pid: number | null;
  readonly restarts: number;
  signal(name: NodeJS.Signals): void;
  logLines(): Json[];
}

export interface Sampled {
  readonly text: string;
  sum(name: string, labels?: Record<string, string>): number;
}

/** One family of differences, as the evidence holds it: classes of values, never values. */
export interface Found {
  readonly route: string;
  readonly template: string;
  readonly kind: string;
  readonly severity: string;
  readonly control: string | null;
  readonly candidate: string | null;
  readonly differing: number;
}

const SETTLED_MS = 20_000;

export async function sampledAt(adminUrl: string): Promise<Sampled> {
  const text = await (await fetch(`${adminUrl}/metrics`)).text();
  return { text, sum: (name, labels = {}) => metricSum(text, name, labels) };
}

/** @throws Error when an exchange is not accounted for (shadow A1), or nothing is told of it */
export async function accountsAreEven(adminUrl: string): Promise<void> {
  const { text } = await sampledAt(adminUrl);
  const gap = /^switchyard_shadow_accounting_gap (\S+)$/m.exec(text)?.[1];
  if (gap !== "0") throw new Error(`the shadow's accounting gap is ${gap ?? "not told"}`);
}

/** The accounting gap is asked for before every end of a proxy: so it is after every file of tests (shadow §17, row 4). */
export function stopWithEvenAccounts<P extends Launched>(proxy: P, adminUrl: string): P {
  const { stop } = proxy;
  return Object.assign(proxy, {
    async stop(timeoutMs?: number): Promise<Exit> {
      // What a test has killed can be asked nothing any more.
      const problem = proxy.hasEnded ? null : await accountsAreEven(adminUrl).then(() => null, asError);
      const exit = await stop(timeoutMs);
      if (problem !== null) throw problem;
      return exit;
    },
  });
}

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** Until every sampled exchange has its verdict; `unsafe_write` is decided before sampling (shadow A1). */
export function settled(metrics: () => Promise<Sampled>, timeoutMs = SETTLED_MS): Promise<Sampled> {
  return eventually(
    async () => {
      const now = await metrics();
      const sampled = now.sum("switchyard_shadow_sampled_total");
      const compared = now.sum("switchyard_shadow_comparisons_total");
      const notCompared = now.sum("switchyard_shadow_not_compared_total");
      const unsafe = now.sum("switchyard_shadow_not_compared_total", { reason: "unsafe_write" });
      const ended = compared + notCompared - unsafe;
      if (sampled !== ended) throw new Error(`${sampled} exchanges are sampled, ${ended} have ended`);
      return now;
    },
    timeoutMs,
    100,
  );
}

interface Supervised {
  readonly pid: number | null;
  readonly restarts: number;
}

export function keptOf(baseUrl: string, supervised: () => Supervised | null, log: string): Kept {
  return {
    baseUrl,
    get pid() {
      return supervised()?.pid ?? null;
    },
    get restarts() {
      return supervised()?.restarts ?? 0;
    },
    signal(name) {
      const pid = supervised()?.pid ?? null;
      if (pid !== null) process.kill(pid, name);
    },
    logLines: () =>
      readFileSync(log, "utf8")
        .split("\n")
        .flatMap((line): Json[] => {
          try {
            return [JSON.parse(line)];
          } catch {
            return [];
          }
        }),
  };
}

export function familiesIn(file: string): readonly Found[] {
  const store = new DatabaseSync(file, { readOnly: true });
  try {
    const rows = store.prepare("SELECT facts FROM families").all() as { facts: string }[];
    return rows.map(({ facts }) => JSON.parse(facts) as Found);
  } finally {
    store.close();
  }
}
