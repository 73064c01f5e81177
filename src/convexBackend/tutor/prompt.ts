// The executor's prompt (contract services.md §2). Both arms must send the same bytes for the same state: no clock times,
// no random ids, every embedded value canonical.
import { canonicalJson, firstCodePoints } from "../../contract/index.ts";
import type { ChatMessage } from "../model/client.ts";
import { TOOL_NAMES } from "../tools/index.ts";
import type { SessionContext } from "./context.ts";

export const EXECUTOR_KIND = "tutor.executor/1";
export const EXECUTOR_TEMPERATURES = [0.7, 0.8, 0.9] as const;
const KNOWLEDGE_CODE_POINTS = 4_000;

export interface ChatRow {
  readonly role: "user" | "assistant";
  readonly text: string | null;
}

const stateOf = (context: SessionContext) => ({
  action: context.last_pedagogical_action,
  concepts: Object.fromEntries(
    Object.entries(context.user_model_state.concepts).map(([topic, c]) => [topic, [c.alpha, c.beta, c.attempts]]),
  ),
  focus: context.current_focus_objective,
  goal: context.session_goal,
  pending: context.current_quiz_question !== null,
  topic: context.current_teaching_topic,
});

function instructions(context: SessionContext, mode: string, isChanged: boolean): string {
  return [
    `#kind ${EXECUTOR_KIND}`,
    isChanged
      ? "You are a tutor. Teach one small step at a time and adapt to the learner."
      : "You are a patient tutor. Teach one small step at a time and adapt to the learner.",
    'Reply with exactly one JSON object with the keys "name" and "args" and nothing else.',
    `"name" is one of: ${TOOL_NAMES.join(", ")}`,
    `Whiteboard: ${mode === "chat_and_whiteboard" ? "on" : "off"}`,
    `State: ${canonicalJson(stateOf(context))}`,
  ].join("\n");
}

export interface PromptInput {
  readonly context: SessionContext;
  readonly mode: string;
  readonly history: readonly ChatRow[];
  readonly trigger: string;
  /** Set by the fault `prompt-change` only. */
  readonly isChanged?: boolean;
}

export function executorMessages({ context, mode, history, trigger, isChanged = false }: PromptInput): ChatMessage[] {
  const knowledge = context.analysis_result?.["analysis_text"];
  const kb = typeof knowledge === "string" ? firstCodePoints(knowledge, KNOWLEDGE_CODE_POINTS) : "";
  return [
    { role: "system", content: instructions(context, mode, isChanged) },
    ...(kb === "" ? [] : [{ role: "system" as const, content: `Knowledge:\n${kb}` }]),
    ...history.map(({ role, text }) => ({ role, content: text ?? "" })),
    { role: "user", content: trigger },
  ];
}
