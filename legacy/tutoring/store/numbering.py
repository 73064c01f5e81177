"""Row numbers of journal rows of the other arm, found by the ids that are derived from them (contract G4)."""

from collections.abc import Iterable

from sqlalchemy import func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from ..ids import derived
from .kinds import Kind

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


class RowNumbers:
    """Numbers for the journal rows of some changes: what is stored is asked for once, for all of them together."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[str, str], Numbers] = {}
        self._of_id: dict[tuple[str, str], tuple[str, int]] = {}
        self._taken: dict[tuple[str, str, int], str] = {}

    @classmethod
    async def read(cls, tx: AsyncConnection, rows: Iterable[tuple[Kind, str, str]]) -> "RowNumbers":
        """`rows`: kind, id and session."""
        made = cls()
        ids: dict[Kind, dict[str, str]] = {}
        for kind, row_id, session_id in rows:
            ids.setdefault(kind, {})[row_id] = session_id
        for kind, sessions_of in ids.items():
            await made._read(tx, kind, sessions_of)
        return made

    async def _read(self, tx: AsyncConnection, kind: Kind, sessions_of: dict[str, str]) -> None:
        assert kind.numbered_as is not None
        columns = kind.table.c
        place = select(columns.id, columns.session_id, columns.row_no)
        for row in await tx.execute(place.where(columns.id.in_(list(sessions_of)))):
            self.note(kind, row.id, row.session_id, row.row_no)
        new = {row_id: session for row_id, session in sessions_of.items() if self.of(kind, row_id, session) is None}
        if not new:
            return
        in_sessions = set(new.values())
        highest = select(columns.session_id, func.max(columns.row_no)).group_by(columns.session_id)
        found = await tx.execute(highest.where(columns.session_id.in_(in_sessions)))
        known: dict[str, int] = dict(found.all())
        for session_id in in_sessions:
            self._numbers[kind.name, session_id] = Numbers(kind.numbered_as, session_id, known.get(session_id, 0))
        places = [(session, number) for row_id, session in new.items() if (number := self._find(kind, row_id, session))]
        for row in await tx.execute(place.where(tuple_(columns.session_id, columns.row_no).in_(places))):
            self.note(kind, row.id, row.session_id, row.row_no)

    def _find(self, kind: Kind, row_id: str, session_id: str) -> int | None:
        return self._numbers[kind.name, session_id].find(row_id)

    def of(self, kind: Kind, row_id: str, session_id: str) -> int | None:
        """Of a row that is stored."""
        found = self._of_id.get((kind.name, row_id))
        return found[1] if found is not None and found[0] == session_id else None

    def free(self, kind: Kind, row_id: str, session_id: str) -> int | None:
        """The number of which the id is made, if no other row of its session has it. For a row that was asked for."""
        number = self._find(kind, row_id, session_id) if (kind.name, session_id) in self._numbers else None
        return None if number is None or (kind.name, session_id, number) in self._taken else number

    def note(self, kind: Kind, row_id: str, session_id: str, number: int) -> None:
        """A row that is stored."""
        self._of_id[kind.name, row_id] = session_id, number
        self._taken[kind.name, session_id, number] = row_id

    def forget(self, kind: Kind, row_id: str) -> None:
        """A row that is gone."""
        found = self._of_id.pop((kind.name, row_id), None)
        if found is not None:
            self._taken.pop((kind.name, *found), None)
