import { readOrMakeAccounts } from "./accounts.ts";
import { createApi } from "./apiClient.ts";
import { createFailures } from "./failures.ts";
import { createPace } from "./pace.ts";
import type { Timing } from "./ports.ts";
import { createStudent } from "./student.ts";
import { systemTiming } from "./timing.ts";

export const STUDENTS = 12;
const CALLS_PER_SECOND = 5;
const SIGN_IN_LANES = 4;
const STOP_MS = 5_000;

export interface TrafficOptions {
  readonly base: string;
  readonly accountsFile: string;
  readonly say: (line: string) => void;
  readonly timing?: Timing;
  readonly students?: number;
  readonly callsPerSecond?: number;
}

export interface DemoTraffic {
  /** True on the first run in a clone: its students did not exist before. */
  readonly isNew: boolean;
  /** Signs every student in; those who fail are told later by the stream itself. */
  signIn(): Promise<readonly StudentToken[]>;
  /** Begins the stream; returns at once. */
  start(): void;
  /** Ends it: no new calls, open ones are given up. */
  stop(): Promise<void>;
  totals(): { readonly good: number; readonly bad: number };
}

export interface StudentToken {
  readonly userId: string;
  readonly email: string;
  readonly token: string;
}

/** A small, bounded stream of real lessons through the proxy, so that there is something to see (ux.md §2). */
export function createDemoTraffic(options: TrafficOptions): DemoTraffic {
  const {
    base,
    accountsFile,
    say,
    timing = systemTiming,
    students: count = STUDENTS,
    callsPerSecond = CALLS_PER_SECOND,
  } = options;
  const { accounts, isNew } = readOrMakeAccounts(accountsFile, count);
  const ending = new AbortController();
  const failures = createFailures(say, timing.now);
  const api = createApi(base, failures, ending.signal);
  const pace = createPace(callsPerSecond, timing);
  const deps = { base, api, pace, failures, timing, signal: ending.signal };
  const students = accounts.map((account, index) => createStudent(account, index, deps));
  let running: Promise<unknown> = Promise.resolve();
  return {
    isNew,
    async signIn() {
      const signedIn: StudentToken[] = [];
      const waiting = [...students];
      const lane = async (): Promise<void> => {
        for (let student = waiting.shift(); student; student = waiting.shift()) {
          const { email } = student.account;
          const entry = await student.signIn().catch(() => null);
          if (entry) signedIn.push({ email, ...entry });
        }
      };
      await Promise.all(Array.from({ length: SIGN_IN_LANES }, lane));
      return signedIn;
    },
    start() {
      running = Promise.all(students.map((student) => student.run()));
    },
    async stop() {
      ending.abort();
      const patience = new AbortController();
      await Promise.race([running, timing.sleep(STOP_MS, patience.signal)]);
      patience.abort();
    },
    totals: () => failures.totals(),
  };
}
