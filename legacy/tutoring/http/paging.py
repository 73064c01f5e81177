"""Pages that a cursor continues: R19, R33 (contract rest.md §§3, 5)."""

from collections.abc import Sequence
from typing import Any, Protocol

from .validation import Fields


class _Row(Protocol):
    @property
    def id(self) -> str: ...


def read_page(query: dict[str, Any], most: int, cursor: str) -> tuple[int, str | None]:
    """The limit, and the id where the page goes on."""
    fields = Fields(query, "query")
    limit = fields.integer("limit", 50, 1, most)
    fields.done()
    return limit, query.get(cursor)


def next_of(rows: Sequence[_Row], limit: int) -> str | None:
    """The cursor of the page behind the first `limit` rows; null when there is no further row."""
    return rows[limit - 1].id if len(rows) > limit else None
