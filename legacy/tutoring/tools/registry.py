"""The tools served today. The other names of the prompt are not yet served and count as unknown."""

from . import board_reads, drawing, feedback, graphs, objects, question, talk
from .turn import Tool

TOOLS: dict[str, Tool] = {
    "ask_question": question.ask_question,
    "explain": talk.explain,
    "draw": objects.draw,
    "end_session": talk.end_session,
    "add_objects_to_board": objects.add_objects_to_board,
    "clear_board": objects.clear_board,
    "clear_whiteboard": objects.clear_whiteboard,
    "delete_group": objects.delete_group,
    "delete_object_on_board": objects.delete_object_on_board,
    "draw_axis_actions": drawing.draw_axis_actions,
    "draw_coordinate_plane": drawing.draw_coordinate_plane,
    "draw_diagram_actions": graphs.draw_diagram_actions,
    "draw_flowchart_actions": graphs.draw_flowchart_actions,
    "draw_graph": graphs.draw_graph,
    "draw_latex": drawing.draw_latex,
    "draw_mcq_actions": question.ask_question,
    "draw_mcq_feedback": feedback.evaluate_quiz,
    "evaluate_quiz": feedback.evaluate_quiz,
    "draw_shape": drawing.draw_shape,
    "draw_table_actions": graphs.draw_table_actions,
    "draw_text": drawing.draw_text,
    "draw_timeline": drawing.draw_timeline,
    "find_object_on_board": board_reads.find_object_on_board,
    "get_board_state": board_reads.get_board_state,
    "get_board_summary": board_reads.get_board_summary,
    "group_objects": objects.group_objects,
    "highlight_object": objects.highlight_object,
    "highlight_object_on_board": objects.highlight_object,
    "move_group": objects.move_group,
    "show_pointer_at": objects.show_pointer_at,
    "update_object_on_board": objects.update_object_on_board,
}

SILENT_TOOLS = frozenset({"find_object_on_board", "get_board_state", "get_board_summary"})
