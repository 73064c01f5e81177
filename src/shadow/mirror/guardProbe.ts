// Whether the guards stand that keep copies away from users (shadow W2), asked without any effect: of a path that no route has.
import { randomUUID } from "node:crypto";
import { type Arm, systemClock } from "../../kernel/index.ts";
import type { NotComparedReason } from "../words.ts";
import { CopyClient } from "./copyClient.ts";

/** What answers. `serving`: refuses everything marked but GET. `target`: refuses everything unmarked. */
export type GuardKind = "serving" | "target";
export type GuardState = "safe" | "unsafe" | "unreachable";

/** Of a target: `none` is there, or it is still being asked. */
export type TargetGuard = "none" | "asking" | GuardState;

/** null: copies may go there (shadow W2). */
export function guardReason(guard: TargetGuard): NotComparedReason | null {
  if (guard === "safe") return null;
  if (guard === "unsafe") return "target_unsafe";
  return guard === "unreachable" ? "target_down" : "no_target";
}

/** contract G15: the guard comes before routing and credentials. */
const REFUSED = 421;

export async function probeGuard(client: Pick<CopyClient, "send">, kind: GuardKind): Promise<GuardState> {
  const { result } = await client.send({
    method: kind === "serving" ? "POST" : "GET",
    // New each time, so that nothing between here and there has an answer for it.
    target: `/switchyard-guard-${randomUUID()}`,
    headers: kind === "serving" ? ["x-shadow", "1"] : [],
    body: null,
    servedFirstByteMs: null,
  });
  if ("error" in result) return "unreachable";
  return result.reply.status === REFUSED ? "safe" : "unsafe";
}

/** Once, over a connection of its own. */
export async function askGuard(origin: string, arm: Arm, kind: GuardKind): Promise<GuardState> {
  const client = new CopyClient({ origin, arm, role: "shadow", clock: systemClock });
  try {
    return await probeGuard(client, kind);
  } finally {
    await client.close();
  }
}
