"""Tools alone: what they emit and what they refuse (contract services.md §§3, 4, 10)."""

import asyncio
from random import Random
from typing import Any

import pytest

from tests.generators import entries, for_all
from tests.test_session import QUESTION
from tutoring.board.content import BoardContent
from tutoring.ids import did8
from tutoring.model.failures import UnusableReply
from tutoring.session.context import fresh_context
from tutoring.tools.args import Args
from tutoring.tools.names import TOOL_NAMES
from tutoring.tools.registry import SILENT_TOOLS, TOOLS
from tutoring.tools.turn import Silent, Turn, Visible

BOARD = BoardContent(
    {
        "a": {"kind": "rect", "x": 0, "y": 0, "width": 10, "height": 10, "metadata": {"concept": "osmosis", "n": 1.0}},
        "b": {"kind": "text", "x": 50, "y": 0, "metadata": {"concept": "osmosis"}},
    },
    {},
    has_objects=True,
)


async def _board() -> BoardContent:
    return BOARD


async def _state() -> list[Any]:
    return [{"id": "a"}, {"kind": "rect"}]


def fresh_turn() -> Turn:
    return Turn("s", 2, fresh_context("s", "u", None), _state, _board)


def use(name: str, turn: Turn | None = None, **args: Any) -> Visible | Silent:
    used = turn or fresh_turn()
    return asyncio.run(_run(TOOLS[name](Args(args), used)))


async def _run(prepared: Any) -> Visible | Silent:
    result: Visible | Silent = await prepared()
    return result


def actions(name: str, turn: Turn | None = None, **args: Any) -> list[dict[str, Any]]:
    result = use(name, turn, **args)
    assert isinstance(result, Visible) and result.actions is not None
    return result.actions


def objects(name: str, **args: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = actions(name, x=100, y=200, **args)[-1]["objects"]
    return found


def test_the_served_tools_are_a_part_of_the_names_the_model_is_told() -> None:
    assert set(TOOLS) < set(TOOL_NAMES) and set(TOOLS) > SILENT_TOOLS and len(set(TOOL_NAMES)) == 47


NAMES = (
    "text title objects specs question_data user_answer_index shape points rows steps nodes edges events updates "
    "object_id x y width strategy zone template"
)


def calls(random: Random) -> tuple[str, dict[str, Any]]:
    return random.choice(sorted(TOOLS)), entries(random, NAMES.split(), 6)


@for_all(calls)
def test_no_arguments_break_a_tool(call: tuple[str, dict[str, Any]]) -> None:
    name, given_args = call
    turn = fresh_turn()
    try:
        prepared = TOOLS[name](Args(given_args), turn)
    except UnusableReply as refused:
        assert refused.reason == "bad_args"
        assert turn.context == fresh_turn().context, "a refused call must not have changed anything"
    else:
        asyncio.run(_run(prepared))


def test_added_objects_belong_to_the_assistant_and_one_group() -> None:
    group = did8("draw", "s", 2, 0)
    first, second = actions("draw", objects=[{"kind": "rect", "metadata": {"role": "x"}}, {"id": "mine"}])[0]["objects"]
    assert first["id"] == f"draw-{group}-0" and second["id"] == "mine"
    assert first["metadata"] == {"role": "x", "source": "assistant", "groupId": group}
    result = use("draw", objects=[{}], group_id="g")
    assert isinstance(result, Visible) and result.stored_text == "draw"


def test_a_zone_places_objects_by_percentage() -> None:
    found = actions("draw", objects=[{}, {"width": 5}], template="default_board", zone="side_panel_top")
    free, sized = found[0]["objects"]
    assert (free["xPct"], free["widthPct"], "widthPct" in sized) == (0.75, 0.2, False)
    with pytest.raises(UnusableReply):
        use("add_objects_to_board", specs=[{}], strategy="zone", zone="attic")


def test_flow_places_objects_one_by_one_and_clears_a_full_board_once() -> None:
    turn = fresh_turn()
    whole = {"width": 880, "height": 1680}
    found = actions("add_objects_to_board", turn, specs=[{}, whole, whole, {"x": 1, "y": 2}], strategy="flow")
    assert [action["type"] for action in found] == ["CLEAR_BOARD", "ADD_OBJECTS"]
    assert [(entry["x"], entry["y"]) for entry in found[1]["objects"]] == [(0, 0), (0, 0), (0, 0), (1, 2)]
    assert len(turn.context["layout_regions"]) == 1


def test_what_is_larger_than_the_board_lies_at_its_origin_without_a_region() -> None:
    turn = fresh_turn()
    found = actions("draw_shape", turn, shape="rect", width=881)
    assert (len(found), found[0]["objects"][0]["x"], turn.context["layout_regions"]) == (1, 0, [])


def test_clearing_frees_the_regions_unless_only_visuals_go() -> None:
    rows: list[tuple[str, dict[str, Any], bool]] = [
        ("clear_board", {}, True),
        ("clear_whiteboard", {"scope": "assistant_only"}, True),
        ("clear_whiteboard", {"scope": "visual_only"}, False),
        ("draw_graph", {"graph_id": "g", "nodes": [{"id": "n", "width": 1, "height": 1}]}, True),
    ]
    for name, args, is_free in rows:
        turn = fresh_turn()
        actions("draw_text", turn, text="T")
        actions(name, turn, **args)
        assert (turn.context["layout_regions"] == []) is is_free


def test_a_plane_draws_axes_through_zero_and_its_ends() -> None:
    found = objects("draw_coordinate_plane", x_range=[0, 3], y_range=[-1, 1.5], points=[[1, 1]])
    assert found[0]["points"] == [100, 380, 500, 380] and found[1]["points"] == [100, 200, 100, 500]
    assert [entry["text"] for entry in found[2:6]] == ["0", "3", "-1", "1.5"]
    assert (found[6]["x"], found[6]["y"]) == (233.3333, 260)
    with pytest.raises(UnusableReply):
        use("draw_coordinate_plane", x_range=[1, 1])


def test_the_y_axis_is_the_x_axis_exchanged() -> None:
    along, down = objects("draw_axis_actions", ticks=1), objects("draw_axis_actions", axis="y", ticks=1)
    assert along[0]["points"] == [100, 220, 500, 220] and down[0]["points"] == [120, 200, 120, 600]
    assert [entry["metadata"]["role"] for entry in along] == ["axis", "tick", "tick_label", "tick", "tick_label"]


def test_tables_flowcharts_and_diagrams_have_their_parts() -> None:
    cells = objects("draw_table_actions", rows=[["a", "b"], ["c"]])
    assert [entry.get("text") for entry in cells[1::2]] == ["a", "b", "c", ""]
    steps = objects("draw_flowchart_actions", steps=["a", "b"])
    assert steps[-1]["points"] == [190, 260, 190, 300]
    nodes = [{"id": str(n), "label": "L"} for n in range(5)]
    edges = [{"source": "0", "target": "4"}, {"source": "0", "target": "9"}]
    diagram = objects("draw_diagram_actions", nodes=nodes, edges=edges)
    assert len(diagram) == 11 and diagram[-1]["points"] == [190, 230, 190, 330]


def test_shapes_carry_their_own_keys() -> None:
    assert objects("draw_shape", shape="circle", width=50, height=30)[0]["radius"] == 15
    assert objects("draw_shape", shape="line")[0]["points"] == [100, 200, 220, 280]
    assert objects("draw_latex", latex="x")[0]["metadata"]["latex"] == "x"
    assert [entry["x"] for entry in objects("draw_timeline", events=[{"label": "a"}, {"label": "b", "date": "1"}])] == [
        100, 275, 275, 625, 625, 625
    ]  # fmt: skip


def test_an_update_takes_the_other_way_of_placing_away() -> None:
    found = actions("update_object_on_board", object_id="o", updates={"xPct": 0.5, "height": 3, "y": 1, "yPct": 0})
    assert found[0]["objects"] == [
        {"objectId": "o", "updates": {"xPct": 0.5, "height": 3, "y": 1, "yPct": 0, "x": None, "heightPct": None}}
    ]


def test_reads_of_the_board_go_back_to_the_model() -> None:
    assert use("get_board_state") == Silent([{"id": "a"}])
    assert use("find_object_on_board", meta_query={"n": 1}, fields=["id", "x", "none"]) == Silent(
        {"matches": [{"id": "a", "x": 0}]}
    )
    assert use("find_object_on_board", spatial_query=[50, 0, 1, 1], fields=["id"]) == Silent({"matches": [{"id": "b"}]})
    with pytest.raises(UnusableReply):
        use("find_object_on_board")


def test_a_question_in_a_zone_is_answered_in_its_zone() -> None:
    turn = fresh_turn()
    found = actions("ask_question", turn, question_data=QUESTION, template="default_board", zone="options_area")
    drawn = found[0]["objects"]
    assert (drawn[0]["xPct"], drawn[0]["heightPct"], drawn[1]["xPct"], drawn[1]["yPct"]) == (0.05, 0.1, 0.068, 0.45)
    result = use("evaluate_quiz", turn, user_answer_index=0)
    assert isinstance(result, Visible) and result.actions is not None and result.content_type == "feedback"
    mark, note = result.actions[0]["objects"]
    assert (mark["xPct"], mark["yPct"], mark["text"]) == (0.59, 0.42, "✗")
    assert (note["yPct"], note["widthPct"]) == (0.68, 0.9)
    assert turn.context["current_quiz_question"] is None and turn.concept_changes[0][:2] == ("Sums", "incorrect")
    with pytest.raises(UnusableReply):
        use("evaluate_quiz", turn, user_answer_index=0)


def test_a_blank_explanation_is_three_dots() -> None:
    result = use("explain", text=" \u3000", title="T")
    assert isinstance(result, Visible)
    assert (result.data["explanation_text"], result.data["explanation_title"]) == ("...", "T")
    with pytest.raises(UnusableReply):
        use("explain", text="a", title=None)
