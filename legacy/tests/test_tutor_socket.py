"""The tutor socket on the started service (contract tutor-socket.md)."""

import json
from contextlib import suppress
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.support.model import ModelServer, Scripted, tool
from tests.support.service import Service, Tutor, eventually
from tests.test_session import QUESTION
from tutoring.ids import did, did8
from tutoring.tools.names import TOOL_NAMES


def connected(service: Service, user: str, query: str = "") -> tuple[str, Tutor]:
    session = service.session(user)
    return session, service.tutor(user, session, query)


def code(frame: dict[str, Any]) -> str:
    return str(frame["data"]["error_code"])


def rows(service: Service, user: str, session: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service.call("GET", f"/api/v1/sessions/{session}/messages", user).json()
    return found


def closed(tutor: Tutor) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as end:
        while True:
            tutor.next()
    received = end.value.rcvd
    assert received is not None
    return received.code, received.reason


def test_a_turn_is_stored_before_it_is_answered(service: Service, model: ModelServer, user: str) -> None:
    session, tutor = connected(service, user)
    assert tutor.opening == {"type": "SESSION_INIT_STATE", "chat_history": [], "whiteboard_actions_to_replay": []}
    reply = tutor.say("What is osmosis?")
    assert reply["data"]["explanation_text"] == "About: What is osmosis?"
    stored = rows(service, user, session)
    assert [row["turn_no"] for row in stored] == [1, 2] and stored[1]["payload_json"] == reply
    assert model.headers[0]["x-model-call"] == "tutor.executor/1"
    system = model.calls[0]["messages"][0]["content"]
    assert f'"name" is one of: {", ".join(TOOL_NAMES)}\n' in system and len(TOOL_NAMES) == 47
    assert system.endswith(
        'Whiteboard: on\nState: {"action":null,"concepts":{},"focus":null,"goal":null,"pending":false,"topic":null}'
    )


def test_refused_handshakes_are_403_without_body(service: Service, user: str) -> None:
    session = service.session(user)
    for path, caller in (
        (f"/api/v1/ws/session/{session}", f"{user}-2"),
        (f"/ws/v2/session/{session}", user),
        ("/api/v1/ws/session/nonsense", user),
        ("/api/ws", user),
    ):
        with pytest.raises(InvalidStatus) as refused:
            service.open(path, caller)
        assert (refused.value.response.status_code, refused.value.response.body) == (403, b"")
        assert refused.value.response.headers["X-Contract-Version"] == "1.0.0"


def test_a_bad_header_is_not_saved_by_a_good_query_token(service: Service, user: str) -> None:
    session = service.session(user)
    with pytest.raises(InvalidStatus):
        service.open(f"/api/v1/ws/session/{session}?token=x", user, headers={"Authorization": "Basic x"})


@pytest.mark.parametrize(
    ("reason", "reply", "error_code"),
    [
        ("not_json", Scripted(["hello"]), "LLM_FORMAT_ERROR"),
        ("bad_shape", Scripted(['{"name":5,"args":{}}']), "LLM_FORMAT_ERROR"),
        ("unknown_name", tool("reflect"), "UNKNOWN_TOOL"),
        ("bad_args", tool("draw_text", text=""), "TOOL_INPUT_VALIDATION_ERROR"),
        ("bad_args", tool("ask_question"), "MISSING_QUESTION_DATA"),
        ("bad_args", tool("ask_question", question_data={}), "INVALID_QUESTION_DATA"),
    ],
)
def test_three_unusable_replies_end_the_turn(
    service: Service, model: ModelServer, user: str, reason: str, reply: Scripted, error_code: str
) -> None:
    _, tutor = connected(service, user)
    model.script(reply, reply, reply)
    assert code(tutor.say("go")) == error_code
    assert [call["temperature"] for call in model.calls] == [0.7, 0.8, 0.9]
    notes = [call["messages"][-1] for call in model.calls]
    text = f"The last reply was not usable ({reason}). Send one JSON object in the requested form."
    assert notes[1] == notes[2] == {"role": "system", "content": text} != notes[0]


@pytest.mark.parametrize(
    ("answer", "error_code", "attempts"),
    [
        (Scripted(status=500), "LLM_UNAVAILABLE", 3),
        (Scripted(status=404), "LLM_UNAVAILABLE", 1),
        (Scripted(status=424), "LLM_UNAVAILABLE", 1),
        (Scripted(status=429, headers={"Retry-After": "0"}), "LLM_RATE_LIMITED", 3),
        (Scripted(["{}"], is_cut=True), "LLM_UNAVAILABLE", 3),
    ],
)
def test_transport_failures_are_tried_again_where_it_can_help(
    service: Service, model: ModelServer, user: str, answer: Scripted, error_code: str, attempts: int
) -> None:
    session, tutor = connected(service, user)
    model.script(answer, answer, answer)
    assert code(tutor.say("go")) == error_code
    assert len(model.calls) == attempts
    assert [row["role"] for row in rows(service, user, session)] == ["user"]


def test_silent_steps_are_shown_to_the_model_and_limited_to_three(
    service: Service, model: ModelServer, user: str
) -> None:
    _, tutor = connected(service, user)
    model.script(tool("get_board_summary"), tool("explain", text="done"))
    assert tutor.say("look")["data"]["explanation_text"] == "done"
    shown = model.calls[1]["messages"][-2:]
    assert [each["role"] for each in shown] == ["assistant", "system"]
    assert shown[1]["content"].startswith('Tool result get_board_summary: {"concept_clusters":[]')
    model.script(*[tool("get_board_summary")] * 4)
    assert code(tutor.say("again")) == "TOOL_LOOP_LIMIT"


def test_a_board_request_is_answered_by_any_socket_of_the_session(
    service: Service, model: ModelServer, user: str
) -> None:
    session, tutor = connected(service, user)
    other = service.tutor(user, session)
    model.script(tool("get_board_state"), tool("explain", text="seen"))
    request = tutor.say("look")
    assert request == {"type": "REQUEST_BOARD_STATE", "request_id": did("board_request", session, 2, 0)}
    other.send({"type": "BOARD_STATE_RESPONSE", "request_id": request["request_id"], "payload": [{"id": "a"}]})
    assert tutor.next()["data"]["explanation_text"] == "seen"
    assert model.calls[1]["messages"][-1]["content"] == 'Tool result get_board_state: [{"id":"a"}]'


def test_a_question_is_drawn_answered_and_gone(service: Service, model: ModelServer, user: str) -> None:
    session, tutor = connected(service, user)
    model.script(tool("ask_question", question_data=QUESTION))
    asked = tutor.say("ask me")
    qid = did8("question", session, 2)
    assert asked["data"] == {
        "message_text": "A question about Sums is on the board.",
        "message_type": "status_update",
    }
    ids = [entry["id"] for entry in asked["whiteboard_actions"][0]["objects"]]
    assert ids == [f"mcq-{qid}-{part}" for part in ("text", "opt-0-radio", "opt-0-text", "opt-1-radio", "opt-1-text")]
    shown = service.tutor(user, session).next()
    assert (shown["content_type"], shown["data"]["question_id"]) == ("question", qid)
    for data, error_code in (
        ({}, "INVALID_ANSWER_FORMAT"),
        ({"answer_index": True}, "ANSWER_EVAL_INPUT_ERROR"),
        ({"answer_index": 2}, "ANSWER_EVAL_INPUT_ERROR"),
        ({"answer_index": "1.5"}, "ANSWER_EVAL_INPUT_ERROR"),
        ({"answer_index": 1, "question_id": "other"}, "ANSWER_EVAL_INPUT_ERROR"),
    ):
        assert code(tutor.ask({"type": "answer", "data": data})) == error_code
    calls = len(model.calls)
    feedback = tutor.ask({"type": "answer", "data": {"answer_index": "1.0", "question_id": qid}})
    assert feedback["data"]["feedback_items"][0]["is_correct"] is True
    assert feedback["user_model_state"]["concepts"]["Sums"]["alpha"] == 2
    assert len(model.calls) == calls
    assert tutor.ask({"type": "answer", "data": {"answer_index": 1}})["content_type"] == "explanation"


def test_a_finished_id_gets_its_envelope_again(service: Service, model: ModelServer, user: str) -> None:
    session, tutor = connected(service, user)
    first = tutor.say("once", client_message_id="m-1")
    again = service.tutor(user, session).say("something else", client_message_id="m-1")
    assert again == first and len(model.calls) == 1 and len(rows(service, user, session)) == 2


def test_an_error_is_not_remembered_but_its_rows_are_reused(service: Service, model: ModelServer, user: str) -> None:
    session, tutor = connected(service, user)
    model.script(Scripted(status=400))
    assert code(tutor.say("once", client_message_id="m-1")) == "LLM_UNAVAILABLE"
    assert tutor.say("once", client_message_id="m-1")["content_type"] == "explanation"
    assert [row["turn_no"] for row in rows(service, user, session)] == [1, 2]
    log = service.call("GET", f"/api/v1/sessions/{session}/interactions", user).json()["interactions"]
    assert [(row["content"], row["content_type"], row["id"]) for row in log] == [
        ("once", "user_input", did("log", session, 1))
    ]


def test_a_repeat_of_a_running_id_is_answered_on_both_sockets(service: Service, model: ModelServer, user: str) -> None:
    session, tutor = connected(service, user)
    other = service.tutor(user, session)
    model.script(Scripted(tool("explain", text="slow").pieces, delay_s=0.5))
    frame = {"type": "user_message", "data": {"text": "hi"}, "client_message_id": "m"}
    tutor.send(frame)
    eventually(lambda: len(model.calls) == 1)
    other.send(frame)
    assert tutor.next() == other.next()
    assert len(model.calls) == 1


def test_streamed_deltas_add_up_and_a_broken_stream_is_voided(service: Service, model: ModelServer, user: str) -> None:
    session, tutor = connected(service, user, "?stream=1")
    model.script(
        Scripted(['{"name":"explain","args":{"text":"lost ', "words"], is_cut=True),
        Scripted(['{"name":"explain","args":{"text":"kept ', 'words"}}']),
    )
    tutor.send({"type": "user_message", "data": {"text": "go"}})
    frames = tutor.until_envelope()
    assert [frame.get("delta", frame.get("type")) for frame in frames[:-1]] == [
        "lost ", "words", "raw_reset", "kept ", "words"
    ]  # fmt: skip
    assert [frame["seq"] for frame in frames[:-1]] == [0, 1, 2, 3, 4]
    assert frames[-1]["data"]["explanation_text"] == "kept words"
    assert list(frames[-1])[-1] == "turn_id" and frames[-1]["turn_id"] == f"{session}:2"
    assert "turn_id" not in rows(service, user, session)[1]["payload_json"]


def test_a_text_key_that_comes_twice_is_put_right_before_the_envelope(
    service: Service, model: ModelServer, user: str
) -> None:
    _, tutor = connected(service, user, "?stream=1")
    model.script(Scripted(['{"name":"explain","args":{"text":"first","text":"second"}}']))
    tutor.send({"type": "user_message", "data": {"text": "go"}})
    frames = tutor.until_envelope()
    last_reset = [frame.get("type") for frame in frames].index("raw_reset")
    assert "".join(frame["delta"] for frame in frames[last_reset + 1 : -1]) == "second"


def test_ping_is_answered_during_a_turn_and_turns_keep_their_order(
    service: Service, model: ModelServer, user: str
) -> None:
    _, tutor = connected(service, user)
    model.script(Scripted(tool("explain", text="first").pieces, delay_s=0.4))
    for text in ("one", "two"):
        tutor.send({"type": "user_message", "data": {"text": text}})
    assert tutor.ask({"type": "ping"})["type"] == "pong"
    assert [tutor.next()["data"]["explanation_text"] for _ in range(2)] == ["first", "About: two"]


def test_the_thirty_third_waiting_frame_overflows(service: Service, model: ModelServer, user: str) -> None:
    _, tutor = connected(service, user)
    model.script(Scripted(tool("explain", text="slow").pieces, delay_s=1.0))
    tutor.send({"type": "user_message", "data": {"text": "busy"}})
    eventually(lambda: len(model.calls) == 1)
    for _ in range(33):
        tutor.send({})
    assert code(tutor.next()) == "QUEUE_OVERFLOW"
    assert tutor.next()["data"]["explanation_text"] == "slow"
    assert {code(tutor.next()) for _ in range(32)} == {"INVALID_PAYLOAD"}


def test_ending_claims_the_analysis_once_and_closes(service: Service, model: ModelServer, user: str) -> None:
    session, tutor = connected(service, user)
    assert tutor.ask({"type": "end_session"})["data"]["message_text"] == "Session analysis will start now."
    assert closed(tutor) == (1000, "User ended session")
    again = service.tutor(user, session)
    assert again.ask({"type": "end_session"})["data"]["message_text"] == "Session analysis status: processing."


def test_a_deleted_session_closes_its_sockets(service: Service, user: str) -> None:
    session, tutor = connected(service, user)
    service.call("DELETE", f"/api/v1/sessions/{session}", user)
    assert closed(tutor) == (1000, "Session deleted")


def test_a_rest_call_waits_for_the_running_turn(service: Service, model: ModelServer, user: str) -> None:
    session, tutor = connected(service, user)
    model.script(Scripted(tool("explain", text="slow").pieces, delay_s=0.5))
    tutor.send({"type": "user_message", "data": {"text": "busy"}})
    eventually(lambda: len(model.calls) == 1)
    body = {"section": "a", "topic": "b", "summary": "c"}
    assert service.call("POST", f"/api/v1/sessions/{session}/log/summary", user, json=body).status_code == 204
    assert [row["role"] for row in rows(service, user, session)] == ["user", "assistant"]


def test_a_message_of_more_than_16_mib_is_closed_1009(service: Service, user: str) -> None:
    _, tutor = connected(service, user)
    with suppress(ConnectionClosed):  # the close frame may overtake the rest of the message
        tutor.socket.send("x" * (17 * 1024 * 1024))
    assert closed(tutor)[0] == 1009


def test_malformed_frames_are_refused_and_the_socket_stays(service: Service, user: str) -> None:
    _, tutor = connected(service, user)
    for frame in ("{", "[]", '{"type":""}', '{"type":"user_message","data":{"text":NaN}}'):
        tutor.socket.send(frame)
        assert code(tutor.next()) == "INVALID_PAYLOAD"
    tutor.socket.send(b"{}")
    assert code(tutor.next()) == "INVALID_PAYLOAD"
    assert code(tutor.ask({"type": "pace_change", "data": {}})) == "UNKNOWN_MESSAGE_TYPE"
    assert json.loads(json.dumps(tutor.ask({"type": "heartbeat"})))["type"] == "heartbeat_ack"
