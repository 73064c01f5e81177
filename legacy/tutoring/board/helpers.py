"""Board lists for the model and the spatial index (contract services.md §12)."""

from typing import Any

from .content import is_number, metadata_of

Entry = tuple[float, float, float, float]


def compress_board_objects(objects: list[Any], strategy: str = "ids+tags+bbox") -> list[dict[str, Any]]:
    if strategy != "ids+tags+bbox":
        return []
    return [_compressed(entry) for entry in objects if isinstance(entry, dict) and _has_id(entry)]


def _has_id(entry: dict[str, Any]) -> bool:
    return isinstance(entry.get("id"), str) and entry["id"] != ""


def _compressed(entry: dict[str, Any]) -> dict[str, Any]:
    metadata, result = metadata_of(entry), {"id": entry["id"]}
    tags, bbox = metadata.get("semantic_tags"), metadata.get("bbox")
    if isinstance(tags, list) and tags:
        result["tags"] = tags
    if isinstance(bbox, list) and len(bbox) == 4:
        result["bbox"] = bbox
    return result


def _edge(start: float, size: Any) -> float:
    return start + size if is_number(size) else start


class SpatialIndex:
    """Closed intervals: touching boxes match. Results come in insertion order."""

    def __init__(self) -> None:
        self._boxes: dict[str, Entry] = {}

    def add(self, key: str, entry: dict[str, Any]) -> None:
        """Objects without numeric x and y (percentage-only positions) are not indexed."""
        x, y = entry.get("x"), entry.get("y")
        if not (is_number(x) and is_number(y)):
            return
        right, bottom = _edge(x, entry.get("width")), _edge(y, entry.get("height"))
        self._boxes[key] = (x, y, right, bottom)

    def remove(self, key: str) -> None:
        self._boxes.pop(key, None)

    def clear(self) -> None:
        self._boxes.clear()

    def query(self, x: float, y: float, width: float, height: float) -> list[str]:
        right, bottom = x + width, y + height
        return [
            key
            for key, box in self._boxes.items()
            if box[0] <= right and box[2] >= x and box[1] <= bottom and box[3] >= y
        ]
