"""Work with large boards, in a process of its own: everybody else is served meanwhile (handoff.md §7.2 Y5)."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from pathlib import Path
from typing import Literal

from .document import InvalidUpdate
from .frames import UNREADABLE, join, split

IN_PLACE_BYTES_MAX = 1024 * 1024  # up to here it takes less than starting a process does
_SECONDS_MAX = 40.0  # below what a relay waits for an answer
_ROOT = Path(__file__).resolve().parents[2]


class NotDone(Exception):
    """The process ended without an answer: trying again would end the same way."""


async def work_apart(work: Literal["merge", "show"], *parts: bytes) -> list[bytes]:
    """What process.py says of it. Raises InvalidUpdate, NotDone."""
    command = (sys.executable, "-m", "tutoring.board.process", work)
    process = await asyncio.create_subprocess_exec(*command, cwd=_ROOT, stdin=PIPE, stdout=PIPE, stderr=DEVNULL)
    try:
        async with asyncio.timeout(_SECONDS_MAX):
            answer, _ = await process.communicate(join(parts))
    except TimeoutError as late:
        raise NotDone("the board takes too long") from late
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode == UNREADABLE:
        raise InvalidUpdate("a state cannot be read")
    if process.returncode != 0:
        raise NotDone("the board cannot be worked on")
    return split(answer)
