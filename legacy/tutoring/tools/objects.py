"""Adding, changing and pointing at board objects (contract services.md §3, models.md §7)."""

from collections.abc import Callable
from typing import Any

from ..layout.allocator import CELL_HEIGHT, CELL_WIDTH
from ..layout.zones import Zone, resolve_zone
from .args import Args, bad_args, is_number
from .turn import Action, Prepared, Turn, Visible, board_message, message

ACCENT = "#FF5722"
_STRATEGIES = ("flow", "anchor", "explicit", "zone")
_EDGES_X = ("left", "right", "center_x")
_EDGES_Y = ("top", "bottom", "center_y")
Spec = dict[str, Any]


def _placement(args: Args) -> Spec:
    """The optional keys of ADD_OBJECTS that were given, in the contract's order."""
    readers: dict[str, Callable[[str], Any]] = {
        "strategy": lambda name: args.choice(name, _STRATEGIES),
        "anchor_object_id": args.text,
        "anchor_edge_x": lambda name: args.choice(name, _EDGES_X),
        "object_edge_x": lambda name: args.choice(name, _EDGES_X),
        "anchor_edge_y": lambda name: args.choice(name, _EDGES_Y),
        "object_edge_y": lambda name: args.choice(name, _EDGES_Y),
        "offset_x_pct": args.number,
        "offset_y_pct": args.number,
        "template": args.text,
        "zone": args.text,
    }
    return {name: read(name) for name, read in readers.items() if args.has(name)}


def _owned(tool: str, specs: list[Spec], drawing_id: str, group_id: str, zone: Zone | None) -> list[Spec]:
    """The objects as the assistant's own: id, zone place, metadata."""
    result = []
    for position, spec in enumerate(specs):
        entry = dict(spec)
        if not isinstance(entry.get("id"), str):
            entry = {"id": f"{tool}-{drawing_id}-{position}", **{k: v for k, v in entry.items() if k != "id"}}
        if zone is not None:
            entry |= {"xPct": zone["xPct"], "yPct": zone["yPct"]}
            if "width" not in entry and "height" not in entry:
                entry |= {"widthPct": zone["widthPct"], "heightPct": zone["heightPct"]}
        metadata = entry.pop("metadata", None)
        entry["metadata"] = {
            **(metadata if isinstance(metadata, dict) else {}),
            "source": "assistant",
            "groupId": group_id,
        }
        result.append(entry)
    return result


def draw(args: Args, turn: Turn) -> Prepared:
    specs = args.objects("objects", 1, 200)
    keys = _placement(args)
    group_id = turn.group(args)
    zone = resolve_zone(keys.get("template"), keys.get("zone"))

    async def run() -> Visible:
        objects = _owned("draw", specs, turn.drawing_id(), group_id, zone)
        action = {"type": "ADD_OBJECTS", "objects": objects, **keys}
        return message("I updated the board.", "status_update", [action], stored_text="draw")

    return run


def add_objects_to_board(args: Args, turn: Turn) -> Prepared:
    specs = args.objects("specs", 1, 200)
    keys = {"strategy": "explicit", **_placement(args)}
    group_id = args.text("group_id", turn.drawing_id())
    zone = resolve_zone(keys.get("template"), keys.get("zone"))
    if keys["strategy"] == "anchor" and "anchor_object_id" not in keys:
        raise bad_args("strategy anchor needs anchor_object_id")
    if keys["strategy"] == "zone" and zone is None:
        raise bad_args("strategy zone needs a known template and zone")

    async def run() -> Visible:
        objects = _owned("add_objects_to_board", specs, turn.drawing_id(), group_id, zone)
        actions: list[Action] = []
        if keys["strategy"] == "flow":
            _flow(objects, turn, group_id, actions)
        return board_message([*actions, {"type": "ADD_OBJECTS", "objects": objects, **keys}])

    return run


def _flow(objects: list[Spec], turn: Turn, group_id: str, before: list[Action]) -> None:
    """Objects without a place get one from the allocator, one by one."""
    for entry in objects:
        if is_number(entry.get("x")) and is_number(entry.get("y")):
            continue
        width, height = _size(entry.get("width"), CELL_WIDTH), _size(entry.get("height"), CELL_HEIGHT)
        entry["x"], entry["y"] = turn.place(width, height, group_id, before)


def _size(value: Any, one_cell: float) -> float:
    return value if is_number(value) and value > 0 else one_cell


def clear_board(_args: Args, turn: Turn) -> Prepared:
    async def run() -> Visible:
        turn.allocator.release_all()
        return board_message([{"type": "CLEAR_BOARD"}], "The board is clear.")

    return run


def clear_whiteboard(args: Args, turn: Turn) -> Prepared:
    scope = args.choice("scope", ("all", "assistant_only", "visual_only"), "all")

    async def run() -> Visible:
        if scope != "visual_only":
            turn.allocator.release_all()
        return board_message([{"type": "CLEAR_CANVAS", "scope": scope}], "The board is clear.")

    return run


def _one_action(action: Action) -> Prepared:
    async def run() -> Visible:
        return board_message([action])

    return run


def delete_group(args: Args, _turn: Turn) -> Prepared:
    return _one_action({"type": "DELETE_GROUP", "groupId": args.text("group_id")})


def delete_object_on_board(args: Args, _turn: Turn) -> Prepared:
    return _one_action({"type": "DELETE_OBJECTS", "objectIds": [args.text("object_id")]})


def group_objects(args: Args, _turn: Turn) -> Prepared:
    group_id, ids = args.text("group_id"), args.texts("object_ids", 1, 200)
    return _one_action({"type": "GROUP_OBJECTS", "groupId": group_id, "objectIds": ids})


def move_group(args: Args, _turn: Turn) -> Prepared:
    group_id, dx, dy = args.text("group_id"), args.number("dx"), args.number("dy")
    return _one_action({"type": "MOVE_GROUP", "groupId": group_id, "dx": dx, "dy": dy})


def highlight_object(args: Args, _turn: Turn) -> Prepared:
    return _one_action(
        {
            "type": "HIGHLIGHT_OBJECT",
            "targetObjectId": args.text("object_id"),
            "color": args.text("color", ACCENT),
            "pulse": args.boolean("pulse", True),
        }
    )


def show_pointer_at(args: Args, _turn: Turn) -> Prepared:
    return _one_action(
        {
            "type": "SHOW_POINTER_AT",
            "x": args.number("x"),
            "y": args.number("y"),
            "pointerId": args.text("pointer_id", "assistant"),
            "durationMs": args.integer("duration_ms", 3000, 100, 60_000),
            "color": args.text("color", ACCENT),
        }
    )


_TWINS = (("x", "xPct"), ("y", "yPct"), ("width", "widthPct"), ("height", "heightPct"))


def update_object_on_board(args: Args, _turn: Turn) -> Prepared:
    object_id, updates = args.text("object_id"), dict(args.object("updates"))
    for pixels, percent in _TWINS:
        # One way of placing replaces the other; when both are given, both are meant.
        if percent in updates and pixels not in updates:
            updates[pixels] = None
        elif pixels in updates and percent not in updates:
            updates[percent] = None
    return _one_action({"type": "UPDATE_OBJECTS", "objects": [{"objectId": object_id, "updates": updates}]})
