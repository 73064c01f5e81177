"""R22: how full and how shared the board is (contract rest.md §4)."""

from collections import Counter
from itertools import combinations
from typing import Any

from ..layout.allocator import BOARD_HEIGHT, BOARD_WIDTH
from ..rounding import r4
from ..text import is_blank
from .content import BoardContent, Box, metadata_of, strict_box


def board_insights(content: BoardContent, snapshot_count: int) -> dict[str, Any]:
    entries = list(content.objects.values())
    boxes = [box for entry in entries if (box := strict_box(entry))]
    concepts = Counter(
        concept for entry in entries if isinstance(concept := metadata_of(entry).get("concept"), str)
        and not is_blank(concept)
    )  # fmt: skip
    by_learner = sum(metadata_of(entry).get("source") == "user" for entry in entries)
    return {
        "object_count": len(entries),
        "text_chars": sum(len(entry["text"]) for entry in entries if isinstance(entry.get("text"), str)),
        "coverage": r4(min(1.0, sum(box.area for box in boxes) / (BOARD_WIDTH * BOARD_HEIGHT))),
        "overlaps": _overlaps(boxes),
        "concepts": [
            {"concept": concept, "count": count}
            for concept, count in sorted(concepts.items(), key=lambda pair: (-pair[1], pair[0]))
        ],
        "learner_share": r4(by_learner / len(entries)) if entries else 0.0,
        "snapshot_count": snapshot_count,
    }


def _overlaps(boxes: list[Box]) -> int:
    return sum(one.overlaps(other) for one, other in combinations(boxes, 2))
