"""Multiple-choice questions and their feedback (contract models.md §3)."""

from typing import Any

OPTIONS_MIN, OPTIONS_MAX = 2, 8
_TEXTS = ("question", "explanation", "difficulty", "related_section")


def read_question(value: Any) -> dict[str, Any] | None:
    """A valid QuizQuestion with exactly its six keys, or None."""
    if not isinstance(value, dict) or not all(isinstance(value.get(name), str) for name in _TEXTS):
        return None
    options, answer = value.get("options"), value.get("correct_answer_index")
    if not isinstance(options, list) or not OPTIONS_MIN <= len(options) <= OPTIONS_MAX:
        return None
    if not all(isinstance(option, str) for option in options) or not is_integral(answer):
        return None
    assert isinstance(answer, int | float)
    if not 0 <= answer < len(options):
        return None
    return {
        "question": value["question"],
        "options": options,
        "correct_answer_index": int(answer),
        "explanation": value["explanation"],
        "difficulty": value["difficulty"],
        "related_section": value["related_section"],
    }


def is_integral(value: Any) -> bool:
    return not isinstance(value, bool) and isinstance(value, int | float) and float(value).is_integer()


def feedback_item(question: dict[str, Any], index: int, chosen: int) -> dict[str, Any]:
    options, right = question["options"], question["correct_answer_index"]
    is_correct = chosen == right
    return {
        "question_index": index,
        "question_text": question["question"],
        "user_selected_option": options[chosen],
        "is_correct": is_correct,
        "correct_option": options[right],
        "explanation": question["explanation"],
        "improvement_suggestion": "Great work!" if is_correct else "Review this concept again.",
    }
