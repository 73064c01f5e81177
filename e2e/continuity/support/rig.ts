// Both arms, real, with a courier before each, and in this process the relay between them on a clock of its own.
import { setTimeout as pause } from "node:timers/promises";
import { type Arm, type Continuity, createContinuity } from "../../../src/continuity/index.ts";
import { createManualClock } from "../../../src/kernel/index.ts";
import { createMetrics } from "../../../src/metrics/index.ts";
import { createStateCarrier } from "../../../src/platform/index.ts";
import {
  createIssuer,
  eventually,
  SERVICE_TOKEN,
  type Service,
  startCandidate,
  startControl,
  startStandIn,
  TEST_SECRET,
  temporaryDir,
} from "../../support/index.ts";
import { type Courier, GOOD_HABITS, startCourier } from "./courier.ts";
import { memoryState } from "./memoryState.ts";

export const ARMS = ["control", "candidate"] as const;
export type PerArm<T> = Readonly<Record<Arm, T>>;
export const originOf = (arm: Arm): string => (arm === "control" ? "legacy" : "candidate");

const sleep = (ms: number, signal: AbortSignal): Promise<void> =>
  pause(ms, undefined, { signal }).catch(() => undefined);

export async function startRig() {
  const model = await startStandIn();
  const options = { modelUrl: `${model.baseUrl}/v1` };
  const dirs = { control: temporaryDir("control"), candidate: temporaryDir("candidate") };
  const start: PerArm<(port?: string) => Promise<Service>> = {
    control: (port = "0") => startControl({ ...options, dataDir: dirs.control, env: { PORT: port } }),
    candidate: (port = "0") => startCandidate({ ...options, dataDir: dirs.candidate, env: { PORT: port } }),
  };
  const [control, candidate] = await Promise.all([start.control(), start.candidate()]);
  const arms: Record<Arm, Service> = { control, candidate };
  const couriers: PerArm<Courier> = {
    control: await startCourier(() => arms.control.baseUrl),
    candidate: await startCourier(() => arms.candidate.baseUrl),
  };
  const carrierTo = (urls: PerArm<string>) =>
    createStateCarrier({
      urls: { control: [urls.control], candidate: [urls.candidate] },
      token: SERVICE_TOKEN,
      sleep,
    });
  return {
    arms,
    dirs,
    couriers,
    issuer: createIssuer(TEST_SECRET),
    urls: { control: control.baseUrl, candidate: candidate.baseUrl } as PerArm<string>,
    /** Past the couriers. */
    direct: carrierTo({ control: control.baseUrl, candidate: candidate.baseUrl }),
    carrier: carrierTo({ control: couriers.control.url, candidate: couriers.candidate.url }),
    /** Another process of the arm, on the same data and at the same port. */
    async startAgain(arm: Arm): Promise<void> {
      arms[arm] = await start[arm](new URL(arms[arm].baseUrl).port);
    },
    async stop(): Promise<void> {
      await Promise.all(ARMS.map((arm) => couriers[arm].stop()));
      await Promise.all([...ARMS.map((arm) => arms[arm].stop()), model.stop()]);
    },
  };
}

export type Rig = Awaited<ReturnType<typeof startRig>>;

export interface Lost {
  readonly section: string;
  readonly key: string;
}

/** The relays of one history or test, from the present end of both feeds on. */
export async function openRelay(rig: Rig) {
  const { signal } = new AbortController();
  const state = memoryState();
  for (const arm of ARMS) state.saveDirection(arm, { cursor: await rig.direct.end(arm, signal), isWhole: true });
  const clock = createManualClock();
  const metrics = createMetrics({ version: "test" });
  const conflicts: Lost[] = [];
  const refused: Lost[] = [];
  const events: (readonly [string, Readonly<Record<string, unknown>>])[] = [];
  const log = {
    event(name: string, fields: Readonly<Record<string, unknown>>): void {
      events.push([name, fields]);
      const row = { section: String(fields["section"]), key: String(fields["key"]) };
      if (name === "relay.conflict") conflicts.push(row);
      if (name === "relay.refused") refused.push(row);
    },
  };
  const decide = (): Arm => "control";
  const tools = { carrier: rig.carrier, clock, metrics, log, decide };
  let continuity: Continuity = createContinuity({ ...tools, state });
  continuity.start();
  return {
    state,
    clock,
    metrics,
    conflicts,
    refused,
    events,
    get continuity() {
      return continuity;
    },
    /** Ends this process of the relay, and begins another from what it had stored. */
    async restart(): Promise<void> {
      await continuity.stop();
      continuity = createContinuity({ ...tools, state });
      continuity.start();
    },
    async carry(subject: string, from: Arm): Promise<void> {
      await eventually(() => continuity.carry(subject, from, signal));
    },
    /** Advances the relay's clock until the check holds. */
    until: <T>(check: () => Promise<T> | T, timeoutMs = 15_000): Promise<T> =>
      eventually(
        () => {
          clock.advance(250);
          return check();
        },
        timeoutMs,
        15,
      ),
    async isAtRest(): Promise<boolean> {
      const ends = await Promise.all(ARMS.map((arm) => rig.direct.end(arm, signal)));
      return ARMS.every((arm, at) => state.direction(arm).cursor === ends[at]);
    },
    async counted(name: string): Promise<number> {
      const found = (await metrics.json()).find((metric) => metric.name === name);
      return (found?.values ?? []).reduce((sum, { value }) => sum + Number(value), 0);
    },
    async stop(): Promise<void> {
      for (const arm of ARMS) {
        rig.couriers[arm].habits = GOOD_HABITS;
        rig.couriers[arm].lose(0);
        rig.couriers[arm].forget();
      }
      await continuity.stop();
    },
  };
}

export type RelayRun = Awaited<ReturnType<typeof openRelay>>;
