"""Lookup and ownership: a foreign object is answered like an unknown one (contract G8)."""

from sqlalchemy.ext.asyncio import AsyncConnection

from ..errors import ApiError, not_found
from ..store import folders, sessions
from ..store.folders import Folder
from ..store.sessions import SessionRow
from .call import Call


def _is_owner(call: Call, owner: str) -> bool:
    return owner == call.user_id or call.faults.fires("skip-ownership") is not None


async def find_folder(call: Call, tx: AsyncConnection) -> Folder:
    folder = await folders.find(tx, call.ids["folder_id"], call.as_of)
    if folder is None or not _is_owner(call, folder.user_id):
        raise not_found("Folder not found")
    return folder


async def find_session(call: Call, tx: AsyncConnection) -> SessionRow:
    session = await sessions.find(tx, call.ids["session_id"], call.as_of)
    if session is None or not _is_owner(call, session.user_id):
        raise not_found("Session not found")
    return session


async def find_session_or_forbid(call: Call, tx: AsyncConnection) -> SessionRow:
    """R8 says 403 where the others say 404; foreign and unknown stay alike."""
    try:
        return await find_session(call, tx)
    except ApiError as refusal:
        raise ApiError(403, None, "Session not found") from refusal
