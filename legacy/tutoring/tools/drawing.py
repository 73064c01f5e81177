"""Shapes, text, formulas, axes, planes and timelines (contract services.md §10)."""

from typing import Any

from ..jsonwire import es_number
from ..rounding import r4
from .args import Args, bad_args
from .shapes import Sheet
from .turn import Prepared, Turn, Visible

_BLUE = "#1976D2"
_RANGE = [-10, 10]


def draw_shape(args: Args, turn: Turn) -> Prepared:
    shape = args.choice("shape", ("rect", "circle", "line", "polygon"))
    width, height = args.number("width", 120), args.number("height", 80)
    colours = {"fill": args.text("fill", "#FFFFFF"), "stroke": args.text("stroke", "#000000")}
    points = args.pairs("points", 3, 10_000) if shape == "polygon" else []
    label = args.optional_text("label")
    sheet = Sheet("draw_shape", turn, args, width, height)

    async def run() -> Visible:
        sheet.open()
        x, y = sheet.x, sheet.y
        looks: dict[str, dict[str, Any]] = {
            "rect": {"width": width, "height": height, **colours, "strokeWidth": 1},
            "circle": {"radius": min(width, height) / 2, **colours},
            "line": {"points": [x, y, x + width, y + height], **colours, "strokeWidth": 2},
            "polygon": {"points": points, **colours},
        }
        sheet.add(shape, "shape", x, y, looks[shape])
        if label is not None:
            sheet.text("label", x + 8, y + 8, label)
        return sheet.done()

    return run


def draw_text(args: Args, turn: Turn) -> Prepared:
    text, size = args.text("text", shortest=1, longest=2000), args.number("fontSize", 18)
    width, fill = args.number("width", 400), args.text("fill", "#000000")
    sheet = Sheet("draw_text", turn, args, width, 60)

    async def run() -> Visible:
        sheet.open()
        look = {"text": text, "fontSize": size, "fill": fill}
        sheet.add("text", "text", sheet.x, sheet.y, look)
        return sheet.done()

    return run


def draw_latex(args: Args, turn: Turn) -> Prepared:
    latex = args.text("latex", longest=2000)
    width, height = args.number("width", 300), args.number("height", 80)
    sheet = Sheet("draw_latex", turn, args, width, height)

    async def run() -> Visible:
        sheet.open()
        look = {"width": width, "height": height}
        sheet.add("latex_svg", "latex", sheet.x, sheet.y, look, {"latex": latex})
        return sheet.done()

    return run


def draw_coordinate_plane(args: Args, turn: Turn) -> Prepared:
    width, height = args.number("width", 400), args.number("height", 300)
    (x_min, x_max), (y_min, y_max) = args.numbers("x_range", 2, _RANGE), args.numbers("y_range", 2, _RANGE)
    points = args.pairs("points", 0, 100, [])
    if not (x_min < x_max and y_min < y_max):
        raise bad_args("an empty range")
    sheet = Sheet("draw_coordinate_plane", turn, args, width, height)

    def px(value: float) -> float:
        return sheet.x + r4((value - x_min) / (x_max - x_min) * width)

    def py(value: float) -> float:
        return sheet.y + r4((y_max - value) / (y_max - y_min) * height)

    async def run() -> Visible:
        sheet.open()
        x, y = sheet.x, sheet.y
        x0, y0 = px(min(max(0, x_min), x_max)), py(min(max(0, y_min), y_max))
        sheet.line("axis", x, y0, x + width, y0)
        sheet.line("axis", x0, y, x0, y + height)
        sheet.text("axis_label", x, y0 + 4, es_number(x_min))
        sheet.text("axis_label", x + width, y0 + 4, es_number(x_max))
        sheet.text("axis_label", x0 + 4, y + height, es_number(y_min))
        sheet.text("axis_label", x0 + 4, y, es_number(y_max))
        for a, b in points:
            sheet.add("circle", "point", px(a), py(b), {"radius": 4, "fill": _BLUE})
        return sheet.done()

    return run


def draw_axis_actions(args: Args, turn: Turn) -> Prepared:
    is_x = args.choice("axis", ("x", "y"), "x") == "x"
    length, ticks = args.number("length", 400, 50, 2000), args.integer("ticks", 10, 1, 50)
    sheet = Sheet("draw_axis_actions", turn, args, length if is_x else 40, 40 if is_x else length)

    def at(along: float, across: float) -> tuple[float, float]:
        """Along and across the axis as x and y; the y axis is the x axis with both exchanged."""
        return (sheet.x + along, sheet.y + across) if is_x else (sheet.x + across, sheet.y + along)

    async def run() -> Visible:
        sheet.open()
        sheet.line("axis", *at(0, 20), *at(length, 20))
        for index in range(ticks + 1):
            offset = r4(index * length / ticks)
            sheet.line("tick", *at(offset, 16), *at(offset, 24))
            sheet.text("tick_label", *at(offset, 28), str(index))
        return sheet.done()

    return run


def draw_timeline(args: Args, turn: Turn) -> Prepared:
    events = args.objects("events", 1, 20)
    for event in events:
        if not isinstance(event.get("label"), str) or not isinstance(event.get("date", ""), str):
            raise bad_args("an event needs a label and may have a date, both texts")
    width = args.number("width", 700)
    sheet = Sheet("draw_timeline", turn, args, width, 120)

    async def run() -> Visible:
        sheet.open()
        x, y = sheet.x, sheet.y
        sheet.line("axis", x, y + 60, x + width, y + 60)
        for index, event in enumerate(events):
            middle = x + r4((index + 0.5) * width / len(events))
            sheet.add("circle", "event", middle, y + 60, {"radius": 6, "fill": _BLUE})
            sheet.text("event_label", middle, y + 75, event["label"])
            if "date" in event:
                sheet.text("event_date", middle, y + 30, event["date"])
        return sheet.done()

    return run
