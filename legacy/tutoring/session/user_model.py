"""The learner model (contract models.md §2)."""

from typing import Any

from .. import clock
from ..text import is_blank

OUTCOMES = frozenset({"correct", "incorrect", "explained", "unsure", "clarification_needed"})
TOPIC_MAX = 200


def fresh_user_model() -> dict[str, Any]:
    return {
        "concepts": {},
        "overall_progress": 0.0,
        "current_topic": None,
        "current_topic_segment_index": 0,
        "learning_pace_factor": 1.0,
        "preferred_interaction_style": None,
        "session_summary_notes": [],
        "current_section_objectives": [],
        "mastered_objectives_current_section": [],
        "pending_interaction_type": None,
        "pending_interaction_details": None,
    }


def fresh_concept() -> dict[str, Any]:
    return {
        "alpha": 1,
        "beta": 1,
        "last_interaction_outcome": None,
        "attempts": 0,
        "confusion_points": [],
        "last_accessed": None,
    }


def mastery(concept: dict[str, Any]) -> float:
    alpha, beta = concept["alpha"], concept["beta"]
    return float(alpha / (alpha + beta)) if alpha + beta else 0.5


def update_user_model(model: dict[str, Any], topic: str, outcome: str, details: str | None) -> float:
    """Applies one outcome in place; returns the change of mastery."""
    assert outcome in OUTCOMES, "callers refuse other outcomes as bad arguments"
    topic = topic[:TOPIC_MAX]
    concept = model["concepts"].setdefault(topic, fresh_concept())
    before = mastery(concept)
    if outcome == "correct":
        concept["alpha"] += 1
    elif outcome == "incorrect":
        concept["beta"] += 1
        if details and not is_blank(details) and details not in concept["confusion_points"]:
            concept["confusion_points"].append(details)
    concept["attempts"] += 1
    concept["last_interaction_outcome"] = outcome
    concept["last_accessed"] = clock.ts(clock.now_ms())
    model["current_topic"] = topic
    return mastery(concept) - before
