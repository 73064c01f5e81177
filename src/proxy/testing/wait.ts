import { setTimeout as pause } from "node:timers/promises";

/** Asks again until it holds; fails by name when it does not in time. */
export async function until(what: string, holds: () => boolean | Promise<boolean>, withinMs = 3_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await holds())) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await pause(2);
  }
}

/** The promise's value, or a failure by name. */
export async function within<T>(what: string, promise: Promise<T>, withinMs = 3_000): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`not within ${withinMs} ms: ${what}`)), withinMs);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
