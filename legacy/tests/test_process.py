"""Starting, stopping, restarting the process (contract README §5)."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from tests.support.model import ModelServer, Scripted, tool
from tests.support.service import ROOT, Service, environment, eventually
from tests.test_whiteboard_socket import MINE, Board
from tutoring import server
from tutoring.config import ConfigurationError, Settings, read_settings
from tutoring.faults.parse import Item
from tutoring.logs import Log, Value
from tutoring.runtime import Runtime, create_runtime


def run(data_dir: Path, **extra: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "tutoring"]
    env = environment(data_dir, **extra)
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=20, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("extra", "exit_code", "words"),
    [
        ({"FAULTS": "no-such-fault"}, 2, "no-such-fault"),
        ({"FAULTS": "wrong-status:2"}, 2, "rate"),
        ({"JWT_SECRET_KEY": "short"}, 3, "JWT_SECRET_KEY"),
        ({"PORT": "seven"}, 3, "PORT"),
    ],
)
def test_a_wrong_environment_is_one_sentence(tmp_path: Path, extra: dict[str, str], exit_code: int, words: str) -> None:
    code, said = run(tmp_path, **extra)
    assert code == exit_code and words in said and said.count("\n") == 1 and "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_port_in_use_is_exit_4(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, said = run(tmp_path, PORT=str(taken.getsockname()[1]))
    assert code == 4 and "cannot listen" in said


def test_every_problem_of_the_environment_is_named_at_once() -> None:
    with pytest.raises(ConfigurationError) as wrong:
        read_settings({"PORT": "x", "SHADOW_INSTANCE": "yes", "OPENAI_BASE_URL": "here", "DATABASE_URL": "mysql://x"})
    for name in ("PORT", "SHADOW_INSTANCE", "OPENAI_BASE_URL", "DATABASE_URL", "JWT_SECRET_KEY"):
        assert name in str(wrong.value)


def test_a_stop_finishes_the_running_turn_and_closes_1012(tmp_path: Path, model: ModelServer, user: str) -> None:
    service = Service(tmp_path, OPENAI_BASE_URL=model.url)
    session = service.session(user)
    tutor, board = service.tutor(user, session), Board(service.board(user, session))
    board.put("a", MINE)
    model.script(Scripted(tool("explain", text="last words").pieces, delay_s=0.5))
    tutor.send({"type": "user_message", "data": {"text": "go"}})
    tutor.send({"type": "user_message", "data": {"text": "too late"}})
    eventually(lambda: len(model.calls) == 1)
    service.process.send_signal(signal.SIGTERM)
    assert tutor.next()["data"]["explanation_text"] == "last words"
    for client in (tutor.socket, board.socket):
        with pytest.raises(ConnectionClosed) as end:
            client.recv(5)
        assert end.value.rcvd is not None and end.value.rcvd.code == 1012
    assert service.stop() == 0
    again = Service(tmp_path, OPENAI_BASE_URL=model.url)
    try:
        history = again.tutor(user, session).opening["chat_history"]
        assert [row["text"] for row in history] == ["go", "last words"]
        assert Board(again.board(user, session)).objects.to_py() == {"a": MINE}
    finally:
        assert again.stop() == 0


def test_a_crash_after_the_store_loses_and_doubles_nothing(tmp_path: Path, model: ModelServer, user: str) -> None:
    service = Service(tmp_path, OPENAI_BASE_URL=model.url)
    session = service.session(user)
    key = {"Idempotency-Key": "k"}
    folder = service.call("POST", "/api/v1/folders", user, json={"name": "f"}, headers=key).json()
    tutor = service.tutor(user, session, headers={"x-fault": "crash-mid-turn"})
    tutor.send({"type": "user_message", "data": {"text": "go"}, "client_message_id": "m"})
    assert service.process.wait(10) == 137
    service.stop()
    again = Service(tmp_path, OPENAI_BASE_URL=model.url)
    try:
        reply = again.tutor(user, session).say("go", client_message_id="m")
        assert reply["data"]["explanation_text"] == "About: go" and len(model.calls) == 1
        repeated = again.call("POST", "/api/v1/folders", user, json={"name": "f"}, headers=key)
        assert (repeated.json(), repeated.headers["Idempotency-Replayed"]) == (folder, "true")
    finally:
        assert again.stop() == 0


def test_a_shadow_instance_takes_mirrored_calls_only(tmp_path: Path, user: str) -> None:
    service = Service(tmp_path, SHADOW_INSTANCE="1")
    try:
        assert service.call("GET", "/api/v1/folders", user).status_code == 421
        mirrored = {"X-Shadow": "1"}
        body = {"name": "f"}
        assert service.call("POST", "/api/v1/folders", user, json=body, headers=mirrored).status_code == 201
        assert service.call("GET", "/readyz").status_code == 200
    finally:
        assert service.stop() == 0


def test_a_stop_at_the_moment_it_listens_is_an_orderly_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    caught: list[bool] = []

    class StoppedAtOnce(Log):
        def info(self, msg: str, **fields: Value) -> None:
            caught.append(msg == "listening" and signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL)
            if caught[-1]:
                os.kill(os.getpid(), signal.SIGTERM)

    async def create(settings: Settings, faults: tuple[Item, ...]) -> Runtime:
        runtime = await create_runtime(settings, faults)
        runtime.log = StoppedAtOnce()
        return runtime

    monkeypatch.setattr(server, "create_runtime", create)
    settings = read_settings(environment(tmp_path))
    asyncio.run(asyncio.wait_for(server.serve(settings, (), server.bind("127.0.0.1", 0)), 5))
    assert caught == [True]


def test_the_data_folder_is_the_arms_own(tmp_path: Path) -> None:
    service = Service(tmp_path)
    assert service.stop() == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["legacy"]
    assert os.access(tmp_path / "legacy" / "tutoring.sqlite", os.R_OK)
