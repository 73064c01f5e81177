"""`explain` and `end_session` (contract services.md §3)."""

from ..text import is_blank
from .args import Args
from .turn import Prepared, Turn, Visible, explanation, message


def explain(args: Args, turn: Turn) -> Prepared:
    text = args.text("text", "...")
    title, topic = args.optional_text("title"), args.optional_text("topic")

    async def run() -> Visible:
        turn.context["last_pedagogical_action"] = "explained"
        if topic is not None:
            turn.context["current_teaching_topic"] = topic
        return explanation("..." if is_blank(text) else text, title)

    return run


def end_session(args: Args, _turn: Turn) -> Prepared:
    reason = args.text("reason", "completed")

    async def run() -> Visible:
        return message(f"Session ended: {reason}", "summary")

    return run
