"""Named zones of the board templates (contract services.md §11)."""

Zone = dict[str, float]

_TEMPLATES: dict[str, dict[str, tuple[float, float, float, float]]] = {
    "default_board": {
        "question_area": (0.05, 0.05, 0.9, 0.2),
        "options_area": (0.05, 0.3, 0.9, 0.4),
        "explanation_area": (0.05, 0.75, 0.9, 0.2),
        "side_panel_top": (0.75, 0.05, 0.2, 0.4),
        "side_panel_bottom": (0.75, 0.5, 0.2, 0.45),
        "center_large": (0.2, 0.2, 0.6, 0.6),
        "full_width_top_banner": (0, 0, 1, 0.1),
        "full_width_bottom_banner": (0, 0.9, 1, 0.1),
        "alt_question_spot": (0.05, 0.7, 0.4, 0.25),
    },
    "two_column_equal": {
        "left_column": (0.02, 0.02, 0.47, 0.96),
        "right_column": (0.51, 0.02, 0.47, 0.96),
    },
}


def resolve_zone(template: str | None, zone: str | None) -> Zone | None:
    found = _TEMPLATES.get(template or "", {}).get(zone or "")
    return dict(zip(("xPct", "yPct", "widthPct", "heightPct"), found, strict=True)) if found else None


def option_tops(zone: Zone, count: int) -> list[float]:
    """Unrounded top of every option row of a question in a zone."""
    step = 0.70 * zone["heightPct"] / count
    return [zone["yPct"] + 0.30 * zone["heightPct"] + index * step for index in range(count)]


def option_row(zone: Zone, count: int) -> float:
    return min(0.70 * zone["heightPct"] / count, 0.15 * zone["heightPct"])
