import type { Arm } from "../../testing/realService.ts";

/** The longest that anybody else waited until it was done, ms. */
export async function longestWait(arm: Arm, work: Promise<unknown>): Promise<number> {
  const done = work.then(() => true);
  let longest = 0;
  for (let isDone = false; !isDone; ) {
    const since = performance.now();
    const served = arm.call("GET", "/livez", {}).then(() => false);
    isDone = await Promise.race([served, done]);
    await served;
    longest = Math.max(longest, performance.now() - since);
  }
  return longest;
}
