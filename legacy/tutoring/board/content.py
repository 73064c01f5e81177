"""A board's plain content, and the numbers and boxes its reads need."""

import base64
import math
import re
from dataclasses import dataclass
from typing import Any, TypeGuard

_NUMERIC = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")


@dataclass(frozen=True)
class BoardContent:
    """Plain JSON of the two root maps; values that are not plain objects are left out of `objects`."""

    objects: dict[str, dict[str, Any]]
    ephemeral: dict[str, Any]
    has_objects: bool


@dataclass(frozen=True)
class Box:
    left: float
    top: float
    right: float
    bottom: float

    def joined(self, other: "Box") -> "Box":
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    @property
    def area(self) -> float:
        return (self.right - self.left) * (self.bottom - self.top)

    def overlaps(self, other: "Box") -> bool:
        """Positive common area."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        return width > 0 and height > 0


def is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def plain(value: Any) -> Any:
    """A value of a Yjs document as JSON. What JSON cannot hold: bytes become base64, other numbers null."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def metadata_of(entry: Any) -> dict[str, Any]:
    metadata = entry.get("metadata") if isinstance(entry, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def coordinate(value: Any) -> float | None:
    """Missing or falsy is 0, numeric text counts; None for anything else."""
    if not value:
        return 0.0
    if is_number(value):
        return float(value)
    if isinstance(value, str) and _NUMERIC.fullmatch(value):
        number = float(value)
        return number if math.isfinite(number) else None
    return None


def lenient_box(entry: dict[str, Any]) -> Box | None:
    """The box of R8: from x, y, width, height with missing ones as 0."""
    numbers = [coordinate(entry.get(name)) for name in ("x", "y", "width", "height")]
    if any(number is None for number in numbers):
        return None
    x, y, width, height = (number or 0.0 for number in numbers)
    return Box(x, y, x + width, y + height)


def strict_box(entry: dict[str, Any]) -> Box | None:
    """The box of an object whose four numbers are all there."""
    if not all(is_number(entry.get(name)) for name in ("x", "y", "width", "height")):
        return None
    return lenient_box(entry)


def is_alive(entry: Any, now_ms: int) -> bool:
    """An entry of `ephemeral` that has not expired; no numeric `expiresAt` means no expiry."""
    expires = metadata_of(entry).get("expiresAt")
    return not (is_number(expires) and expires < now_ms)
