"""Asking the learner's board for its state in the middle of a turn (contract tutor-socket.md §8)."""

import asyncio
from typing import Any

from ..ids import did
from ..text import is_blank
from ..tools.turn import Turn
from .envelope import TurnError
from .live import Client, LiveSession

WAIT_S = 20.0


async def request_board_state(live: LiveSession, client: Client, turn: Turn) -> list[Any]:
    """O4 to the requesting socket; any socket of the session may answer. Raises TurnError."""
    request_id = did("board_request", turn.session_id, turn.turn_no, turn.step)
    answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    live.board_requests[request_id] = answer
    try:
        client.send_frame({"type": "REQUEST_BOARD_STATE", "request_id": request_id})
        async with asyncio.timeout(WAIT_S):
            response = await answer
    except TimeoutError as late:
        raise TurnError("BOARD_STATE_TIMEOUT") from late
    finally:
        del live.board_requests[request_id]
    payload, error = response.get("payload"), response.get("error")
    # An error that is not text is an error too; only an absent, null or blank one is none.
    is_error = error is not None and not (isinstance(error, str) and is_blank(error))
    if is_error or not isinstance(payload, list):
        raise TurnError("BOARD_STATE_ERROR")
    return payload


def take_board_state(live: LiveSession, frame: dict[str, Any]) -> None:
    """Unknown and late ids are ignored."""
    request_id = frame.get("request_id")
    waiting = live.board_requests.get(request_id) if isinstance(request_id, str) else None
    if waiting is not None and not waiting.done():
        waiting.set_result(frame)
