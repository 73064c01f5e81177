"""Reading inbound frames (contract tutor-socket.md §3)."""

import re
from dataclasses import dataclass
from typing import Any

from ..jsonwire import InvalidJson, parse
from ..session.context import MODES

TURN_TYPES = frozenset(
    {"user_message", "answer", "next", "previous", "summary", "start", "canvas_click", "end_session"}
)
IMMEDIATE_TYPES = frozenset({"ping", "heartbeat", "system_tick", "BOARD_STATE_RESPONSE"})
KNOWN_TYPES = TURN_TYPES | IMMEDIATE_TYPES
_MESSAGE_ID = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True)
class Frame:
    """`type` is None for anything that is not a JSON object with a non-empty text type."""

    type: str | None
    body: dict[str, Any]

    @property
    def metric_type(self) -> str:
        return self.type if self.type in KNOWN_TYPES else "other"

    @property
    def is_turn(self) -> bool:
        return self.type in TURN_TYPES

    @property
    def is_readable(self) -> bool:
        """False for everything that is INVALID_PAYLOAD: such a frame is never taken for a repeat."""
        if self.type is None or self.data is None or self._has_bad_message_id:
            return False
        return self.type != "user_message" or isinstance(self.data.get("text"), str)

    @property
    def message_id(self) -> str | None:
        """The usable `client_message_id`."""
        return self.body.get("client_message_id") if self.is_readable else None

    @property
    def _has_bad_message_id(self) -> bool:
        value = self.body.get("client_message_id", "absent")
        return not (isinstance(value, str) and _MESSAGE_ID.fullmatch(value))

    @property
    def data(self) -> dict[str, Any] | None:
        """`data` as an object; None when it is something else. Null counts as absent."""
        value = self.body.get("data")
        if value is None:
            return {}
        return value if isinstance(value, dict) else None

    @property
    def mode(self) -> str | None:
        """The first valid mode of the frame."""
        places = (self.body.get("whiteboard_mode"), (self.data or {}).get("whiteboard_mode"))
        return next((mode for mode in places if isinstance(mode, str) and mode in MODES), None)


NOT_A_FRAME = Frame(None, {})


def read_frame(text: str | None) -> Frame:
    """Binary messages come as None."""
    if text is None:
        return NOT_A_FRAME
    try:
        value = parse(text)
    except InvalidJson:
        return NOT_A_FRAME
    if not isinstance(value, dict) or not isinstance(value.get("type"), str) or not value["type"]:
        return NOT_A_FRAME
    return Frame(value["type"], value)
