from random import Random

import pytest

from tests.generators import for_all
from tutoring.layout.allocator import Allocator, BadAnchor, cells_of, is_larger_than_board
from tutoring.layout.zones import option_row, option_tops, resolve_zone


def sizes(random: Random) -> list[tuple[int, int]]:
    """Most of a few cells, so that many fit; some larger than the board."""
    longest = random.choice([(300, 300), (1000, 1800)])
    return [(random.randint(1, longest[0]), random.randint(1, longest[1])) for _ in range(random.randint(0, 30))]


def allocator(regions: list[dict[str, object]] | None = None) -> Allocator:
    return Allocator(regions if regions is not None else [], lambda n: f"r{n}")


@for_all(sizes)
def test_regions_never_overlap_and_stay_on_the_board(wanted: list[tuple[int, int]]) -> None:
    regions: list[dict[str, object]] = []
    space = allocator(regions)
    taken: set[tuple[int, int]] = set()
    for width, height in wanted:
        region = space.reserve(width, height)
        if region is None:
            continue
        cells = {
            (region["x"] // 220 + dx, region["y"] // 140 + dy)
            for dx in range(region["width"] // 220)
            for dy in range(region["height"] // 140)
        }
        assert not cells & taken
        assert all(0 <= column < 4 and 0 <= row < 12 for column, row in cells)
        assert region["width"] >= width and region["height"] >= height
        taken |= cells
    assert len({region["regionId"] for region in regions}) == len(regions)


def test_flow_takes_the_first_free_block_in_reading_order() -> None:
    space = allocator()
    places = [space.reserve(*size) for size in ((220, 140), (440, 280), (220, 140), (221, 1))]
    assert [(place["x"], place["y"]) for place in places if place] == [(0, 0), (220, 0), (660, 0), (0, 280)]


def test_release_frees_cells_and_a_full_board_has_none() -> None:
    space = allocator()
    whole = space.reserve(880, 1680)
    assert whole is not None and space.reserve(1, 1) is None
    space.release(whole["regionId"])
    assert space.reserve(1, 1) is not None


def test_anchors_look_right_of_or_below_the_box() -> None:
    space = allocator()
    box = (10.0, 150.0, 230.0, 150.0)
    right = space.reserve(100, 100, "anchor", box, "right-of", "g")
    assert right is not None and (right["x"], right["y"], right["groupId"]) == (440, 140, "g")
    below = space.reserve(100, 100, "anchor", box, "below")
    assert below is not None and (below["x"], below["y"]) == (0, 420)
    assert space.reserve(880, 100, "anchor", box, "right-of") is None
    with pytest.raises(BadAnchor):
        space.reserve(1, 1, "anchor", None, "below")


def test_sizes_are_whole_cells() -> None:
    assert [cells_of(*size) for size in ((0, 0), (220, 140), (221, 141))] == [(1, 1), (1, 1), (2, 2)]
    assert is_larger_than_board(881, 1) and is_larger_than_board(1, 1681) and not is_larger_than_board(880, 1680)


def test_zones_are_known_by_template_and_name() -> None:
    zone = resolve_zone("default_board", "options_area")
    assert zone == {"xPct": 0.05, "yPct": 0.3, "widthPct": 0.9, "heightPct": 0.4}
    assert resolve_zone("default_board", "left_column") is None
    assert resolve_zone(None, "options_area") is None
    assert option_tops(zone, 4) == pytest.approx([0.42, 0.49, 0.56, 0.63])
    assert option_row(zone, 4) == pytest.approx(0.06)
    assert option_row(zone, 8) == pytest.approx(0.035)
