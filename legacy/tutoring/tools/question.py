"""Asking and drawing a multiple-choice question (contract services.md §4)."""

from typing import Any

from ..ids import did8
from ..layout.zones import Zone, option_row, option_tops, resolve_zone
from ..rounding import r4
from ..session.quiz import read_question
from ..text import is_blank
from .args import Args, bad_args
from .turn import Action, Prepared, Turn, Visible, board_message

WIDTH = 700
_LETTERS = "ABCDEFGH"
Spec = dict[str, Any]


def ask_question(args: Args, turn: Turn) -> Prepared:
    if args.raw("question_data") is None:
        raise bad_args("question_data is missing", "MISSING_QUESTION_DATA")
    question = read_question(args.raw("question_data"))
    others = {name: args.raw(name) for name in ("topic", "template", "zone") if args.has(name)}
    if question is None or not all(isinstance(value, str) for value in others.values()):
        raise bad_args("question_data is not a valid question", "INVALID_QUESTION_DATA")
    zone = resolve_zone(others.get("template"), others.get("zone"))

    async def run() -> Visible:
        return pose(turn, question, _topic(others.get("topic"), question), zone)

    return run


def pose(turn: Turn, question: dict[str, Any], topic: str | None, zone: Zone | None) -> Visible:
    """Makes the question pending, puts it on the board and says so."""
    qid = did8("question", turn.session_id, turn.turn_no)
    actions: list[Action] = []
    x = y = None
    if zone is None:
        x, y = turn.place(WIDTH, region_height(question), qid, actions)
        objects = _grid(qid, question, x, y)
    else:
        objects = _in_zone(qid, question, zone)
    actions.append({"type": "ADD_OBJECTS", "objects": objects})
    context = turn.context
    context["current_quiz_question"] = question
    context["current_question_ref"] = {
        "question_id": qid,
        "topic": topic,
        "layout": "grid" if zone is None else "zone",
        "x": x,
        "y": y,
        "option_count": len(question["options"]),
        "zone": zone,
    }
    context["last_pedagogical_action"] = "asked"
    if topic is not None:
        context["current_teaching_topic"] = topic
    return board_message(actions, f"A question about {topic or 'this topic'} is on the board.")


def _topic(argument: str | None, question: dict[str, Any]) -> str | None:
    """What the question is about: its topic, else its section."""
    return next((name for name in (argument, question["related_section"]) if name and not is_blank(name)), None)


def question_data(question: dict[str, Any], qid: str) -> dict[str, Any]:
    return {
        "response_type": "question",
        "question_type": "multiple_choice",
        "question_data": question,
        "context_summary": None,
        "question_id": qid,
    }


def region_height(question: dict[str, Any]) -> int:
    return 100 + 40 * len(question["options"]) + 20


def _meta(role: str, qid: str, option: int | None = None) -> Spec:
    meta: Spec = {"source": "assistant", "role": role, "question_id": qid}
    if option is not None:
        meta["option_id"] = str(option)
    return {**meta, "groupId": qid}


def _grid(qid: str, question: dict[str, Any], x: float, y: float) -> list[Spec]:
    objects = [_question_text(qid, question, {"x": x, "y": y}, {"width": WIDTH})]
    for index, option in enumerate(question["options"]):
        top = y + 50 + 40 * index + 8
        objects.append(_radio(qid, index, {"x": x + 20, "y": top}))
        objects.append(_label(qid, index, option, {"x": x + 45, "y": top}, {}))
    return objects


def _in_zone(qid: str, question: dict[str, Any], zone: Zone) -> list[Spec]:
    left, width, height = zone["xPct"], zone["widthPct"], zone["heightPct"]
    size = {"widthPct": r4(width), "heightPct": r4(0.25 * height)}
    objects = [_question_text(qid, question, {"xPct": r4(left), "yPct": r4(zone["yPct"])}, size)]
    options = question["options"]
    row = option_row(zone, len(options))
    for index, top in enumerate(option_tops(zone, len(options))):
        objects.append(_radio(qid, index, {"xPct": r4(left + 0.02 * width), "yPct": r4(top + row / 2)}))
        place = {"xPct": r4(left + 0.05 * width), "yPct": r4(top)}
        label_size = {"widthPct": r4(0.9 * width), "heightPct": r4(row)}
        objects.append(_label(qid, index, options[index], place, label_size))
    return objects


def _question_text(qid: str, question: dict[str, Any], place: Spec, size: Spec) -> Spec:
    look = {"text": question["question"], "fontSize": 18, "fill": "#000000"}
    return {"id": f"mcq-{qid}-text", "kind": "text", **place, **look, **size, "metadata": _meta("question", qid)}


def _radio(qid: str, index: int, place: Spec) -> Spec:
    look = {"radius": 8, "stroke": "#555555", "strokeWidth": 1, "fill": "#FFFFFF"}
    meta = _meta("option_selector", qid, index)
    return {"id": f"mcq-{qid}-opt-{index}-radio", "kind": "circle", **place, **look, "metadata": meta}


def _label(qid: str, index: int, option: str, place: Spec, size: Spec) -> Spec:
    look = {"text": f"{_LETTERS[index]}. {option}", "fontSize": 16, "fill": "#333333"}
    meta = _meta("option_label", qid, index)
    return {"id": f"mcq-{qid}-opt-{index}-text", "kind": "text", **place, **look, **size, "metadata": meta}
