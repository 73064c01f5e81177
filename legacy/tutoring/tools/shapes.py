"""The parts drawing tools are made of (contract services.md §10)."""

from typing import Any

from .args import Args
from .turn import Action, Turn, Visible, board_message

Spec = dict[str, Any]
_BLACK, _WHITE = "#000000", "#FFFFFF"


class Sheet:
    """Objects of one drawing in order, each with id and metadata."""

    def __init__(self, tool: str, turn: Turn, args: Args, width: float, height: float) -> None:
        self._tool = tool
        self._turn = turn
        self.group_id = turn.group(args)
        self._given = self._origin(args)
        self._size = (width, height)
        self._objects: list[Spec] = []
        self._before: list[Action] = []
        self.x: float = 0
        self.y: float = 0

    @staticmethod
    def _origin(args: Args) -> tuple[float, float] | None:
        """Both numbers, else an allocator region is used; other values of `x` and `y` do not count."""
        x, y = args.raw("x"), args.raw("y")
        given = [value for value in (x, y) if isinstance(value, int | float) and not isinstance(value, bool)]
        return (given[0], given[1]) if len(given) == 2 else None

    def open(self) -> None:
        """Takes the origin; to be called in the tool's effect, for it may reserve a region."""
        self.x, self.y = self._given or self._turn.place(*self._size, self.group_id, self._before)

    def add(self, kind: str, role: str, x: float, y: float, look: Spec, meta: Spec | None = None) -> None:
        entry_id = f"{self._tool}-{self._turn.drawing_id()}-{len(self._objects)}"
        metadata = {"source": "assistant", "role": role, "groupId": self.group_id, **(meta or {})}
        self._objects.append({"id": entry_id, "kind": kind, "x": x, "y": y, **look, "metadata": metadata})

    def text(self, role: str, x: float, y: float, text: str) -> None:
        self.add("text", role, x, y, {"text": text, "fontSize": 14, "fill": _BLACK})

    def line(self, role: str, x1: float, y1: float, x2: float, y2: float) -> None:
        self.add("line", role, x1, y1, {"points": [x1, y1, x2, y2], "stroke": _BLACK, "strokeWidth": 2})

    def rect(self, role: str, x: float, y: float, width: float, height: float) -> None:
        look = {"width": width, "height": height, "fill": _WHITE, "stroke": _BLACK, "strokeWidth": 1}
        self.add("rect", role, x, y, look)

    def done(self) -> Visible:
        return board_message([*self._before, {"type": "ADD_OBJECTS", "objects": self._objects}])
