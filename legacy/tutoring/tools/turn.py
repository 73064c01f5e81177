"""What a tool sees of the turn it runs in, and what it gives back."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from ..board.content import BoardContent
from ..ids import did, did8
from ..layout.allocator import Allocator, is_larger_than_board
from ..session.user_model import update_user_model
from .args import Args

Action = dict[str, Any]
BOARD_TEXT = "I updated the board."


@dataclass(frozen=True)
class Visible:
    """Ends the turn with one envelope."""

    content_type: str
    data: dict[str, Any]
    actions: list[Action] | None
    stored_text: str | None


@dataclass(frozen=True)
class Silent:
    """Goes back to the model."""

    result: Any


Prepared = Callable[[], Awaitable[Visible | Silent]]


@dataclass
class Turn:
    session_id: str
    turn_no: int
    context: dict[str, Any]
    board_state: Callable[[], Awaitable[list[Any]]]
    board_content: Callable[[], Awaitable[BoardContent]]
    step: int = 0
    concept_changes: list[tuple[str, str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.allocator = Allocator(
            self.context["layout_regions"], lambda n: did("region", self.session_id, self.turn_no, n)
        )

    def group(self, args: Args) -> str:
        """`groupId` of everything a tool adds: the argument, else derived from the model step."""
        given = args.raw("group_id")
        return given if isinstance(given, str) else self.drawing_id()

    def drawing_id(self) -> str:
        return did8("draw", self.session_id, self.turn_no, self.step)

    def place(self, width: float, height: float, group_id: str, before: list[Action]) -> tuple[float, float]:
        """Origin of a free region. A full board is cleared first; what never fits goes to 0,0 without a region."""
        if is_larger_than_board(width, height):
            return 0, 0
        region = self.allocator.reserve(width, height, group_id=group_id)
        if region is None:
            if not before:
                before.append({"type": "CLEAR_BOARD"})
            self.allocator.release_all()
            region = self.allocator.reserve(width, height, group_id=group_id)
            assert region is not None, "an empty board holds everything that is not larger than it"
        return region["x"], region["y"]

    def learn(self, topic: str, outcome: str, details: str | None) -> None:
        change = update_user_model(self.context["user_model_state"], topic, outcome, details)
        self.concept_changes.append((topic[:200], outcome, change))


Tool = Callable[[Args, Turn], Prepared]


def message(
    text: str, message_type: str, actions: list[Action] | None = None, stored_text: str | None = None
) -> Visible:
    data = {"message_text": text, "message_type": message_type}
    return Visible("message", data, actions or None, text if stored_text is None else stored_text)


def board_message(actions: list[Action], text: str = BOARD_TEXT) -> Visible:
    return message(text, "status_update", actions)


def explanation(text: str, title: str | None) -> Visible:
    data = {
        "response_type": "explanation",
        "explanation_text": text,
        "explanation_title": title,
        "related_objectives": None,
        "lesson_content": None,
        "whiteboard_actions": None,
    }
    return Visible("explanation", data, None, text)
