"""One HTTP call, one connection: nothing a test sends or sees passes a pool, a redirect or a cookie jar."""

import contextlib
import json
from dataclasses import dataclass
from email.message import Message
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

_TIMEOUT_S = 10


@dataclass(frozen=True)
class Reply:
    status_code: int
    headers: Message
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode()

    def json(self) -> Any:
        return json.loads(self.content)


class _Unset:
    pass


def call(
    port: int,
    method: str,
    path: str,
    headers: dict[str, str],
    *,
    params: dict[str, Any] | None = None,
    json: Any = _Unset,
    content: str | None = None,
) -> Reply:
    """`json` is a value to encode, `content` a body sent as it is."""
    sent = dict(headers)
    body = None if content is None else content.encode()
    if json is not _Unset:
        body = _encode(json)
        sent.setdefault("Content-Type", "application/json")
    connection = HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
    try:
        # A body that is too long is answered before its end; the answer is still there to be read.
        with contextlib.suppress(BrokenPipeError):
            connection.request(method, path if params is None else f"{path}?{urlencode(params)}", body, sent)
        answer = connection.getresponse()
        return Reply(answer.status, answer.headers, answer.read())
    finally:
        connection.close()


def _encode(value: Any) -> bytes:
    return json.dumps(value).encode()
