// Calls at a steady rate of people that come again, until it is told to stop; knows which of them were answered.
import { setTimeout as pause } from "node:timers/promises";
import { call, createIssuer, TEST_SECRET } from "../../support/index.ts";

export interface LoadOptions {
  readonly baseUrl: string;
  readonly callsPerSecond: number;
  /** Of the call of this number. */
  readonly pathOf?: (nr: number) => string;
}

export interface Answered {
  /** By path. */
  readonly reads: ReadonlyMap<string, number>;
  readonly writes: number;
}

const SUBJECTS = 41;
const SLOT_MS = 10;
const WRITE_EVERY = 10;
const MS_PER_S = 1_000;

const issuer = createIssuer(TEST_SECRET);
const TOKENS = Array.from({ length: SUBJECTS }, (_, at) => issuer.token(`person-${at}`, `${at}@example.test`));

export function startLoad({ baseUrl, callsPerSecond, pathOf = () => "/notes/1" }: LoadOptions) {
  const reads = new Map<string, number>();
  const open = new Set<Promise<void>>();
  let [calls, writes] = [0, 0];
  const ending = new AbortController();

  const one = async (nr: number): Promise<void> => {
    const isWrite = nr % WRITE_EVERY === 0;
    const path = isWrite ? "/notes" : pathOf(nr);
    const headers = { authorization: `Bearer ${TOKENS[nr % SUBJECTS]}`, "content-type": "application/json" };
    const asked = isWrite ? ({ method: "POST", body: '{"title":"t"}' } as const) : ({ method: "GET" } as const);
    try {
      if ((await call(baseUrl, { ...asked, path, headers })).status !== 200) return;
    } catch {
      return; // the proxy has gone, which is what is tried here
    }
    if (isWrite) writes += 1;
    else reads.set(path, (reads.get(path) ?? 0) + 1);
  };
  const running = (async () => {
    const beginMs = performance.now();
    while (!ending.signal.aborted) {
      const due = ((performance.now() - beginMs) / MS_PER_S) * callsPerSecond;
      for (; calls < due; calls++) {
        const asking = one(calls).finally(() => open.delete(asking));
        open.add(asking);
      }
      await pause(SLOT_MS);
    }
    await Promise.all(open);
  })();
  return {
    async stop(): Promise<Answered> {
      ending.abort();
      await running;
      return { reads, writes };
    },
  };
}
