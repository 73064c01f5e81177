from random import Random
from typing import Any

import pytest

from tests.generators import entries, for_all, json_value
from tutoring.session.context import fresh_context, load_context
from tutoring.session.knowledge import analysis_of
from tutoring.session.quiz import feedback_item, read_question
from tutoring.session.user_model import fresh_user_model, update_user_model
from tutoring.store.folders import Folder

QUESTION: dict[str, Any] = {
    "question": "2+2?",
    "options": ["3", "4"],
    "correct_answer_index": 1,
    "explanation": "Count.",
    "difficulty": "easy",
    "related_section": "Sums",
}
FRESH = fresh_context("s", "u", None)


def stored_contexts(random: Random) -> Any:
    return entries(random, [*FRESH, "unknown"], 8) if random.random() < 0.7 else json_value(random)


@for_all(stored_contexts)
def test_loading_never_fails_and_always_gives_a_whole_context(stored: Any) -> None:
    context = load_context(stored, lambda name: None)
    assert context.keys() == FRESH.keys()
    assert context["user_model_state"].keys() == fresh_user_model().keys()
    assert load_context(context, lambda name: pytest.fail(f"{name} was repaired twice")) == context


def test_unfit_values_fall_back_and_are_reported() -> None:
    reported: list[str] = []
    stored = {**FRESH, "interaction_mode": "loud", "latest_turn_no": True, "session_goal": 5, "new_key": 1}
    context = load_context(stored, reported.append)
    assert (context["interaction_mode"], context["latest_turn_no"]) == ("chat_and_whiteboard", 0)
    assert sorted(reported) == ["interaction_mode", "latest_turn_no", "session_goal"]


def test_a_repaired_context_shares_nothing_with_the_stored_one() -> None:
    stored = fresh_context("s", "u", None)
    load_context(stored, lambda name: None)["layout_regions"].append({})
    assert stored["layout_regions"] == []


def test_outcomes_move_the_model() -> None:
    model = fresh_user_model()
    assert update_user_model(model, "Sums", "correct", None) == pytest.approx(2 / 3 - 1 / 2)
    assert update_user_model(model, "Sums", "incorrect", "5") < 0
    assert update_user_model(model, "Sums", "incorrect", "5") < 0
    assert update_user_model(model, "Sums", "explained", None) == 0
    concept = model["concepts"]["Sums"]
    assert [concept[key] for key in ("alpha", "beta", "attempts", "confusion_points")] == [2, 3, 4, ["5"]]
    assert concept["last_interaction_outcome"] == "explained"
    assert (model["current_topic"], model["overall_progress"]) == ("Sums", 0)


def test_long_topics_are_cut_and_blank_details_left_out() -> None:
    model = fresh_user_model()
    update_user_model(model, "é" * 300, "incorrect", " \u3000")
    assert model["concepts"]["é" * 200]["confusion_points"] == []


@pytest.mark.parametrize(
    "change",
    [
        {"question": None},
        {"options": ["one"]},
        {"options": ["x"] * 9},
        {"options": ["a", 5]},
        {"correct_answer_index": 2},
        {"correct_answer_index": -1},
        {"correct_answer_index": 0.5},
        {"correct_answer_index": True},
        {"explanation": 5},
    ],
)
def test_an_invalid_question_is_none(change: dict[str, Any]) -> None:
    assert read_question({**QUESTION, **change}) is None


def test_a_valid_question_keeps_its_six_keys() -> None:
    assert read_question({**QUESTION, "correct_answer_index": 1.0, "hint": "x"}) == QUESTION


def test_feedback_says_what_to_do_next() -> None:
    right, wrong = feedback_item(QUESTION, 0, 1), feedback_item(QUESTION, 0, 0)
    assert (right["is_correct"], right["improvement_suggestion"]) == (True, "Great work!")
    assert (wrong["user_selected_option"], wrong["improvement_suggestion"]) == ("3", "Review this concept again.")


KNOWLEDGE = (
    "intro\r\nKEY CONCEPTS:\n - not a bullet\n* osmosis\n\n  - water\nCONCEPT DETAILS:\n- x\n KEY TERMS GLOSSARY: \n"
    "cell: the unit: of life\nnothing\nFILES:\na.txt\n--- Session summary 1 ---\nb.txt"
)


def test_a_knowledge_base_is_read_by_its_headings() -> None:
    analysis = analysis_of(KNOWLEDGE, None)
    assert analysis["key_concepts"] == ["not a bullet", "osmosis", "water"]
    assert analysis["key_terms"] == {"cell": "the unit: of life"}
    assert (analysis["file_names"], analysis["vector_store_id"]) == (["a.txt"], "")
    assert analysis["analysis_text"] == KNOWLEDGE


def test_a_session_of_a_folder_starts_with_its_knowledge() -> None:
    context = fresh_context("s", "u", Folder("f", "u", "name", "vs_1", "FILES:\na.txt", 0))
    assert (context["folder_id"], context["vector_store_id"]) == ("f", "vs_1")
    assert context["analysis_result"]["file_names"] == ["a.txt"]
    assert load_context(context, lambda name: pytest.fail(name)) == context
