"""The whiteboard socket on the started service (contract whiteboard-socket.md)."""

from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from tests.support.model import ModelServer, tool
from tests.support.service import Service, eventually
from tests.test_boards import Client


class Board(Client):
    """A client with its socket; the first frame is already applied."""

    def __init__(self, socket: ClientConnection) -> None:
        super().__init__()
        self.socket = socket
        self.first = self.receive()

    def receive(self, timeout: float = 5.0) -> bytes:
        update = self.socket.recv(timeout)
        assert isinstance(update, bytes)
        self.apply(update)
        return update

    def put(self, key: str, value: Any) -> bytes:
        update = self.set(key, value)
        self.socket.send(update)
        return update


def end(socket: ClientConnection) -> tuple[int, str]:
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            socket.recv(5)
    received = closed.value.rcvd
    assert received is not None
    return received.code, received.reason


MINE = {"kind": "rect", "metadata": {"source": "user"}}


def test_an_update_reaches_the_others_unchanged_and_is_durable(service: Service, user: str) -> None:
    session = service.session(user)
    one, two = (Board(service.board(user, session)) for _ in range(2))
    assert one.first == two.first == b"\x00\x00"
    update = one.put("a", MINE)
    assert two.receive() == update
    path = f"/api/v1/sessions/{session}/board_summary"
    assert service.call("GET", path, user).json()["counts"]["by_kind"] == {"rect": 1}
    one.socket.close()
    two.socket.close()
    later = Board(service.board(user, session))
    assert later.objects.to_py() == {"a": MINE}


def test_a_claimed_object_is_corrected_on_all_sides(service: Service, user: str) -> None:
    session = service.session(user)
    one, two = (Board(service.board(user, session)) for _ in range(2))
    one.put("a", {"metadata": {"source": "assistant"}})
    one.receive()
    two.receive()
    two.receive()
    wanted = {"a": {"metadata": {"source": "user"}}}
    assert one.objects.to_py() == two.objects.to_py() == wanted


def test_the_tutors_own_objects_keep_their_source(service: Service, model: ModelServer, user: str) -> None:
    session = service.session(user)
    one = Board(service.board(user, session))
    model.script(tool("draw_text", text="T", x=1, y=2))
    drawn = service.tutor(user, session).say("draw")["whiteboard_actions"][0]["objects"][0]
    one.put(drawn["id"], drawn)
    one.put("mine", {"metadata": {}})
    one.receive()
    sources = {key: entry["metadata"]["source"] for key, entry in (one.objects.to_py() or {}).items()}
    assert sources == {drawn["id"]: "assistant", "mine": "user"}


def test_refusals_before_and_after_the_upgrade(service: Service, user: str) -> None:
    session = service.session(user)
    with pytest.raises(InvalidStatus) as refused:
        service.open("/ws/v2/session/nonsense/whiteboard", user)
    assert refused.value.response.status_code == 403
    assert end(service.board(f"{user}-2", session)) == (4403, "Session not owned")
    text = service.board(user, session)
    text.send("hello")
    assert end(text) == (1003, "Binary frames only")


def test_hostile_bytes_are_dropped_and_the_board_goes_on(service: Service, user: str) -> None:
    session = service.session(user)
    one, two = (Board(service.board(user, session)) for _ in range(2))
    for update in (b"", b"\xff\xff\xff\xff\x0f", b"\x80\x80\x80<", b"junk"):
        one.socket.send(update)
    good = one.put("a", MINE)
    assert two.receive() == good
    assert 'ai_tutor_yjs_updates_total{outcome="invalid"}' in service.call("GET", "/metrics").text


def test_a_deleted_session_closes_its_boards(service: Service, user: str) -> None:
    session = service.session(user)
    board = Board(service.board(user, session))
    board.put("a", MINE)
    service.call("DELETE", f"/api/v1/sessions/{session}", user)
    assert end(board.socket) == (1000, "Session deleted")


def test_faults_lose_or_double_updates(service: Service, user: str) -> None:
    session = service.session(user)
    lost = Board(service.board(user, session, headers={"x-fault": "lost-yjs-update"}))
    echo = Board(service.board(user, session, headers={"x-fault": "echo-yjs"}))
    lost.put("a", MINE)
    path = f"/api/v1/sessions/{session}/board_insights"
    eventually(lambda: service.call("GET", path, user).json()["object_count"] == 1)
    update = echo.put("b", MINE)
    assert echo.receive() == update
    assert "a" not in echo.objects
