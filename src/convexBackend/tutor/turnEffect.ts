// What a turn does between its begin and its finish: evaluation, executor or end (contract tutor-socket.md §§7–9).
import { setTimeout as delay } from "node:timers/promises";
import { boardState } from "../board/entries.ts";
import { numberArg } from "../faults/switchboard.ts";
import { evaluate } from "../tools/index.ts";
import { message } from "../tools/desk.ts";
import type { SessionContext } from "./context.ts";
import { createTurnDeltas, type TurnDeltas } from "./deltas.ts";
import { openDesk, runExecutor, TurnError, type TurnResult } from "./executor.ts";
import { EXECUTOR_KIND, EXECUTOR_TEMPERATURES, executorMessages } from "./prompt.ts";
import { answerIndexOf } from "./quiz.ts";
import type { ChatRow } from "./recentRows.ts";
import { type Begun, type Effect, type Turn, turnIdOf } from "./turnState.ts";

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

export async function effectOf(turn: Turn, plan: Effect, begun: Begun, context: SessionContext): Promise<TurnResult> {
  if (plan.kind === "end") return ended(begun, context);
  if (plan.kind === "answer") {
    const feedback = evaluated(turn, begun, context);
    if (feedback) return feedback;
  } else if (plan.setsLastEvent) context.last_event = { type: plan.type };
  return execute(turn, plan, begun, context);
}
