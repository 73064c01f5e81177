// The probes of convex/probe.ts through the official clients, and what the suite must clean up behind itself.
import assert from "node:assert/strict";
import { randomInt, randomUUID } from "node:crypto";
import type { TestContext } from "node:test";
import { ConvexClient, type ConvexClientOptions, ConvexHttpClient } from "convex/browser";
import { type FunctionReference, makeFunctionReference } from "convex/server";
import { ConvexError } from "convex/values";
import { type Deployment, openDeployment } from "./contractDeployment.ts";

const WAIT_MS_MAX = 15_000;
const CLEAN_CALLS_MAX = 200;
const OPTIONS = { skipConvexDeploymentUrlCheck: true, logger: false } as const;

export const queryOf = (name: string): FunctionReference<"query"> => makeFunctionReference<"query">(`probe:${name}`);
export const mutationOf = (name: string): FunctionReference<"mutation"> =>
  makeFunctionReference<"mutation">(`probe:${name}`);
export const actionOf = (name: string): FunctionReference<"action"> => makeFunctionReference<"action">(`probe:${name}`);

/** A number from 0 to below 1, the same ones for the same seed (mulberry32). */
export type Random = () => number;

export function createRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const below = (random: Random, limit: number): number => Math.floor(random() * limit);

export function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** The functions' arguments and answers are not typed here: the suite knows them by name only, as any client may. */
type Args = Record<string, any>;

export class Probes {
  readonly seed = Number(process.env["CONTRACT_SEED"] || randomInt(2 ** 31));
  readonly random = createRandom(this.seed);
  readonly deployment: Deployment;
  readonly #runs: string[] = [];

  constructor(deployment: Deployment) {
    this.deployment = deployment;
  }

  get url(): string {
    return this.deployment.url;
  }

  /** A name for rows that no other test has; they are removed at the end. */
  newRun(): string {
    const run = `contract-${randomUUID()}`;
    this.#runs.push(run);
    return run;
  }

  /** Speaks with the service's token unless another is given, null for none. */
  http(token: string | null = this.deployment.signer.token()): ConvexHttpClient {
    return new ConvexHttpClient(this.url, { ...OPTIONS, ...(token !== null && { auth: token }) });
  }

  query(name: string, args: Args = {}): Promise<any> {
    return this.http().query(queryOf(name), args);
  }

  mutation(name: string, args: Args = {}): Promise<any> {
    return this.http().mutation(mutationOf(name), args, { skipQueue: true });
  }

  action(name: string, args: Args = {}): Promise<any> {
    return this.http().action(actionOf(name), args);
  }

  /** A client over a socket with the service's token; closed when the test ends. */
  connect(t: TestContext, options: Partial<ConvexClientOptions> = {}): ConvexClient {
    const client = new ConvexClient(this.url, { ...OPTIONS, unsavedChangesWarning: false, ...options });
    t.after(() => client.close());
    client.setAuth(() => Promise.resolve(this.deployment.signer.token()));
    return client;
  }

  /** Removes all rows of all runs. @returns how many runs there were */
  async cleanUp(): Promise<number> {
    for (const run of this.#runs) {
      for (let calls = 1; !(await this.mutation("cleanUp", { run })).isDone; calls++) {
        assert.ok(calls < CLEAN_CALLS_MAX, `after ${calls} calls rows of ${run} are left`);
      }
    }
    return this.#runs.length;
  }

  async rowsLeft(): Promise<number> {
    let rows = 0;
    for (const run of this.#runs) {
      rows += (await this.query("inOrder", { run, order: "asc", limit: 1 })).length;
      rows += (await this.query("events", { run, after: -1n, limit: 1 })).events.length;
      rows += (await this.query("counted", { run })) === 0 ? 0 : 1;
    }
    return rows;
  }
}

/** @throws Error in one sentence when there is no deployment that answers probes */
export async function openProbes(): Promise<Probes> {
  return new Probes(await openDeployment());
}

/** What a subscription has shown so far. */
export class Watched {
  readonly seen: any[] = [];
  readonly errors: Error[] = [];
  #wake = () => {};

  constructor(client: ConvexClient, name: string, args: Args) {
    client.onUpdate(
      queryOf(name),
      args,
      (value) => this.#hear(() => this.seen.push(value)),
      (error) => this.#hear(() => this.errors.push(error)),
    );
  }

  get last(): any {
    return this.seen.at(-1);
  }

  /** Waits until what it shows is what `isMeant`; resolves with it. @throws Error after 15 s */
  async until(isMeant: (watched: Watched) => boolean): Promise<any> {
    const { promise: late, reject } = Promise.withResolvers<never>();
    const deadline = setTimeout(() => {
      reject(new Error(`the subscription did not get there in ${WAIT_MS_MAX} ms, it shows ${String(this.last)}`));
    }, WAIT_MS_MAX);
    try {
      while (!isMeant(this)) {
        const { promise: heard, resolve } = Promise.withResolvers<void>();
        this.#wake = resolve;
        await Promise.race([heard, late]);
      }
    } finally {
      clearTimeout(deadline);
    }
    return this.last;
  }

  #hear(keep: () => void): void {
    keep();
    this.#wake();
  }
}

/** The data that the call is refused with. */
export async function refusalOf(call: Promise<unknown>): Promise<any> {
  const error: unknown = await failureOf(call);
  assert.ok(error instanceof ConvexError, `expected a ConvexError, got ${String(error)}`);
  return error.data;
}

/** The error that is no word of a function's own, but of the deployment. */
export async function errorOf(call: Promise<unknown>): Promise<Error> {
  const error = await failureOf(call);
  assert.ok(error instanceof Error && !(error instanceof ConvexError), `expected a plain Error, got ${String(error)}`);
  return error;
}

const failureOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    (value) => assert.fail(`it should have been refused, and answered ${String(value)}`),
    (error: unknown) => error,
  );
