"""The executor's prompt (contract services.md §2). Nothing in it may depend on clocks, chance or this arm."""

from typing import Any

from ..jsonwire import canonical
from ..store.messages import ChatRow
from ..tools.names import TOOL_NAMES

KIND = "tutor.executor/1"
TEMPERATURES = (0.7, 0.8, 0.9)
HISTORY_ROWS = 20
_KNOWLEDGE_MAX = 4000
_LINES = (
    f"#kind {KIND}",
    "You are a patient tutor. Teach one small step at a time and adapt to the learner.",
    'Reply with exactly one JSON object with the keys "name" and "args" and nothing else.',
    f'"name" is one of: {", ".join(TOOL_NAMES)}',
)
_CHANGED_LINE = (
    "You are a strict tutor. Teach one small step at a time and adapt to the learner."  # fault prompt-change
)

Message = dict[str, str]


def executor_messages(
    context: dict[str, Any], history: list[ChatRow], trigger: str, is_changed: bool = False
) -> list[Message]:
    lines = list(_LINES)
    if is_changed:
        lines[1] = _CHANGED_LINE
    lines.append(f"Whiteboard: {'on' if context['interaction_mode'] == 'chat_and_whiteboard' else 'off'}")
    lines.append(f"State: {canonical(_state(context))}")
    messages = [{"role": "system", "content": "\n".join(lines)}]
    analysis = context["analysis_result"]
    if analysis is not None:
        messages.append({"role": "system", "content": f"Knowledge:\n{analysis['analysis_text'][:_KNOWLEDGE_MAX]}"})
    messages += [{"role": row.role, "content": row.text or ""} for row in history]
    messages.append({"role": "user", "content": trigger})
    return messages


def _state(context: dict[str, Any]) -> dict[str, Any]:
    concepts = context["user_model_state"]["concepts"]
    return {
        "action": context["last_pedagogical_action"],
        "concepts": {topic: [each["alpha"], each["beta"], each["attempts"]] for topic, each in concepts.items()},
        "focus": context["current_focus_objective"],
        "goal": context["session_goal"],
        "pending": context["current_quiz_question"] is not None,
        "topic": context["current_teaching_topic"],
    }


def tool_messages(reply: str, name: str, result: Any) -> list[Message]:
    return [
        {"role": "assistant", "content": reply},
        {"role": "system", "content": f"Tool result {name}: {canonical(result)}"},
    ]


def retry_note(reason: str) -> Message:
    text = f"The last reply was not usable ({reason}). Send one JSON object in the requested form."
    return {"role": "system", "content": text}
