"""Tables, flowcharts, diagrams and graphs (contract services.md §§3, 10)."""

import math
from typing import Any

from .args import Args, bad_args, is_number
from .shapes import Sheet
from .turn import Prepared, Turn, Visible, board_message

_NODE_WIDTH, _NODE_HEIGHT = 180, 60


def draw_table_actions(args: Args, turn: Turn) -> Prepared:
    rows = args.items("rows", 1, 20)
    for row in rows:
        if not isinstance(row, list) or len(row) > 10 or not all(isinstance(cell, str) for cell in row):
            raise bad_args("a row is a list of up to 10 texts")
    width, height = args.number("cell_width", 120), args.number("cell_height", 40)
    columns = max(map(len, rows))
    if columns == 0:
        raise bad_args("a table needs a column")
    sheet = Sheet("draw_table_actions", turn, args, columns * width, len(rows) * height)

    async def run() -> Visible:
        sheet.open()
        for row_no, row in enumerate(rows):
            for column in range(columns):
                x, y = sheet.x + column * width, sheet.y + row_no * height
                sheet.rect("cell", x, y, width, height)
                sheet.text("cell_text", x + 6, y + 10, row[column] if column < len(row) else "")
        return sheet.done()

    return run


def draw_flowchart_actions(args: Args, turn: Turn) -> Prepared:
    steps = args.texts("steps", 1, 12)
    sheet = Sheet("draw_flowchart_actions", turn, args, _NODE_WIDTH, len(steps) * 100)

    async def run() -> Visible:
        sheet.open()
        for index, step in enumerate(steps):
            x, y = sheet.x, sheet.y + 100 * index
            sheet.rect("step", x, y, _NODE_WIDTH, _NODE_HEIGHT)
            sheet.text("step_text", x + 10, y + 20, step)
            if index > 0:
                sheet.line("arrow", x + 90, y - 40, x + 90, y)
        return sheet.done()

    return run


def draw_diagram_actions(args: Args, turn: Turn) -> Prepared:
    nodes, edges = args.objects("nodes", 1, 20), args.objects("edges", 0, 60, [])
    _check_texts(nodes, "id", "label")
    _check_texts(edges, "source", "target")
    sheet = Sheet("draw_diagram_actions", turn, args, 840, math.ceil(len(nodes) / 4) * 100)

    async def run() -> Visible:
        sheet.open()
        origins: dict[str, tuple[float, float]] = {}
        for index, node in enumerate(nodes):
            x, y = sheet.x + 220 * (index % 4), sheet.y + 100 * (index // 4)
            origins[node["id"]] = (x, y)
            sheet.rect("node", x, y, _NODE_WIDTH, _NODE_HEIGHT)
            sheet.text("node_label", x + 10, y + 20, node["label"])
        for edge in edges:
            ends = origins.get(edge["source"]), origins.get(edge["target"])
            if ends[0] is not None and ends[1] is not None:
                (x1, y1), (x2, y2) = ends[0], ends[1]
                sheet.line("edge", x1 + 90, y1 + 30, x2 + 90, y2 + 30)
        return sheet.done()

    return run


def _check_texts(entries: list[dict[str, Any]], *names: str) -> None:
    if not all(isinstance(entry.get(name), str) for entry in entries for name in names):
        raise bad_args(f"{' and '.join(names)} must be texts")


def draw_graph(args: Args, turn: Turn) -> Prepared:
    graph_id, layout_type = args.text("graph_id"), args.text("layout_type", "elk")
    nodes, edges = args.objects("nodes", 1, 100), args.objects("edges", 0, 10_000, [])
    _check_graph(nodes, edges)
    places = {name: args.number(name) for name in ("x", "y", "xPct", "yPct") if args.has(name)}
    group_id = turn.group(args)

    async def run() -> Visible:
        turn.allocator.release_all()
        layout = {"nodes": nodes, "edges": edges, "layoutType": layout_type}
        metadata = {"source": "assistant", "groupId": group_id, "id": graph_id, "layoutSpec": layout}
        graph = {
            "id": graph_id,
            "kind": "graph_layout",
            **places,
            "selectable": False,
            "evented": False,
            "hasControls": False,
            "metadata": metadata,
        }
        return board_message([{"type": "CLEAR_BOARD"}, {"type": "ADD_OBJECTS", "objects": [graph]}])

    return run


def _check_graph(nodes: list[dict[str, Any]], edges: list[dict[str, Any]]) -> None:
    _check_texts(nodes, "id")
    _check_texts(edges, "id", "source", "target")
    for node in nodes:
        if not all(is_number(node.get(name)) and node[name] > 0 for name in ("width", "height")):
            raise bad_args("a node needs a width and a height above 0")
    if not all(isinstance(entry.get("label", ""), str) for entry in (*nodes, *edges)):
        raise bad_args("a label is a text")
