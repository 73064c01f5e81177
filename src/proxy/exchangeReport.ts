import type { Subject } from "../kernel/index.ts";
import type { Core, Environment, RoutedDecision } from "./core.ts";
import { traceIdOf } from "./forwardHeaders.ts";
import type { Outcome } from "./ports.ts";
import type { RequestHead } from "./requestHead.ts";
import { type Route, UNMATCHED } from "./routeTable.ts";

/** What is known of a call once its answer has left, or never will. */
export interface Ended {
  readonly route: Route | null;
  readonly head: RequestHead | null;
  /** null: refused before anybody decided. */
  readonly decision: RoutedDecision | null;
  readonly subject: Subject | null;
  readonly requestId: string;
  readonly durationMs: number;
  /** 0: no head was sent. */
  readonly status: number;
  readonly hasLeft: boolean;
  readonly isTimeout: boolean;
  readonly errorCode: string | null;
}

/** Counts a call and writes its line, once. */
export function report(env: Environment, core: Core, ended: Ended): void {
  const { route, head, decision, durationMs } = ended;
  const outcome = outcomeOf(ended);
  if (decision !== null) {
    const meters = core.meters.of(route);
    meters.outcome(decision.arm, outcome).count++;
    meters.duration(decision.arm).observe(durationMs / 1_000);
  }
  if (route?.config.isLogout && outcome === "ok") core.identity.forget(head?.authorization ?? null);
  env.log.exchange({
    requestId: ended.requestId,
    traceId: traceIdOf(head),
    method: head?.method ?? "-",
    route: route?.id ?? UNMATCHED,
    unit: route?.unit.id ?? null,
    subject: ended.subject,
    arm: decision?.arm ?? null,
    reason: decision?.reason ?? null,
    status: ended.status,
    outcome,
    durationMs,
    isSlow: route !== null && durationMs > route.config.slowMs,
    code: ended.errorCode,
  });
}

function outcomeOf({ isTimeout, errorCode, hasLeft, status }: Ended): Outcome {
  if (isTimeout) return "timeout";
  if (errorCode?.startsWith("SY_UPSTREAM")) return "server_error";
  if (!hasLeft) return "aborted";
  return status >= 500 ? "server_error" : status >= 400 ? "client_error" : "ok";
}
