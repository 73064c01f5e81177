// One queued frame from start to envelope (contract tutor-socket.md §§2–9).
import { failureFields } from "../log.ts";
import { StoreUnavailableError } from "../ports.ts";
import type { Services } from "../services.ts";
import type { Actor, TutorSocket } from "./actor.ts";
import { loadContext } from "./context.ts";
import { errorEnvelope } from "./envelope.ts";
import { TurnError } from "./executor.ts";
import type { QueuedFrame } from "./frames.ts";
import { planOf } from "./plan.ts";
import { effectOf } from "./turnEffect.ts";
import { frameText, STALE_TRIES, type Turn } from "./turnState.ts";
import { begin, finish, noteInput } from "./turnStore.ts";

const TURN_MS = 120_000;

/** Frames to send to whoever presented the id, and whether the socket is closed after them. */
export interface Answer {
  readonly frames: readonly string[];
  readonly outcome: string;
  readonly ends: boolean;
}

/** Rejects with the signal's reason as soon as it aborts; the work's own end is then ignored. */
function bounded<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

const refusal = (turn: Turn, code: string, turnNo: number | null): Answer => ({
  frames: [frameText(turn, errorEnvelope(code, turn.actor.userModel), turnNo)],
  outcome: code,
  ends: false,
});

async function attempt(turn: Turn): Promise<Answer | "stale"> {
  const { actor, plan, services } = turn;
  const isPlain = plan.kind === "refuse" && turn.frame.mode === null && turn.clientMessageId === null;
  if (isPlain && !plan.isTurn) return refusal(turn, plan.code, null);
  const begun = await begin(turn);
  if (begun.status === "gone" || begun.status === "stale") throw new TurnError("INTERNAL_ERROR");
  if (begun.status === "repeat") {
    services.metrics.replays.labels({ surface: "tutor" }).inc();
    return { frames: JSON.parse(begun.framesJson) as string[], outcome: "repeat", ends: false };
  }
  actor.logRows = begun.logRows;
  noteInput(turn, begun);
  const turnNo = begun.latestTurnNo + 1;
  if (plan.kind === "refuse") return refusal(turn, plan.code, plan.isTurn ? turnNo : null);
  const context = loadContext(begun.contextJson, (field) => services.metrics.contextRepairs.labels({ field }).inc());
  actor.userModel = context.user_model_state;
  const lost = new AbortController();
  const stopKeeping = services.leases.keep(actor, () => lost.abort());
  try {
    const effect = effectOf(turn, plan, begun, structuredClone(context));
    const result = await bounded(effect, AbortSignal.any([turn.signal, lost.signal]));
    const stored = await finish(turn, plan, begun, result);
    if (stored.status === "stale") return "stale";
    return { frames: stored.frames, outcome: result.outcome.contentType, ends: plan.kind === "end" };
  } catch (error) {
    if (lost.signal.aborted && !turn.signal.aborted) return "stale";
    await services.leases.release(actor);
    return refusal(turn, codeOf(error, turn), turnNo);
  } finally {
    stopKeeping();
  }
}

function codeOf(error: unknown, turn: Turn): string {
  if (turn.signal.aborted && error === turn.signal.reason) return "TURN_TIMEOUT";
  const code = error instanceof TurnError ? error.code : "INTERNAL_ERROR";
  if (code === "INTERNAL_ERROR" || code === "DISPATCH_ERROR") {
    const cause = error instanceof TurnError && error.cause !== undefined ? error.cause : error;
    const { requestId } = turn.socket.channel;
    const isStore = cause instanceof StoreUnavailableError;
    turn.services.log.error("turn failed", { requestId, surface: "tutor", ...(isStore ? {} : failureFields(cause)) });
  }
  return code;
}

/** Runs a frame; never rejects. */
export async function runFrame(
  services: Services,
  actor: Actor,
  socket: TutorSocket,
  frame: QueuedFrame,
): Promise<Answer> {
  const plan = planOf(frame);
  const ignoresId = services.faults.fire("double-effect", socket.channel.at) !== null;
  const isLost = services.faults.fire("lost-write", socket.channel.at) !== null;
  const isReadable = !(plan.kind === "refuse" && plan.code === "INVALID_PAYLOAD");
  const clientMessageId = ignoresId || !isReadable ? null : frame.clientMessageId;
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(new TurnError("TURN_TIMEOUT")), TURN_MS);
  const started = performance.now();
  const turn: Turn = { services, actor, socket, frame, plan, clientMessageId, started, signal: timeout.signal, isLost };
  let answer: Answer | "stale" = "stale";
  try {
    for (let tries = 0; answer === "stale" && tries < STALE_TRIES; tries += 1) answer = await attempt(turn);
  } catch (error) {
    answer = refusal(turn, codeOf(error, turn), null);
  } finally {
    clearTimeout(timer);
  }
  if (answer === "stale") answer = refusal(turn, "INTERNAL_ERROR", null);
  report(turn, answer);
  return answer;
}

function report({ services, plan, started, socket }: Turn, answer: Answer): void {
  const trigger = plan.kind === "refuse" && !plan.isTurn ? "other" : plan.type;
  const durationMs = performance.now() - started;
  const { outcome } = answer;
  services.metrics.turns.labels({ trigger, outcome }).inc();
  services.metrics.turnSeconds.labels({ trigger }).observe(durationMs / 1_000);
  const isError = /^[A-Z_]+$/.test(outcome);
  if (isError) services.metrics.errors.labels({ surface: "tutor", code: outcome }).inc();
  const { requestId } = socket.channel;
  const fields = { requestId, surface: "tutor", trigger, outcome };
  services.log.info("turn", { ...fields, durationMs: Math.round(durationMs * 1_000) / 1_000 });
}
