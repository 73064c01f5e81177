// Who gets a core first (shadow I12): the serving thread, and of the shadow's two the one whose clock must be trusted.
import { setPriority } from "node:os";

/** Of Linux: 0 is usual, 19 the least. */
const NICE = { mirror: 5, compare: 10 };

/** Of the thread that calls it. Only Linux has priorities of threads; elsewhere it would be the whole process's, and nothing is done. */
export function yieldCores(thread: "mirror" | "compare", platform: string = process.platform): void {
  if (platform !== "linux") return;
  try {
    setPriority(NICE[thread]);
  } catch {
    // Somebody has forbidden it: the threads are equals then.
  }
}
