"""Free space of the board: 4 × 12 cells of 220 × 140 (contract services.md §11)."""

import math
from collections.abc import Callable
from typing import Any

COLUMNS, ROWS = 4, 12
CELL_WIDTH, CELL_HEIGHT = 220, 140
BOARD_WIDTH, BOARD_HEIGHT = COLUMNS * CELL_WIDTH, ROWS * CELL_HEIGHT

Region = dict[str, Any]
Cell = tuple[int, int]


class BadAnchor(ValueError):
    """The anchor strategy without a box or a placement."""


class Allocator:
    """Works on the session's own list of regions, which is stored with the context."""

    def __init__(self, regions: list[Region], mint_id: Callable[[int], str]) -> None:
        self._regions = regions
        self._mint_id = mint_id
        self._minted = 0

    def reserve(
        self,
        width: float,
        height: float,
        strategy: str = "flow",
        anchor_bbox: tuple[float, float, float, float] | None = None,
        placement: str | None = None,
        group_id: str | None = None,
    ) -> Region | None:
        """Whole cells that hold the size, or None when there are none free (or ever)."""
        columns, rows = cells_of(width, height)
        if columns > COLUMNS or rows > ROWS:
            return None
        taken = self._taken()
        for column, row in self._candidates(strategy, anchor_bbox, placement):
            block = _block(column, row, columns, rows)
            if column + columns <= COLUMNS and row + rows <= ROWS and column >= 0 and row >= 0 and not taken & block:
                return self._add(column, row, columns, rows, group_id)
        return None

    def release(self, region_id: str) -> None:
        self._regions[:] = [region for region in self._regions if region["regionId"] != region_id]

    def release_all(self) -> None:
        self._regions.clear()

    def _candidates(
        self, strategy: str, box: tuple[float, float, float, float] | None, placement: str | None
    ) -> list[Cell]:
        if strategy == "flow":
            return [(column, row) for row in range(ROWS) for column in range(COLUMNS)]
        if box is None or placement not in ("right-of", "below"):
            raise BadAnchor("anchor needs a box and a placement")
        x, y, width, height = box
        left, top = math.floor(x / CELL_WIDTH), math.floor(y / CELL_HEIGHT)
        columns, rows = cells_of(width, height)
        if placement == "right-of":
            return [(left + columns, top + row) for row in range(rows)]
        return [(left + column, top + rows) for column in range(columns)]

    def _taken(self) -> set[Cell]:
        taken: set[Cell] = set()
        for region in self._regions:
            columns, rows = cells_of(region["width"], region["height"])
            taken |= _block(int(region["x"] // CELL_WIDTH), int(region["y"] // CELL_HEIGHT), columns, rows)
        return taken

    def _add(self, column: int, row: int, columns: int, rows: int, group_id: str | None) -> Region:
        region = {
            "regionId": self._mint_id(self._minted),
            "x": column * CELL_WIDTH,
            "y": row * CELL_HEIGHT,
            "width": columns * CELL_WIDTH,
            "height": rows * CELL_HEIGHT,
            "groupId": group_id,
        }
        self._minted += 1
        self._regions.append(region)
        return region


def cells_of(width: float, height: float) -> tuple[int, int]:
    return max(1, math.ceil(width / CELL_WIDTH)), max(1, math.ceil(height / CELL_HEIGHT))


def is_larger_than_board(width: float, height: float) -> bool:
    columns, rows = cells_of(width, height)
    return columns > COLUMNS or rows > ROWS


def _block(column: int, row: int, columns: int, rows: int) -> set[Cell]:
    return {(column + dx, row + dy) for dx in range(columns) for dy in range(rows)}
