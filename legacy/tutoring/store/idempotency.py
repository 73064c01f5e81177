"""Records of keyed requests (contract G10)."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .. import clock
from .tables import idempotency

KEPT_MS = 24 * 3_600_000


@dataclass(frozen=True)
class Scope:
    user_id: str
    method: str
    path: str
    key: str


@dataclass(frozen=True)
class Record:
    fingerprint: str
    status: int
    body: Any


async def find(tx: AsyncConnection, scope: Scope) -> Record | None:
    table = idempotency
    query = select(table.c.fingerprint, table.c.status, table.c.body).filter_by(**vars(scope))
    row = (await tx.execute(query.where(table.c.created_at > clock.now_ms() - KEPT_MS))).one_or_none()
    return Record(*row) if row else None


async def add(tx: AsyncConnection, scope: Scope, record: Record) -> None:
    """Raises IntegrityError when another process has just stored the same key."""
    outlived = delete(idempotency).filter_by(**vars(scope)).where(idempotency.c.created_at <= clock.now_ms() - KEPT_MS)
    await tx.execute(outlived)
    await tx.execute(insert(idempotency).values(**vars(scope), **vars(record), created_at=clock.now_ms()))
