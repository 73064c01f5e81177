"""Where boards are merged: small ones at once, large ones in a process of their own."""

import asyncio

from .apart import IN_PLACE_BYTES_MAX, work_apart
from .merge import Merged, merge_states

_PROCESSES_MAX = 2  # each takes a core, and memory of some thirty times its board


class Merger:
    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_PROCESSES_MAX)

    async def merge(self, stored: bytes | None, incoming: bytes) -> Merged:
        """Raises InvalidUpdate, NotDone."""
        is_small = len(stored or b"") + len(incoming) <= IN_PLACE_BYTES_MAX
        if is_small or stored == incoming:
            return merge_states(stored, incoming)
        async with self._places:
            state, is_complete, *news = await work_apart("merge", incoming, *([] if stored is None else [stored]))
        return Merged(state, news[0] if news else None, bool(is_complete))
