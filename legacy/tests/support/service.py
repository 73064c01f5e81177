"""The service as a real process on a real port."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jwt
from websockets.sync.client import ClientConnection, connect

from .call import Reply, call

ROOT = Path(__file__).resolve().parents[2]
SECRET = "a secret of the tests, 32 bytes or more"
SERVICE_TOKEN = "service-token-of-the-tests"
_START_S = 20.0


def eventually(check: Callable[[], bool], seconds: float = 5.0) -> None:
    """Polls a condition until a deadline."""
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, "the condition did not become true in time"
        time.sleep(0.01)


def access_token(user: str, **claims: Any) -> str:
    now = int(time.time())
    payload = {"sub": user, "email": f"{user}@example.test", "iat": now, "exp": now + 600, "type": "access"}
    raw = json.dumps({**payload, "jti": f"jti-{user}", **claims}).encode()
    return jwt.api_jws.encode(raw, SECRET, "HS256")


def environment(data_dir: Path, **extra: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PORT": "0",
        "DATA_DIR": str(data_dir),
        "JWT_SECRET_KEY": SECRET,
        "SERVICE_TOKEN": SERVICE_TOKEN,
        "ALLOW_FAULT_HEADERS": "1",
        "MODEL_RETRY_PAUSE_MS": "5",
        "MODEL_TIMEOUT_MS": "5000",
        **extra,
    }


class Service:
    def __init__(self, data_dir: Path, **extra: str) -> None:
        command = [sys.executable, "-m", "tutoring"]
        env = environment(data_dir, **extra)
        self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines: list[str] = []
        self._listening = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._listening.wait(_START_S), "the service did not start"
        self.port = int(json.loads(self.lines[0])["port"])
        self.url = f"http://127.0.0.1:{self.port}"

    def _read(self) -> None:
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            self.lines.append(raw.decode())
            self._listening.set()

    def call(self, method: str, path: str, user: str | None = None, **options: Any) -> Reply:
        headers = dict(options.pop("headers", {}))
        if user is not None:
            headers.setdefault("Authorization", f"Bearer {access_token(user)}")
        return call(self.port, method, path, headers, **options)

    def session(self, user: str) -> str:
        return str(self.call("POST", "/api/v1/sessions", user).json()["session_id"])

    def open(self, path: str, user: str, headers: dict[str, str] | None = None) -> ClientConnection:
        sent = {"Authorization": f"Bearer {access_token(user)}", **(headers or {})}
        address = f"ws://127.0.0.1:{self.port}{path}"
        return connect(address, additional_headers=sent, compression=None, max_size=None, legacy=True)

    def tutor(self, user: str, session: str, query: str = "", **options: Any) -> "Tutor":
        return Tutor(self.open(f"/api/v1/ws/session/{session}{query}", user, **options))

    def board(self, user: str, session: str, **options: Any) -> ClientConnection:
        return self.open(f"/ws/v2/session/{session}/whiteboard", user, **options)

    def stop(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(20)
        self._reader.join(5)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        return code


class Tutor:
    """A tutor socket; the opening frame is already read."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.opening = self.next()

    def next(self, timeout: float = 8.0) -> dict[str, Any]:
        frame: dict[str, Any] = json.loads(self.socket.recv(timeout))
        return frame

    def send(self, frame: dict[str, Any]) -> None:
        self.socket.send(json.dumps(frame))

    def ask(self, frame: dict[str, Any]) -> dict[str, Any]:
        self.send(frame)
        return self.next()

    def say(self, text: str, **more: Any) -> dict[str, Any]:
        return self.ask({"type": "user_message", "data": {"text": text}, **more})

    def until_envelope(self) -> list[dict[str, Any]]:
        frames = [self.next()]
        while "content_type" not in frames[-1]:
            frames.append(self.next())
        return frames
