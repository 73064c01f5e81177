import type { ShadowTargets } from "./shadowTargets.ts";
import { ServiceFailed } from "./supervisor.ts";

export interface DemoShadow {
  /** Not started: nobody waits for them (shadow §3). */
  readonly targets: Pick<ShadowTargets, "ports" | "start" | "isStopped">;
  /** From now on the proxy mirrors; its threads cost nothing before (shadow I14). */
  mirrorAll(): Promise<void>;
}

/** Starts the targets behind everybody's back: users are served meanwhile, and also when this fails. */
export async function startShadow({ targets, mirrorAll }: DemoShadow, say: (line: string) => void): Promise<void> {
  const startedAt = performance.now();
  try {
    await targets.start();
    if (targets.isStopped) return;
    await mirrorAll();
    const tookS = ((performance.now() - startedAt) / 1_000).toFixed(1);
    say(`shadow ready after ${tookS} s: what the students do is done there too from now on, and compared`);
  } catch (error) {
    if (targets.isStopped) return;
    say(`The shadow is not there, and nothing is compared: ${error instanceof Error ? error.message : String(error)}`);
    if (error instanceof ServiceFailed && error.isPortTaken)
      say("A port was taken meanwhile; start the demo again for others.");
  }
}
