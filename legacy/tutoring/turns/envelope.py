"""The envelope O3 (contract tutor-socket.md §4)."""

from typing import Any

from ..tools.turn import Action

Envelope = dict[str, Any]

_TEXTS = {
    "INVALID_PAYLOAD": "The frame is not a JSON object of the expected form.",
    "UNKNOWN_MESSAGE_TYPE": "This frame type is not known.",
    "EMPTY_MESSAGE": "The message is empty.",
    "MESSAGE_TOO_LONG": "The message is longer than 8000 characters.",
    "CANVAS_CLICK_NO_ID": "The click names no object.",
    "QUEUE_OVERFLOW": "Too many messages wait; this one was dropped.",
    "INVALID_ANSWER_FORMAT": "The answer names no option.",
    "ANSWER_EVAL_INPUT_ERROR": "The answer does not fit the pending question.",
    "LLM_FORMAT_ERROR": "The tutor could not form an answer. Please try again.",
    "UNKNOWN_TOOL": "The tutor tried something it cannot do. Please try again.",
    "TOOL_INPUT_VALIDATION_ERROR": "The tutor used a tool wrongly. Please try again.",
    "MISSING_QUESTION_DATA": "The tutor asked without a question. Please try again.",
    "INVALID_QUESTION_DATA": "The tutor's question was not usable. Please try again.",
    "TOOL_LOOP_LIMIT": "The tutor looked things up too often. Please try again.",
    "LLM_RATE_LIMITED": "The tutor is busy. Please try again in a moment.",
    "LLM_UNAVAILABLE": "The tutor cannot be reached right now.",
    "LLM_TIMEOUT": "The tutor took too long to answer.",
    "BOARD_STATE_TIMEOUT": "The whiteboard did not answer in time.",
    "BOARD_STATE_ERROR": "The whiteboard could not be read.",
    "TURN_TIMEOUT": "This step took too long and was stopped.",
    "DISPATCH_ERROR": "A tool failed unexpectedly.",
    "INTERNAL_ERROR": "Something went wrong on our side.",
}


class TurnError(Exception):
    """Ends a turn with an error envelope."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def envelope(
    content_type: str, data: dict[str, Any], user_model: dict[str, Any], actions: list[Action] | None
) -> Envelope:
    return {
        "schema_version": 1,
        "content_type": content_type,
        "data": data,
        "user_model_state": user_model,
        "whiteboard_actions": actions or None,
    }


def error_envelope(code: str, user_model: dict[str, Any]) -> Envelope:
    data = {"error_code": code, "error_message": _TEXTS[code], "technical_details": None}
    return envelope("error", data, user_model, None)
