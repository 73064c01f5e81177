"""Reading the answer to a pending question (contract tutor-socket.md §7)."""

import re
from typing import Any

from ..session.quiz import is_integral
from .envelope import TurnError

_INDEX = re.compile(r"[0-9]{1,300}(\.0*)?")


def chosen_index(data: dict[str, Any], context: dict[str, Any]) -> int:
    """Raises TurnError; the question then stays pending."""
    value = data.get("answer_index")
    if value is None:
        raise TurnError("INVALID_ANSWER_FORMAT")
    asked = data.get("question_id")
    index = _integral(value)
    if index is None or index >= len(context["current_quiz_question"]["options"]):
        raise TurnError("ANSWER_EVAL_INPUT_ERROR")
    if asked is not None and asked != context["current_question_ref"]["question_id"]:
        raise TurnError("ANSWER_EVAL_INPUT_ERROR")
    return index


def _integral(value: Any) -> int | None:
    if is_integral(value) and value >= 0:
        return int(value)
    if isinstance(value, str) and _INDEX.fullmatch(value):
        return int(value.partition(".")[0])
    return None
