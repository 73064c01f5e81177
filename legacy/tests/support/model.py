"""A tiny OpenAI-compatible server on a real socket: answers by script, else explains."""

import json
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Scripted:
    """One answer: a status, or the pieces of a reply; `is_cut` ends the connection after the pieces."""

    pieces: list[str] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    is_cut: bool = False
    delay_s: float = 0.0


def tool(name: str, **args: Any) -> Scripted:
    return Scripted([json.dumps({"name": name, "args": args}, ensure_ascii=False)])


class ModelServer:
    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self._script: deque[Scripted] = deque()
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                model.calls.append(body)
                model.headers.append({name.lower(): value for name, value in self.headers.items()})
                _answer(self, body, model.next(body))

            def log_message(self, format: str, *args: Any) -> None:
                return None

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def script(self, *answers: Scripted) -> None:
        self._script.extend(answers)

    def reset(self) -> None:
        self._script.clear()
        self.calls.clear()
        self.headers.clear()

    def next(self, body: dict[str, Any]) -> Scripted:
        if self._script:
            return self._script.popleft()
        trigger = next(each["content"] for each in reversed(body["messages"]) if each["role"] == "user")
        return tool("explain", text=f"About: {trigger}")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _answer(handler: BaseHTTPRequestHandler, body: dict[str, Any], scripted: Scripted) -> None:
    time.sleep(scripted.delay_s)
    if scripted.status != 200:
        handler.send_response(scripted.status)
        for name, value in {**scripted.headers, "Content-Length": "0"}.items():
            handler.send_header(name, value)
        handler.end_headers()
        return
    handler.send_response(200)
    if body.get("stream"):
        _stream(handler, scripted)
        return
    raw = json.dumps(_completion("".join(scripted.pieces))).encode()
    handler.send_header("Content-Length", str(len(raw)))
    handler.end_headers()
    handler.wfile.write(raw[: len(raw) // 2] if scripted.is_cut else raw)
    handler.close_connection = scripted.is_cut


def _completion(text: str) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": text}}], "usage": {"total_tokens": 7}}


def _stream(handler: BaseHTTPRequestHandler, scripted: Scripted) -> None:
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Connection", "close")
    handler.end_headers()
    for piece in scripted.pieces:
        event = {"choices": [{"delta": {"content": piece}}]}
        handler.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        handler.wfile.flush()
    if not scripted.is_cut:
        handler.wfile.write(b'data: {"choices":[],"usage":{"total_tokens":7}}\n\ndata: [DONE]\n\n')
    handler.close_connection = True
