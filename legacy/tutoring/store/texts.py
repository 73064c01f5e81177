"""What a digest hashes of a row (contract rest.md §7)."""

from typing import Any

from ..board.document import BoardDocument
from ..jsonwire import canonical

# What differs when both arms process the same inputs.
_TIMES = frozenset(
    {
        "created_at",
        "updated_at",
        "ended_at",
        "submitted_at",
        "last_accessed",
        "last_active",
        "timestamp",
        "time",
        "response_time_ms",
        "session_duration_seconds",
    }
)

Texts = tuple[bytes, bytes]  # the canonical row, and the same without times


def without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if key not in _TIMES}
    return [without_times(item) for item in value] if isinstance(value, list) else value


def texts_of(shown: dict[str, Any]) -> Texts:
    return canonical(shown).encode(), canonical(without_times(shown)).encode()


def texts_of_board(columns: dict[str, Any], state: bytes) -> Texts:
    """The row of a board, which shows what is on it. Raises InvalidUpdate."""
    return texts_of({**columns, "state": BoardDocument(state, is_watched=False).plain()})
