"""The kinds of rows that both arms share (contract rest.md §7, models.md §8): one table, one line for each kind."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, tuple_

from . import tables

REMEMBERED_MS = 24 * 3_600_000  # finished frame ids (contract tutor-socket.md §6)
_ROWS_AT_ONCE = 50


@dataclass(frozen=True)
class Kind:
    """How the rows of one table travel.

    `unsent` columns are this arm's own, `undigested` ones travel but count in no digest. `owner` is the column of the
    user; without it the session's user owns the row. `is_of_session`: the row goes with its session. `numbered_as`: the
    word the row's id is derived with, from its session and number. `is_kept(now)`: rows before their retention's end.
    """

    table: Table
    owner: str | None = "user_id"
    is_of_session: bool = False
    unsent: frozenset[str] = frozenset()
    undigested: frozenset[str] = frozenset()
    numbered_as: str | None = None
    at_once: int = _ROWS_AT_ONCE
    is_kept: Callable[[int], ColumnElement[bool]] | None = field(default=None, compare=False)

    @property
    def name(self) -> str:
        return self.table.name

    @cached_property
    def key(self) -> tuple[Column[Any], ...]:
        return tuple(self.table.primary_key.columns)

    @cached_property
    def columns(self) -> tuple[Column[Any], ...]:
        return tuple(column for column in self.table.columns if column.name not in self.unsent)

    @cached_property
    def session(self) -> Column[Any] | None:
        """The column of the session whose queue the row's writes belong to."""
        return self.table.c.id if self.name == "sessions" else self.table.c.get("session_id")

    def key_text(self, row: Mapping[str, Any]) -> str:
        return "/".join(str(row[column.name]) for column in self.key)

    def is_one_of(self, keys: Sequence[tuple[Any, ...]]) -> ColumnElement[bool]:
        if len(self.key) == 1:
            return self.key[0].in_([key[0] for key in keys])
        return tuple_(*self.key).in_(keys)


_JOURNAL = frozenset({"row_no", "client_message_id"})

# Parents before children: rows without bookkeeping get it in this order.
KINDS = (
    Kind(tables.accounts, owner="id", undigested=frozenset({"password"})),
    Kind(tables.revoked_tokens, is_kept=lambda now: tables.revoked_tokens.c.expires_at > now),
    Kind(tables.folders),
    Kind(tables.sessions),
    Kind(tables.session_messages, owner=None, is_of_session=True),
    Kind(tables.whiteboard_snapshots, owner=None, is_of_session=True),
    Kind(tables.yjs_snapshots, owner=None, is_of_session=True, at_once=1),  # up to 32 MiB each
    Kind(tables.interaction_logs, is_of_session=True, unsent=_JOURNAL, numbered_as="log"),
    # Learning outlives its session (contract models.md §8).
    Kind(tables.concept_events, unsent=_JOURNAL, numbered_as="concept_event"),
    Kind(
        tables.processed_messages,
        owner=None,
        is_of_session=True,
        is_kept=lambda now: tables.processed_messages.c.created_at > now - REMEMBERED_MS,
    ),
)
KIND_OF_TABLE = {kind.table: kind for kind in KINDS}
KIND_OF_NAME = {kind.name: kind for kind in KINDS}
SORTED_KINDS = sorted(KINDS, key=lambda kind: kind.name)
