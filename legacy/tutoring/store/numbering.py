"""Row numbers of journal rows of the other arm, found by the ids that are derived from them (contract G4)."""

from sqlalchemy import Table, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from ..ids import derived

TRIES_MAX = 1000


class Numbers:
    """Of one session in one table; every id is derived once, whatever order the rows come in."""

    def __init__(self, word: str, session_id: str, highest: int) -> None:
        self._word = word
        self._session_id = session_id
        self._highest = highest
        self._up, self._down = highest + 1, highest
        self._known: dict[str, int] = {}

    def find(self, row_id: str) -> int | None:
        """Upward from the highest number, which is where a new row is; then downward."""
        number = self._known.get(row_id) or self._search(row_id)
        self._highest = max(self._highest, number or 0)
        return number

    def _search(self, row_id: str) -> int | None:
        while self._up <= self._highest + TRIES_MAX:
            self._up += 1
            if self._derive(self._up - 1) == row_id:
                return self._up - 1
        while self._down > 0:
            self._down -= 1
            if self._derive(self._down + 1) == row_id:
                return self._down + 1
        return None

    def _derive(self, number: int) -> str:
        row_id = derived(self._word, self._session_id, number)
        self._known[row_id] = number
        return row_id


async def numbers_of(tx: AsyncConnection, table: Table, word: str, session_id: str) -> Numbers:
    highest = select(func.max(table.c.row_no)).where(table.c.session_id == session_id)
    return Numbers(word, session_id, int((await tx.execute(highest)).scalar() or 0))
