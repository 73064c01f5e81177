"""The session context: what a session remembers between turns (contract models.md §1)."""

import copy
from typing import Any

from ..store.folders import Folder
from .knowledge import analysis_of
from .quiz import read_question
from .shape import (
    Key,
    Repaired,
    has_keys,
    is_integer,
    is_number,
    is_object,
    is_object_list,
    is_text,
    is_text_list,
    one_of,
    or_none,
    repaired,
)
from .user_model import fresh_concept, fresh_user_model

MODES = ("chat_only", "chat_and_whiteboard")
_ACTIONS = ("explained", "asked", "evaluated", "remediated")


def _nothing() -> None:
    return None


_text = Key(or_none(is_text), _nothing)
_CONTEXT = {
    "state": _text,
    "user_id": Key(is_text, str),
    "session_id": Key(is_text, str),
    "folder_id": _text,
    "vector_store_id": _text,
    "session_goal": _text,
    "interaction_mode": Key(one_of(*MODES), lambda: MODES[1]),
    "uploaded_file_paths": Key(is_text_list, list),
    "analysis_result": Key(
        or_none(
            has_keys(
                analysis_text=is_text,
                key_concepts=is_text_list,
                key_terms=is_object,
                file_names=is_text_list,
                vector_store_id=is_text,
            )
        ),
        _nothing,
    ),
    "knowledge_base_path": _text,
    "lesson_plan": Key(or_none(is_object), _nothing),
    "current_quiz_question": Key(or_none(lambda value: read_question(value) is not None), _nothing),
    "current_focus_objective": Key(or_none(is_object), _nothing),
    "user_model_state": Key(is_object, fresh_user_model),
    "last_interaction_summary": _text,
    "current_teaching_topic": _text,
    "last_pedagogical_action": Key(or_none(one_of(*_ACTIONS)), _nothing),
    "last_event": Key(or_none(has_keys(type=is_text)), _nothing),
    "pending_interaction_type": _text,
    "high_cost_calls": Key(is_integer, lambda: 0),
    "max_high_cost_calls": Key(is_integer, lambda: 3),
    "latest_turn_no": Key(is_integer, lambda: 0),
    "latest_snapshot_index": Key(is_integer, lambda: 0),
    "current_question_ref": Key(
        or_none(
            has_keys(
                question_id=is_text,
                topic=or_none(is_text),
                layout=one_of("grid", "zone"),
                x=or_none(is_number),
                y=or_none(is_number),
                option_count=is_integer,
                zone=or_none(is_object),
            )
        ),
        _nothing,
    ),
    "layout_regions": Key(
        lambda value: (
            isinstance(value, list)
            and all(
                has_keys(regionId=is_text, x=is_number, y=is_number, width=is_number, height=is_number)(region)
                for region in value
            )
        ),
        list,
    ),
    "lesson_content": Key(or_none(is_object), _nothing),
}
_FRESH = fresh_user_model()
_USER_MODEL = {
    "concepts": Key(is_object, dict),
    "overall_progress": Key(is_number, lambda: 0.0),
    "current_topic": _text,
    "current_topic_segment_index": Key(is_integer, lambda: 0),
    "learning_pace_factor": Key(is_number, lambda: 1.0),
    "preferred_interaction_style": Key(or_none(one_of("explanatory", "quiz_heavy", "socratic")), _nothing),
    "session_summary_notes": Key(is_text_list, list),
    "current_section_objectives": Key(is_object_list, list),
    "mastered_objectives_current_section": Key(is_text_list, list),
    "pending_interaction_type": Key(or_none(one_of("checking_question", "summary_prompt")), _nothing),
    "pending_interaction_details": Key(or_none(is_object), _nothing),
}
_CONCEPT = {
    "alpha": Key(is_integer, lambda: 1),
    "beta": Key(is_integer, lambda: 1),
    "last_interaction_outcome": _text,
    "attempts": Key(is_integer, lambda: 0),
    "confusion_points": Key(is_text_list, list),
    "last_accessed": _text,
}
assert _USER_MODEL.keys() == _FRESH.keys() and _CONCEPT.keys() == fresh_concept().keys()


def fresh_context(session_id: str, user_id: str, folder: Folder | None) -> dict[str, Any]:
    context = {name: key.fresh() for name, key in _CONTEXT.items()}
    context |= {"user_id": user_id, "session_id": session_id}
    if folder is not None:
        context |= {"folder_id": folder.id, "vector_store_id": folder.vector_store_id}
        if folder.knowledge_base:
            context["analysis_result"] = analysis_of(folder.knowledge_base, folder.vector_store_id)
    return context


def load_context(stored: Any, report: Repaired) -> dict[str, Any]:
    """A private copy that always has every key with a fitting value."""
    context = repaired(copy.deepcopy(stored), _CONTEXT, report)
    model = repaired(context["user_model_state"], _USER_MODEL, lambda name: report(f"user_model_state.{name}"))
    model["concepts"] = {
        topic: repaired(concept, _CONCEPT, lambda name: report(f"concepts.{name}"))
        for topic, concept in model["concepts"].items()
    }
    context["user_model_state"] = model
    if context["current_quiz_question"] is None or context["current_question_ref"] is None:
        # One without the other cannot be answered or drawn again.
        context |= {"current_quiz_question": None, "current_question_ref": None}
    return context
