"""Silent tools that read the board (contract services.md §3)."""

from typing import Any

from .. import clock
from ..board.content import BoardContent, metadata_of
from ..board.helpers import SpatialIndex, compress_board_objects
from ..board.summary import board_summary
from ..jsonwire import canonical
from .args import Args, bad_args
from .turn import Prepared, Silent, Turn

_DEFAULT_FIELDS = ["id", "kind", "metadata"]


def get_board_state(_args: Args, turn: Turn) -> Prepared:
    async def run() -> Silent:
        return Silent(compress_board_objects(await turn.board_state()))

    return run


def get_board_summary(_args: Args, turn: Turn) -> Prepared:
    async def run() -> Silent:
        return Silent(board_summary(await turn.board_content(), clock.now_ms()))

    return run


def find_object_on_board(args: Args, turn: Turn) -> Prepared:
    meta = args.object("meta_query") if args.has("meta_query") else None
    box = args.numbers("spatial_query", 4) if args.has("spatial_query") else None
    fields = args.texts("fields", 0, 100) if args.has("fields") else _DEFAULT_FIELDS
    if meta is None and box is None:
        raise bad_args("meta_query or spatial_query is needed")

    async def run() -> Silent:
        content = await turn.board_content()
        found = _inside(content, box) if box is not None else set(content.objects)
        keys = sorted(key for key in found if meta is None or _has_all(content.objects[key], meta))
        return Silent({"matches": [_shown(key, content.objects[key], fields) for key in keys]})

    return run


def _inside(content: BoardContent, box: list[int | float]) -> set[str]:
    index = SpatialIndex()
    for key, entry in content.objects.items():
        index.add(key, entry)
    return set(index.query(*box))


def _has_all(entry: dict[str, Any], wanted: dict[str, Any]) -> bool:
    metadata = metadata_of(entry)
    return all(name in metadata and canonical(metadata[name]) == canonical(value) for name, value in wanted.items())


def _shown(key: str, entry: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    known = {**entry, "id": key}
    return {name: known[name] for name in fields if name in known}
