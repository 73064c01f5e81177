// One queued frame from start to envelope (contract tutor-socket.md §§2–9).
import type { FunctionReturnType } from "convex/server";
import { setTimeout as delay } from "node:timers/promises";
import { api } from "../../../convex/_generated/api.js";
import { boardState } from "../board/entries.ts";
import { crashMidTurn } from "../faults/processFaults.ts";
import { numberArg } from "../faults/switchboard.ts";
import { failureFields } from "../log.ts";
import { StoreRefusal, StoreUnavailableError } from "../ports.ts";
import type { Services } from "../services.ts";
import { evaluate } from "../tools/index.ts";
import { message } from "../tools/desk.ts";
import type { Actor, TutorSocket } from "./actor.ts";
import { loadContext, type SessionContext } from "./context.ts";
import { createTurnDeltas, type TurnDeltas } from "./deltas.ts";
import { envelope, type Envelope, errorEnvelope } from "./envelope.ts";
import { openDesk, runExecutor, TurnError, type TurnResult } from "./executor.ts";
import type { QueuedFrame } from "./frames.ts";
import { type Plan, planOf } from "./plan.ts";
import { EXECUTOR_KIND, EXECUTOR_TEMPERATURES, executorMessages } from "./prompt.ts";
import { answerIndexOf } from "./quiz.ts";
import type { ChatRow } from "./recentRows.ts";
import { addedObjectIds } from "./replay.ts";

const TURN_MS = 120_000;
/** A turn starts over when the store says that its view was old. */
const STALE_TRIES = 3;

type Begun = Extract<FunctionReturnType<typeof api.turns.begin>, { status: "ready" }>;
type Effect = Extract<Plan, { kind: "turn" | "answer" | "end" }>;

interface Turn {
  readonly services: Services;
  readonly actor: Actor;
  readonly socket: TutorSocket;
  readonly frame: QueuedFrame;
  readonly plan: Plan;
  readonly clientMessageId: string | null;
  readonly started: number;
  readonly signal: AbortSignal;
  /** The fault `lost-write`: everything is computed and nothing stored. */
  readonly isLost: boolean;
}

/** Frames to send to whoever presented the id, and whether the socket is closed after them. */
export interface Answer {
  readonly frames: readonly string[];
  readonly outcome: string;
  readonly ends: boolean;
}

/** What a dry run would have answered. */
const dryRunnable = async <T>(begun: Promise<T>): Promise<T> => {
  try {
    return await begun;
  } catch (error) {
    if (error instanceof StoreRefusal && error.code === "DRY_RUN") return (error.data as { outcome: T }).outcome;
    throw error;
  }
};

const logText = (plan: Plan) => (plan.kind === "refuse" ? null : plan.log);

async function begin(turn: Turn): Promise<FunctionReturnType<typeof api.turns.begin>> {
  const { services, actor, frame, plan, clientMessageId } = turn;
  const text = logText(plan);
  for (let tries = 0; ; tries += 1) {
    const row = actor.logRows + 1;
    const id = services.ids.did(turn.socket.channel.at, "log", actor.id, row);
    const args = {
      session: actor.session,
      now: services.clock.now(),
      ...(clientMessageId !== null && { clientMessageId }),
      ...(frame.mode !== null && { interactionMode: frame.mode }),
      ...(text && { log: { id, row, ...text } }),
      knownThrough: actor.recent.knownThrough,
      ...(turn.isLost && { dryRun: true }),
      ...(plan.kind === "turn" && plan.userText !== undefined && { userText: plan.userText }),
    };
    const begun = await dryRunnable(services.store.mutation(api.turns.begin, args, actor.identity));
    if (begun.status !== "stale" || tries >= STALE_TRIES) return begun;
    actor.logRows = begun.logRows;
  }
}

const turnIdOf = (turn: Turn, turnNo: number): string => `${turn.actor.id}:${turnNo}`;

function frameText(turn: Turn, made: Envelope, turnNo: number | null): string {
  const isNamed = turn.socket.isStreaming && turnNo !== null;
  return JSON.stringify(isNamed ? { ...made, turn_id: turnIdOf(turn, turnNo) } : made);
}

function worldOf(turn: Turn, turnNo: number) {
  const { services, actor, socket, signal } = turn;
  const { boards, clock, ids } = services;
  return {
    now: clock.now(),
    did: (kind: string, ...parts: readonly (string | number)[]) => ids.did(socket.channel.at, kind, ...parts),
    readBoard: async () => boardState(await boards.read(actor), clock.now()),
    askBoardState: (requestId: string) =>
      actor.board.ask(requestId, signal, () => {
        const request = JSON.stringify({ type: "REQUEST_BOARD_STATE", request_id: requestId });
        socket.channel.sendText(request, "REQUEST_BOARD_STATE");
      }),
    turnNo,
  };
}

/** Chat rows before the turn's input. A dry run leaves the kept rows as they are: it stores none. */
function historyOf({ actor }: Turn, begun: Begun): readonly ChatRow[] {
  return begun.messages ?? actor.recent.below(begun.inputTurnNo ?? begun.latestTurnNo + 1);
}

/** Keeps the rows of the turn's begin with the session. */
function noteInput({ actor, plan, isLost }: Turn, begun: Begun): void {
  if (isLost) return;
  const bound = begun.inputTurnNo ?? begun.latestTurnNo + 1;
  if (begun.messages) actor.recent.replace(begun.messages, bound - 1);
  // A row that an earlier frame of the same id stored may say something else: then the rows are read again.
  if (plan.kind === "turn" && plan.userText !== undefined && !begun.isInputReused) {
    actor.recent.add({ turnNo: bound, role: "user", text: plan.userText });
  }
}

async function execute(
  turn: Turn,
  plan: Extract<Effect, { kind: "turn" | "answer" }>,
  begun: Begun,
  context: SessionContext,
): Promise<TurnResult> {
  const { services, actor, socket, signal } = turn;
  const { faults, model, metrics } = services;
  const { at, requestId } = socket.channel;
  const turnNo = begun.latestTurnNo + 1;
  const isChanged = faults.fire("prompt-change", at) !== null;
  const input = {
    context,
    mode: begun.interactionMode,
    history: historyOf(turn, begun),
    trigger: plan.trigger,
    isChanged,
  };
  const messages = executorMessages(input);
  const slow = faults.fire("slow-model", at);
  if (slow) await delay(numberArg(slow, 5_000), undefined, { signal });
  if (faults.fire("extra-model-call", at)) {
    const call = {
      kind: EXECUTOR_KIND,
      messages,
      temperature: EXECUTOR_TEMPERATURES[0],
      isJson: true,
      requestId,
      signal,
    };
    await model.chat(call).catch(() => undefined);
  }
  const deltas = socket.isStreaming ? deltasOf(turn, turnNo) : null;
  const world = worldOf(turn, turnNo);
  const stream = deltas ? { stream: deltas } : {};
  const observeTool = (name: string, seconds: number): void =>
    metrics.toolSeconds.labels({ tool_name: name }).observe(seconds);
  const executorTurn = { context, sessionId: actor.id, turnNo, messages, requestId, signal, world, ...stream };
  const result = await runExecutor(executorTurn, { model, observeTool });
  deltas?.settle(result.outcome.contentType === "explanation" ? result.outcome.chatText : null);
  return faults.fire("wrong-tool", at) && result.toolName === "explain"
    ? { ...result, outcome: message(result.outcome.chatText) as TurnResult["outcome"] }
    : result;
}

function deltasOf(turn: Turn, turnNo: number): TurnDeltas {
  const { services, socket, started } = turn;
  const onFirst = (): void => services.metrics.firstDeltaSeconds.observe((performance.now() - started) / 1_000);
  return createTurnDeltas({
    channel: socket.channel,
    turnId: turnIdOf(turn, turnNo),
    faults: services.faults,
    onFirst,
  });
}

/** Deterministic evaluation (§7); null when no question waits and the executor answers instead. */
function evaluated(turn: Turn, begun: Begun, context: SessionContext): TurnResult | null {
  const question = context.current_quiz_question;
  if (!question) return null;
  const { answer_index: given, question_id: named } = turn.frame.data;
  if (given === undefined || given === null) throw new TurnError("INVALID_ANSWER_FORMAT");
  const chosen = answerIndexOf(given);
  const pending = context.current_question_ref?.question_id ?? null;
  const isOther = named !== undefined && named !== null && named !== pending;
  if (chosen === null || chosen >= question.options.length || isOther) throw new TurnError("ANSWER_EVAL_INPUT_ERROR");
  const turnNo = begun.latestTurnNo + 1;
  const desk = openDesk({ context, sessionId: turn.actor.id, turnNo, world: worldOf(turn, turnNo) }, "answer", 0);
  const outcome = evaluate(desk, question, chosen) as TurnResult["outcome"];
  return { outcome, toolName: "answer", context: desk.draft, actions: desk.actions, events: desk.events };
}

function ended(begun: Begun, context: SessionContext): TurnResult {
  const status = begun.analysisStatus;
  const text = status === null ? "Session analysis will start now." : `Session analysis status: ${status}.`;
  const outcome = message(text, "summary") as TurnResult["outcome"];
  return { outcome, toolName: "end_session", context, actions: [], events: [] };
}

async function effectOf(turn: Turn, plan: Effect, begun: Begun, context: SessionContext): Promise<TurnResult> {
  if (plan.kind === "end") return ended(begun, context);
  if (plan.kind === "answer") {
    const feedback = evaluated(turn, begun, context);
    if (feedback) return feedback;
  } else if (plan.setsLastEvent) context.last_event = { type: plan.type };
  return execute(turn, plan, begun, context);
}

/** Rejects with the signal's reason as soon as it aborts; the work's own end is then ignored. */
function bounded<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}

async function store(
  turn: Turn,
  plan: Effect,
  begun: Begun,
  result: TurnResult,
): Promise<{ status: string; frames: readonly string[] }> {
  const { services, actor, socket, clientMessageId } = turn;
  const { ids, faults } = services;
  const { at } = socket.channel;
  const turnNo = begun.latestTurnNo + 1;
  const { outcome, context, actions, events } = result;
  const made = envelope(outcome.contentType, outcome.data, context.user_model_state, actions);
  const frames = [frameText(turn, made, turnNo)];
  const isChatRow = plan.kind !== "end";
  const claims = plan.kind === "end" && begun.analysisStatus === null;
  const conceptEvents = events.map((event, i) => ({
    id: ids.did(at, "concept_event", actor.id, begun.conceptEventRows + i + 1),
    ...event,
  }));
  const args = {
    session: actor.session,
    now: services.clock.now(),
    ...(clientMessageId !== null && { clientMessageId }),
    ...(begun.processed !== null && { processed: begun.processed }),
    framesJson: JSON.stringify(frames),
    contextJson: JSON.stringify(context),
    ...(isChatRow && { reply: { turnNo, text: outcome.chatText, payloadJson: JSON.stringify(made) } }),
    ...(isChatRow && actions.length > 0 && { actionsJson: JSON.stringify(actions) }),
    conceptEvents,
    ...(claims && { claimJobId: ids.did(at, "job", actor.id, "session_analysis") }),
    ...(turn.isLost && { dryRun: true }),
  };
  const { status } = await services.store.mutation(api.turns.finish, args, actor.identity);
  if (status === "stored") {
    actor.userModel = context.user_model_state;
    if (isChatRow && !turn.isLost) actor.recent.add({ turnNo, role: "assistant", text: outcome.chatText });
    services.boards.noteTutorObjects(actor.id, addedObjectIds(actions));
    crashMidTurn(faults, at);
  }
  return { status, frames };
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
  try {
    const result = await bounded(effectOf(turn, plan, begun, structuredClone(context)), turn.signal);
    const stored = await store(turn, plan, begun, result);
    if (stored.status === "stale") return "stale";
    return { frames: stored.frames, outcome: result.outcome.contentType, ends: plan.kind === "end" };
  } catch (error) {
    return refusal(turn, codeOf(error, turn), turnNo);
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
