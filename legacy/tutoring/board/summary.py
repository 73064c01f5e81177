"""R8: what is on the board, in numbers (contract rest.md §4)."""

from collections import Counter
from typing import Any

from ..text import is_blank
from .content import BoardContent, Box, is_alive, is_number, lenient_box, metadata_of


def board_summary(content: BoardContent, now_ms: int) -> dict[str, Any]:
    alive = {key: entry for key, entry in content.ephemeral.items() if is_alive(entry, now_ms)}
    is_empty = not content.has_objects and not alive
    summary: dict[str, Any] = {
        "counts": {
            "by_kind": dict(Counter(_word(entry.get("kind")) for entry in content.objects.values())),
            "by_owner": dict(Counter(_word(metadata_of(entry).get("source")) for entry in content.objects.values())),
        },
        "learner_question_tags": _question_tags(content.objects),
        "concept_clusters": _clusters(content.objects),
    }
    plain = {key: entry for key, entry in alive.items() if isinstance(entry, dict)}
    return summary if is_empty else {**summary, "ephemeralSummary": _ephemeral(plain)}


def _word(value: Any) -> str:
    return value if isinstance(value, str) else "unknown"


def _question_tags(objects: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"id": key, "x": entry.get("x"), "y": entry.get("y"), "meta": metadata_of(entry)}
        for key, entry in sorted(objects.items())
        if metadata_of(entry).get("role") == "question_tag"
    ]


def _clusters(objects: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    boxes: dict[str, list[Box]] = {}
    for entry in objects.values():
        concept, box = metadata_of(entry).get("concept"), lenient_box(entry)
        if isinstance(concept, str) and not is_blank(concept) and box is not None:
            boxes.setdefault(concept, []).append(box)
    return [
        {"concept": concept, "bbox": _union(boxes[concept]), "count": len(boxes[concept])} for concept in sorted(boxes)
    ]


def _union(boxes: list[Box]) -> list[float]:
    union = boxes[0]
    for box in boxes[1:]:
        union = union.joined(box)
    return [float(union.left), float(union.top), float(union.right), float(union.bottom)]


def _ephemeral(entries: dict[str, dict[str, Any]]) -> dict[str, Any]:
    tags = [key for key, entry in sorted(entries.items()) if entry.get("kind") == "question_tag"]
    return {
        "activeHighlights": sum(entry.get("kind") == "highlight_stroke" for entry in entries.values()),
        "activeQuestionTags": [
            {"id": key, "linkedObjectId": metadata_of(entries[key]).get("linkedObjectId")} for key in tags
        ],
        "recentPointer": _recent_pointer(entries),
    }


def _recent_pointer(entries: dict[str, dict[str, Any]]) -> dict[str, Any] | None:
    def recency(key: str) -> tuple[float, str]:
        expires = metadata_of(entries[key]).get("expiresAt")
        return (float(expires) if is_number(expires) else float("-inf"), key)

    pointers = [key for key, entry in entries.items() if entry.get("kind") == "pointer_ping"]
    if not pointers:
        return None
    newest = entries[max(pointers, key=recency)]
    return {"x": newest.get("x"), "y": newest.get("y"), "meta": metadata_of(newest)}
