"""What is kept for a limited time goes: keys and frame ids after 24 h, revocations after the token's own end,
tombstones after 7 days."""

import asyncio

from sqlalchemy import ColumnElement, Table, delete

from .. import clock
from ..errors import StoreUnavailable
from ..logs import Log
from . import feed, rows
from .engine import Store
from .idempotency import KEPT_MS
from .messages import REMEMBERED_MS
from .tables import idempotency, processed_messages, revoked_tokens

_EVERY_S = 3600
_LEEWAY_MS = 60_000


async def purge(store: Store) -> None:
    now = int(clock.true_unix() * 1000)
    async with store.write() as tx:
        await tx.execute(delete(idempotency).where(idempotency.c.created_at <= now - KEPT_MS))
    await _purge(store, processed_messages, processed_messages.c.created_at <= now - REMEMBERED_MS)
    await _purge(store, revoked_tokens, revoked_tokens.c.expires_at <= now - _LEEWAY_MS)
    async with store.read() as tx:
        horizon = await feed.next_horizon(tx, now)
    async with store.write() as tx:
        await feed.drop_until(tx, horizon)


async def _purge(store: Store, table: Table, where: ColumnElement[bool]) -> None:
    is_more = True
    while is_more:
        async with store.write() as tx:
            is_more = await rows.purge(tx, table, where)


async def purge_forever(store: Store, log: Log) -> None:
    while True:
        try:
            await purge(store)
        except StoreUnavailable:
            log.warn("purge failed; it is tried again later")
        await asyncio.sleep(_EVERY_S)
