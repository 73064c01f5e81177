"""Evaluating the pending question without the model (contract tutor-socket.md §7)."""

from typing import Any

from ..layout.zones import option_tops
from ..rounding import r4
from ..session.quiz import feedback_item
from ..text import is_blank
from .args import Args, bad_args
from .turn import Action, Prepared, Turn, Visible

_RIGHT, _WRONG = "#2ECC71", "#E74C3C"


def evaluate_quiz(args: Args, turn: Turn) -> Prepared:
    question, ref = turn.context["current_quiz_question"], turn.context["current_question_ref"]
    index = args.integer("user_answer_index", low=0)
    asked = args.optional_text("question_id")
    if question is None or index >= len(question["options"]) or asked not in (None, ref["question_id"]):
        raise bad_args("no pending question, or the index or id does not belong to it")

    async def run() -> Visible:
        return evaluate(turn, index)

    return run


def evaluate(turn: Turn, chosen: int) -> Visible:
    """Feedback for a valid choice; the question is no longer pending afterwards."""
    context = turn.context
    question, ref = context["current_quiz_question"], context["current_question_ref"]
    item = feedback_item(question, 0, chosen)
    topic = "general" if is_blank(question["related_section"]) else question["related_section"]
    turn.learn(topic, "correct" if item["is_correct"] else "incorrect", item["user_selected_option"])
    actions = _actions(ref, question, chosen, item["is_correct"])
    context["last_pedagogical_action"] = "evaluated"
    context["current_quiz_question"] = context["current_question_ref"] = None
    data = {"feedback_items": [item], "overall_assessment": None, "suggested_next_step": None}
    return Visible("feedback", data, actions, "feedback")


def _actions(ref: dict[str, Any], question: dict[str, Any], chosen: int, is_correct: bool) -> list[Action]:
    qid, count = ref["question_id"], len(question["options"])
    fill = _RIGHT if is_correct else _WRONG
    mark_place, text_place = _places(ref, chosen, count)
    mark = {
        "id": f"mcq-{qid}-opt-{chosen}-mark",
        "kind": "text",
        **mark_place,
        "text": "✓" if is_correct else "✗",
        "fontSize": 20,
        "fill": fill,
        "metadata": {
            "source": "assistant",
            "role": "mcq_feedback_mark",
            "question_id": qid,
            "option_id": str(chosen),
            "is_correct": is_correct,
            "groupId": qid,
        },
    }
    note = {
        "id": f"mcq-{qid}-feedback-text",
        "kind": "text",
        **text_place,
        "fontSize": 16,
        "fill": "#333333",
        "text": question["explanation"],
        "metadata": {"source": "assistant", "role": "mcq_feedback_text", "question_id": qid, "groupId": qid},
    }
    updates: list[dict[str, Any]] = [
        {"objectId": f"mcq-{qid}-opt-{chosen}-radio", "updates": {"fill": fill, "stroke": fill}}
    ]
    for index in range(count):
        for part in ("radio", "text"):
            updates.append({"objectId": f"mcq-{qid}-opt-{index}-{part}", "updates": {"selectable": False}})
    return [{"type": "ADD_OBJECTS", "objects": [mark, note]}, {"type": "UPDATE_OBJECTS", "objects": updates}]


def _places(ref: dict[str, Any], chosen: int, count: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Where the mark and the feedback text stand."""
    zone = ref["zone"]
    if ref["layout"] == "zone" and zone is not None:
        top = r4(option_tops(zone, count)[chosen])
        mark = {"xPct": r4(zone["xPct"] + 0.6 * zone["widthPct"]), "yPct": top}
        below = r4(zone["yPct"] + 0.95 * zone["heightPct"])
        return mark, {"xPct": zone["xPct"], "yPct": below, "widthPct": zone["widthPct"]}
    x, y = ref["x"] or 0, ref["y"] or 0
    return {"x": x + 400, "y": y + 50 + 40 * chosen + 8}, {"x": x, "y": y + 50 + 40 * count + 20, "width": 700}
