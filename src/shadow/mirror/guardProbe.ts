// Whether the guards stand that keep copies away from users (shadow W2), asked without any effect: of a path that no route has.
import { randomUUID } from "node:crypto";
import type { CopyClient } from "./copyClient.ts";

/** What answers. `serving`: refuses everything marked but GET. `target`: refuses everything unmarked. */
export type GuardKind = "serving" | "target";
export type GuardState = "safe" | "unsafe" | "unreachable";

/** contract G15: the guard comes before routing and credentials. */
const REFUSED = 421;

export async function probeGuard(client: Pick<CopyClient, "send">, kind: GuardKind): Promise<GuardState> {
  const { result } = await client.send({
    method: kind === "serving" ? "POST" : "GET",
    // New each time, so that nothing between here and there has an answer for it.
    target: `/switchyard-guard-${randomUUID()}`,
    headers: kind === "serving" ? [["x-shadow", "1"]] : [],
    body: null,
    servedFirstByteMs: null,
  });
  if ("error" in result) return "unreachable";
  return result.reply.status === REFUSED ? "safe" : "unsafe";
}
