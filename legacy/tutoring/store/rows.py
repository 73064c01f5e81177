"""The only way the store modules write rows of a kind: data and feed change together."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Insert, Table, delete, insert, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from . import feed
from .dialect import upsert
from .kinds import KIND_OF_TABLE, Kind

_PURGED_AT_ONCE = 500


async def add(tx: AsyncConnection, table: Table, **values: Any) -> None:
    """A new row. Raises IntegrityError when the key is taken."""
    await tx.execute(insert(table).values(**values))
    feed.note_row(tx, table, values)


async def replace(tx: AsyncConnection, table: Table, **values: Any) -> None:
    """A row in place of the one with the same key, if there is one."""
    kind = KIND_OF_TABLE[table]
    await tx.execute(delete(table).where(*(column == values[column.name] for column in kind.key)))
    await add(tx, table, **values)


async def put(tx: AsyncConnection, kind: Kind, values: Sequence[dict[str, Any]]) -> None:
    """Rows of the other arm, new or in place of ours; all name the same columns, and those they do not name stay. Their
    bookkeeping is the caller's: they have a stamp already."""
    if values:
        await tx.execute(_put(tx.dialect.name, kind), values)


@cache
def _put(engine: str, kind: Kind) -> Insert:
    made = upsert(engine, kind.table)
    new = {column.name: made.excluded[column.name] for column in kind.columns}
    return made.on_conflict_do_update(index_elements=list(kind.key), set_=new)


async def change(tx: AsyncConnection, table: Table, *where: ColumnElement[bool], **values: Any) -> int:
    """How many rows have changed."""
    made = update(table).where(*where).values(**values).returning(*_named(KIND_OF_TABLE[table]))
    return await _noted(tx, table, made, feed.UPSERT)


async def remove(tx: AsyncConnection, table: Table, *where: ColumnElement[bool]) -> int:
    """How many rows are gone; each leaves a tombstone."""
    made = delete(table).where(*where).returning(*_named(KIND_OF_TABLE[table]))
    return await _noted(tx, table, made, feed.DELETE)


async def purge(tx: AsyncConnection, table: Table, where: ColumnElement[bool]) -> bool:
    """Removes some rows past their retention, which is no change. False when none is left."""
    kind = KIND_OF_TABLE[table]
    some = select(*kind.key).where(where).limit(_PURGED_AT_ONCE)
    which = tuple_(*kind.key) if len(kind.key) > 1 else kind.key[0]
    gone = (await tx.execute(delete(table).where(which.in_(some)).returning(*kind.key))).mappings().all()
    await feed.forget(tx, kind, [kind.key_text(dict(row)) for row in gone])
    return len(gone) == _PURGED_AT_ONCE


def _named(kind: Kind) -> list[Any]:
    owner = [kind.table.c[kind.owner]] if kind.owner else []
    return list(dict.fromkeys([*kind.key, *owner]))


async def _noted(tx: AsyncConnection, table: Table, made: Any, op: feed.Op) -> int:
    written = (await tx.execute(made)).mappings().all()
    for row in written:
        feed.note_row(tx, table, dict(row), op)
    return len(written)
