"""Everything of one user goes, and nothing is remembered of it (contract rest.md §7).

A shadow instance's copy of a user is made anew from the other arm: a tombstone or an old version would stand in its
way.
"""

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from .kinds import KINDS, Kind
from .tables import changes, documents, embeddings, folders, idempotency, jobs, sessions


async def sessions_of(tx: AsyncConnection, user_id: str) -> list[str]:
    return list((await tx.execute(select(sessions.c.id).where(sessions.c.user_id == user_id))).scalars())


async def clear(tx: AsyncConnection, user_id: str) -> None:
    """In one transaction: a copy that comes next meets all of the user or nothing."""
    of_folders = documents.c.folder_id.in_(select(folders.c.id).where(folders.c.user_id == user_id))
    await tx.execute(delete(embeddings).where(embeddings.c.document_id.in_(select(documents.c.id).where(of_folders))))
    await tx.execute(delete(documents).where(of_folders))
    for kind in reversed(KINDS):  # children before the sessions they are found by
        await tx.execute(delete(kind.table).where(_is_of(kind, user_id)))
    for table in (jobs, idempotency, changes):
        await tx.execute(delete(table).where(table.c.user_id == user_id))


def _is_of(kind: Kind, user_id: str) -> ColumnElement[bool]:
    if kind.owner is not None:
        return kind.table.c[kind.owner] == user_id
    return kind.table.c.session_id.in_(select(sessions.c.id).where(sessions.c.user_id == user_id))
