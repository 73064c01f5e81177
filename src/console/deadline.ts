import type { Clock } from "../kernel/index.ts";

/** Settles with `work`, or rejects after `timeoutMs`: a worker that never answers may not hold up a status page. */
export function withDeadline<T>(work: Promise<T>, timeoutMs: number, clock: Clock): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = clock.after(timeoutMs, () => reject(new Error(`no answer within ${timeoutMs} ms`)));
    work.then(resolve, reject).finally(cancel);
  });
}
