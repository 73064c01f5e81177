"""Fingerprints of everything a user has, equal on both arms for equal data (contract rest.md §7)."""

import base64
import hashlib
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from .. import clock
from ..board.apart import IN_PLACE_BYTES_MAX, work_apart
from ..jsonwire import dump_bytes, fingerprint
from . import feed
from .kinds import SORTED_KINDS, Kind
from .reading import Row, rows_of_user
from .texts import Texts, texts_of, texts_of_board


class _ListHash:
    """SHA-256 of CJ of a list that is never whole in memory."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256(b"[")
        self.count = 0

    def add(self, text: bytes) -> None:
        self._hash.update(b"," if self.count else b"")
        self._hash.update(text)
        self.count += 1

    def hexdigest(self) -> str:
        ended = self._hash.copy()
        ended.update(b"]")
        return ended.hexdigest()


class Digest:
    """Takes rows kind by kind, each kind's sorted by key."""

    def __init__(self) -> None:
        self._full = {kind.name: _ListHash() for kind in SORTED_KINDS}
        self._timeless = {kind.name: _ListHash() for kind in SORTED_KINDS}

    async def add(self, kind: Kind, row: Row) -> None:
        full, timeless = await _texts(kind, row)
        self._full[kind.name].add(full)
        self._timeless[kind.name].add(timeless)

    def sections(self) -> dict[str, dict[str, Any]]:
        return {
            name: {"count": full.count, "hash": self._timeless[name].hexdigest(), "full_hash": full.hexdigest()}
            for name, full in self._full.items()
        }

    @property
    def full_hash(self) -> str:
        return fingerprint([full.hexdigest() for full in self._full.values()])

    @property
    def hash(self) -> str:
        return fingerprint([timeless.hexdigest() for timeless in self._timeless.values()])


async def _texts(kind: Kind, row: Row) -> Texts:
    shown = {name: value for name, value in row.items() if name not in kind.undigested}
    if kind.name != "yjs_snapshots":
        return texts_of(shown)
    state = base64.b64decode(shown.pop("state"))
    if len(state) <= IN_PLACE_BYTES_MAX:
        return texts_of_board(shown, state)
    full, timeless = await work_apart("show", dump_bytes(shown), state)
    return full, timeless


async def digest(tx: AsyncConnection, user_id: str) -> dict[str, Any]:
    made = Digest()
    async for kind, rows in rows_of_user(tx, user_id, clock.now_ms()):
        for _, row in rows:
            await made.add(kind, row)
    last, _ = await feed.bounds(tx)
    return {
        "user_id": user_id,
        "cursor": last,
        "sections": made.sections(),
        "hash": made.hash,
        "full_hash": made.full_hash,
    }
