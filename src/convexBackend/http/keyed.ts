// Keyed writes (contract G10): one running request per key, the others wait for its outcome.
import { createHash } from "node:crypto";
import { canonicalJson, canonicalPath, isMessageKey } from "../../contract/index.ts";
import type { GivenKey } from "./call.ts";
import { HttpError } from "./errors.ts";
import type { KeyedScope } from "../auth/gate.ts";
import type { PathParams, RouteSpec } from "../../contract/index.ts";

const WAIT_MS = 30_000;
const RUNNING_MAX = 10_000;

export function givenKey(header: string | string[] | undefined, isKeyed: boolean): GivenKey {
  if (header === undefined || !isKeyed) return { kind: "none" };
  return isMessageKey(header) ? { kind: "key", key: header } : { kind: "illegal" };
}

/** Fingerprint of the body; none and an unparseable one count as null. */
export const fingerprint = (body: unknown): string =>
  createHash("sha256")
    .update(canonicalJson(body ?? null))
    .digest("hex");

export function keyedScope(key: GivenKey, route: RouteSpec, params: PathParams, body: unknown): KeyedScope | null {
  if (key.kind !== "key") return null;
  return { method: route.method, path: canonicalPath(route, params), key: key.key, fingerprint: fingerprint(body) };
}

export interface KeyedRuns {
  /** Runs after every earlier run of the same scope; 409 when that takes longer than 30 s. */
  run<T>(subject: string, scope: KeyedScope, work: () => Promise<T>): Promise<T>;
}

export function createKeyedRuns(waitMs = WAIT_MS): KeyedRuns {
  const running = new Map<string, Promise<unknown>>();
  const inProgress = (): HttpError =>
    new HttpError(409, "IDEMPOTENCY_IN_PROGRESS", "The first request with this key is still running.");

  const waitFor = async (earlier: Promise<unknown>, ms: number): Promise<void> => {
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(inProgress()), ms);
    });
    await Promise.race([earlier, tooLong]).finally(() => clearTimeout(timer));
  };

  return {
    async run(subject, scope, work) {
      const name = JSON.stringify([subject, scope.method, scope.path, scope.key]);
      const deadline = performance.now() + waitMs;
      for (let earlier = running.get(name); earlier; earlier = running.get(name)) {
        await waitFor(earlier, Math.max(0, deadline - performance.now()));
      }
      if (running.size >= RUNNING_MAX) throw inProgress();
      const mine = work();
      running.set(
        name,
        mine.then(
          () => undefined,
          () => undefined,
        ),
      );
      return mine.finally(() => running.delete(name));
    },
  };
}
