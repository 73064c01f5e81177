"""Rows of a kind as both arms show them to each other (contract rest.md §7)."""

import base64
from collections.abc import AsyncIterator, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from .kinds import SORTED_KINDS, Kind
from .tables import sessions

Key = tuple[Any, ...]
Row = dict[str, Any]
Batch = tuple[Kind, list[tuple[str, Row]]]


async def rows_by_key(tx: AsyncConnection, kind: Kind, keys: Sequence[Key]) -> dict[str, Row]:
    """The rows there are, by the text of their key; binary values as base64."""
    found: dict[str, Row] = {}
    for first in range(0, len(keys), kind.at_once):
        some = kind.is_one_of(keys[first : first + kind.at_once])
        for mapping in (await tx.execute(select(*kind.columns).where(some))).mappings():
            row = {name: _sent(value) for name, value in mapping.items()}
            found[kind.key_text(row)] = row
    return found


def _sent(value: Any) -> Any:
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def key_of(kind: Kind, text: str) -> Key | None:
    """The values of a key text; None when it does not fit. Only the last part may hold a `/`."""
    parts = text.split("/", len(kind.key) - 1)
    if len(parts) != len(kind.key):
        return None
    values = [_part(column.type.python_type, part) for column, part in zip(kind.key, parts, strict=True)]
    return None if None in values else tuple(values)


def _part(python_type: type, text: str) -> Any:
    if python_type is not int:
        return text or None
    is_number = text.isascii() and text.isdigit() and len(text) < 11 and text == str(int(text))
    return int(text) if is_number else None


async def rows_of_user(tx: AsyncConnection, user_id: str, now: int) -> AsyncIterator[Batch]:
    """Everything a user has, in batches: kinds by name, rows by the text of their key."""
    for kind in SORTED_KINDS:
        # Sorted here: a database may sort text by another rule, and some text is stored marked (columns.SafeText).
        keys = sorted([(kind.key_text(row), tuple(row.values())) for row in await _keys(tx, kind, user_id, now)])
        for first in range(0, len(keys), kind.at_once):
            some = keys[first : first + kind.at_once]
            rows = await rows_by_key(tx, kind, [key for _, key in some])
            yield kind, [(text, rows[text]) for text, _ in some]


async def _keys(tx: AsyncConnection, kind: Kind, user_id: str, now: int) -> list[Row]:
    query = select(*kind.key)
    if kind.owner is None:
        query = query.join(sessions, sessions.c.id == kind.table.c.session_id).where(sessions.c.user_id == user_id)
    else:
        query = query.where(kind.table.c[kind.owner] == user_id)
    if kind.is_kept is not None:
        query = query.where(kind.is_kept(now))
    return [dict(row) for row in (await tx.execute(query)).mappings()]
