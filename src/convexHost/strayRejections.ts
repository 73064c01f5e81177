// A function that forgets to await something that fails must not end the host's process.
import { currentFrame } from "./frames.ts";
import type { HostLog } from "./functionHost.ts";
import type { LoadedRealm } from "./vmRealm.ts";

/**
 * Logs rejections of the realm's promises that nobody handles, with the function that caused them where Node knows it; those
 * of the host's own promises stay fatal. Gives how to stop.
 */
export function watchStrayRejections(realm: Pick<LoadedRealm, "owns" | "mapStack">, log: HostLog): () => void {
  const hear = (reason: unknown, promise: Promise<unknown>) => {
    if (!realm.owns(promise)) throw reason;
    const { message, stack } = (reason ?? {}) as { message?: unknown; stack?: unknown };
    const error = [String(message ?? reason), ...realm.mapStack(String(stack))].join("\n");
    log("function.strayRejection", { ...currentFrame()?.address, error });
  };
  process.on("unhandledRejection", hear);
  return () => process.off("unhandledRejection", hear);
}
