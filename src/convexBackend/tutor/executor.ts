// The executor: model step, tool, and again while tools are silent (contract services.md §§1–3, tutor-socket.md §8).
import { canonicalJson } from "../../contract/index.ts";
import type { ChatMessage, ModelClient } from "../model/client.ts";
import { ModelFailure } from "../model/failures.ts";
import { readJsonObject, retryNote, type UnusableReason } from "../model/jsonReply.ts";
import { isObject } from "../tools/args.ts";
import { BadArgs, type Desk, type Outcome, type Surroundings, toolNamed, isSilentTool } from "../tools/index.ts";
import type { SessionContext } from "./context.ts";
import { EXECUTOR_KIND, EXECUTOR_TEMPERATURES } from "./prompt.ts";
import type { WhiteboardAction } from "./replay.ts";
import type { ConceptEvent } from "./userModel.ts";

/** Silent steps per turn. */
const SILENT_STEPS_MAX = 3;

/** A turn that ends in an error envelope. */
export class TurnError extends Error {
  override readonly name = "TurnError";
  readonly code: string;
  constructor(code: string, cause?: unknown) {
    super(code, { cause });
    this.code = code;
  }
}

export interface TurnResult {
  readonly outcome: Extract<Outcome, { kind: "reply" }>;
  readonly toolName: string;
  readonly context: SessionContext;
  readonly actions: readonly WhiteboardAction[];
  readonly events: readonly ConceptEvent[];
}

export interface ExecutorDeps {
  readonly model: ModelClient;
  readonly observeTool: (name: string, seconds: number) => void;
}

export interface ExecutorTurn {
  readonly context: SessionContext;
  readonly sessionId: string;
  readonly turnNo: number;
  readonly messages: readonly ChatMessage[];
  readonly requestId: string;
  readonly signal: AbortSignal;
  readonly world: Surroundings;
  /** Streaming sockets only. */
  readonly stream?: ReplyStream;
}

/** Listens to model replies as they come. */
export interface ReplyStream {
  /** A new reply begins. */
  begin(): void;
  piece(piece: string): void;
  /** The reply so far is void. */
  fail(): void;
}

interface Step {
  readonly text: string;
  readonly name: string;
  readonly outcome: Outcome;
  readonly desk: Desk;
}

class Unusable extends Error {
  readonly reason: UnusableReason;
  readonly code: string;
  constructor(reason: UnusableReason, code: string) {
    super(reason);
    this.reason = reason;
    this.code = code;
  }
}

function callOf(text: string): { name: string; args: Readonly<Record<string, unknown>> } {
  const value = readJsonObject(text);
  if (!value) throw new Unusable("not_json", "LLM_FORMAT_ERROR");
  const { name, args } = value;
  if (typeof name !== "string" || !isObject(args)) throw new Unusable("bad_shape", "LLM_FORMAT_ERROR");
  return { name, args };
}

export function openDesk(
  turn: Pick<ExecutorTurn, "context" | "sessionId" | "turnNo" | "world">,
  toolName: string,
  step: number,
): Desk {
  const { context, sessionId, turnNo, world } = turn;
  const g = world.did("draw", sessionId, turnNo, step).slice(0, 8);
  const draft = structuredClone(context);
  return { toolName, draft, sessionId, turnNo, step, g, world, actions: [], events: [], regionCount: 0 };
}

async function runTool(text: string, turn: ExecutorTurn, step: number, deps: ExecutorDeps): Promise<Step> {
  const { name, args } = callOf(text);
  const tool = toolNamed(name);
  if (!tool) throw new Unusable("unknown_name", "UNKNOWN_TOOL");
  if (step >= SILENT_STEPS_MAX && isSilentTool(name)) throw new TurnError("TOOL_LOOP_LIMIT");
  // Every try has a desk of its own: a call that is refused half-way leaves nothing.
  const desk = openDesk(turn, name, step);
  const started = performance.now();
  try {
    return { text, name, desk, outcome: await tool(args, desk) };
  } catch (error) {
    if (error instanceof BadArgs) throw new Unusable("bad_args", error.code);
    if (error instanceof TurnError) throw error;
    turn.signal.throwIfAborted();
    throw new TurnError("DISPATCH_ERROR", error);
  } finally {
    deps.observeTool(name, (performance.now() - started) / 1_000);
  }
}

/** One model step: up to three replies until one is a usable tool call. */
async function takeStep(
  turn: ExecutorTurn,
  steps: readonly ChatMessage[],
  step: number,
  deps: ExecutorDeps,
): Promise<Step> {
  let note: ChatMessage[] = [];
  let code = "LLM_FORMAT_ERROR";
  for (const temperature of EXECUTOR_TEMPERATURES) {
    const messages = [...turn.messages, ...steps, ...note];
    const { requestId, signal, stream } = turn;
    const listening = stream && { onPiece: stream.piece, onRestart: stream.fail };
    stream?.begin();
    const call = { kind: EXECUTOR_KIND, messages, temperature, isJson: true, requestId, signal, ...listening };
    const text = await deps.model.chat(call);
    try {
      return await runTool(text, turn, step, deps);
    } catch (error) {
      if (!(error instanceof Unusable)) throw error;
      stream?.fail();
      ({ code } = error);
      note = [{ role: "system", content: retryNote(error.reason) }];
    }
  }
  throw new TurnError(code);
}

/** Throws {@link TurnError}; whatever else it throws is unexpected. */
export async function runExecutor(turn: ExecutorTurn, deps: ExecutorDeps): Promise<TurnResult> {
  const steps: ChatMessage[] = [];
  const events: ConceptEvent[] = [];
  let { context } = turn;
  for (let step = 0; ; step += 1) {
    let taken: Step;
    try {
      taken = await takeStep({ ...turn, context }, steps, step, deps);
    } catch (error) {
      if (error instanceof ModelFailure) throw new TurnError(error.code, error);
      throw error;
    }
    const { outcome, desk, text, name } = taken;
    context = desk.draft;
    events.push(...desk.events);
    if (outcome.kind === "reply") {
      return { outcome, toolName: name, context, actions: desk.actions, events };
    }
    const result = `Tool result ${name}: ${canonicalJson(outcome.result)}`;
    steps.push({ role: "assistant", content: text }, { role: "system", content: result });
  }
}
