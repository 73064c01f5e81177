"""Bookkeeping for rows that were written before there was any (contract rest.md §7)."""

from sqlalchemy import Select, Text, cast, func, insert, literal, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql import ColumnElement

from .. import ARM, clock
from . import feed
from .kinds import KINDS, Kind
from .tables import changes, sessions
from .tables import feed as feed_table


async def book_the_unbooked(tx: AsyncConnection) -> None:
    """Version 1, written by this arm. Counting is cheap, so every start can afford to look."""
    for kind in KINDS:
        rows = select(func.count()).select_from(kind.table).scalar_subquery()
        of_kind = select(func.count()).select_from(changes).where(changes.c.kind == kind.name)
        booked = of_kind.where(changes.c.op == "upsert").scalar_subquery()
        if (await tx.execute(select(rows - booked))).scalar_one() != 0:
            await _book(tx, kind)


async def _book(tx: AsyncConnection, kind: Kind) -> None:
    last, _ = await feed.bounds(tx)
    names = ("seq", "kind", "key", "user_id", "op", "version", "origin", "at", "entered_at")
    made = await tx.execute(insert(changes).from_select(names, _missing(kind, last)))
    await tx.execute(feed_table.update().values(last=last + made.rowcount))


def _missing(kind: Kind, last: int) -> Select[tuple[object, ...]]:
    key, at = _key(kind), clock.now_ms()
    is_booked = select(literal(1)).where(changes.c.kind == kind.name, type_coerce(changes.c.key, Text) == key).exists()
    owner = sessions.c.user_id if kind.owner is None else kind.table.c[kind.owner]
    number = last + func.row_number().over(order_by=kind.key)
    entered = int(clock.true_unix() * 1000)
    row = (number, literal(kind.name), key, type_coerce(owner, Text), literal("upsert"), literal(1), literal(ARM))
    query = select(*row, literal(at), literal(entered)).select_from(kind.table)
    if kind.owner is None:
        query = query.join(sessions, sessions.c.id == kind.table.c.session_id)
    return query.where(~is_booked)


def _key(kind: Kind) -> ColumnElement[str]:
    """As stored: a column that may hold a mark of its own (columns.SafeText) is never one part of several."""
    if len(kind.key) == 1:
        return type_coerce(kind.key[0], Text)
    first, second = (cast(column, Text) for column in kind.key)
    return first + "/" + second
