// Begin and finish of a turn: what is stored, and what is kept of it with the session (contract tutor-socket.md §§2, 6).
import type { FunctionReturnType } from "convex/server";
import { api } from "../../../convex/_generated/api.js";
import { crashMidTurn } from "../faults/processFaults.ts";
import { StoreRefusal } from "../ports.ts";
import { envelope } from "./envelope.ts";
import type { TurnResult } from "./executor.ts";
import type { Plan } from "./plan.ts";
import { addedObjectIds } from "./replay.ts";
import { type Begun, type Effect, frameText, STALE_TRIES, type Turn } from "./turnState.ts";

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

type Beginning = Exclude<FunctionReturnType<typeof api.turns.begin>, { status: "busy" }>;

/** Waits while another instance runs a turn of the session. */
export async function begin(turn: Turn): Promise<Beginning> {
  const { services, actor, frame, plan, clientMessageId } = turn;
  const { instance } = services.leases;
  const text = logText(plan);
  for (let tries = 0; ; ) {
    const row = actor.logRows + 1;
    const id = services.ids.did(turn.socket.channel.at, "log", actor.id, row);
    const args = {
      session: actor.session,
      now: services.clock.now(),
      instance,
      holds: plan.kind !== "refuse",
      ...(clientMessageId !== null && { clientMessageId }),
      ...(frame.mode !== null && { interactionMode: frame.mode }),
      ...(text && { log: { id, row, ...text } }),
      knownThrough: actor.recent.knownThrough,
      knownRevision: actor.recent.knownRevision,
      ...(turn.isLost && { dryRun: true }),
      ...(plan.kind === "turn" && plan.userText !== undefined && { userText: plan.userText }),
    };
    const begun = await dryRunnable(services.store.mutation(api.turns.begin, args, actor.identity));
    if (begun.status === "busy") await services.leases.untilFree(actor.id, turn.signal);
    else if (begun.status !== "stale" || tries >= STALE_TRIES) return begun;
    else {
      tries += 1;
      actor.logRows = begun.logRows;
    }
  }
}

/** Keeps the rows of the turn's begin with the session. */
export function noteInput({ actor, plan, isLost }: Turn, begun: Begun): void {
  if (isLost) return;
  const bound = begun.inputTurnNo ?? begun.latestTurnNo + 1;
  if (begun.messages) actor.recent.replace(begun.messages, bound - 1, begun.revision);
  // A row that an earlier frame of the same id stored may say something else: then the rows are read again.
  if (plan.kind === "turn" && plan.userText !== undefined && !begun.isInputReused) {
    actor.recent.add({ turnNo: bound, role: "user", text: plan.userText });
  }
}

export async function finish(
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
    instance: services.leases.instance,
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
