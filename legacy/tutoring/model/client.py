"""Calls to the OpenAI-compatible HTTP API with the retries of contract services.md §1."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from ..config import Settings
from ..jsonwire import InvalidJson, dump_bytes, parse
from ..logs import Log
from ..metrics import Metrics
from .failures import ModelFailure, ModelRateLimited, ModelTimeout, ModelUnavailable
from .sse import SseLines

ATTEMPTS = 3
RETRY_AFTER_MAX_S = 5.0
_REPLY_BYTES_MAX = 8 * 1024 * 1024
_REPLAY_MISS = 424

Sink = Callable[[str], None]


@dataclass(frozen=True)
class ChatCall:
    """One model call: same values, same canonical request on both arms."""

    kind: str
    phase: str
    messages: list[dict[str, str]]
    temperature: float
    is_json: bool
    request_id: str


class _Retry(Exception):
    """This attempt failed in a way the next may not."""

    def __init__(self, failure: ModelFailure, pause_s: float | None = None) -> None:
        super().__init__(str(failure))
        self.failure = failure
        self.pause_s = pause_s


class ModelClient:
    def __init__(self, settings: Settings, http: aiohttp.ClientSession, metrics: Metrics, log: Log) -> None:
        self._http = http
        self._url = f"{settings.openai_base_url}/chat/completions"
        self._key = settings.openai_api_key
        self._model = settings.openai_model
        self._timeout_s = settings.model_timeout_ms / 1000
        self._pause_s = settings.model_retry_pause_ms / 1000
        self._metrics = metrics
        self._log = log

    async def chat(self, call: ChatCall, sink: Sink | None = None, on_broken: Callable[[], None] | None = None) -> str:
        """The reply text. `sink` gets the pieces of a streamed reply, `on_broken` tells that they are void.

        Raises ModelFailure.
        """
        for attempt in range(1, ATTEMPTS + 1):
            started = time.perf_counter()
            outcome = "ok"
            try:
                async with asyncio.timeout(self._timeout_s):
                    return await self._once(call, sink)
            except TimeoutError as late:
                outcome = "timeout"
                raise ModelTimeout("no complete reply in time") from late
            except _Retry as retry:
                outcome = retry.failure.socket_code
                if on_broken is not None:
                    on_broken()
                if attempt == ATTEMPTS:
                    raise retry.failure from retry
                pause = self._pause_s * attempt if retry.pause_s is None else retry.pause_s
            except ModelFailure as failure:
                outcome = failure.socket_code
                raise
            finally:
                self._metrics.model_requests.labels(call.kind, outcome).inc()
                self._metrics.model_seconds.labels(call.kind).observe(time.perf_counter() - started)
            self._log.warn("model call failed", kind=call.kind, outcome=outcome, requestId=call.request_id)
            await asyncio.sleep(pause)
        raise AssertionError("the loop returns or raises")

    async def _once(self, call: ChatCall, sink: Sink | None) -> str:
        body: dict[str, Any] = {"model": self._model, "messages": call.messages, "temperature": call.temperature}
        if call.is_json:
            body["response_format"] = {"type": "json_object"}
        if sink is not None:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "X-Request-Id": call.request_id,
            "X-Model-Call": call.kind,
        }
        try:
            async with self._http.post(
                self._url, data=dump_bytes(body), headers=headers, allow_redirects=False
            ) as answer:
                _check_status(answer)
                if sink is None:
                    return self._plain(call, await _read(answer))
                return await self._streamed(call, answer.content.iter_any(), sink)
        except aiohttp.ClientError as error:
            raise _Retry(ModelUnavailable(type(error).__name__)) from error

    def _plain(self, call: ChatCall, raw: bytes) -> str:
        try:
            completion = parse(raw)
            content = completion["choices"][0]["message"]["content"]
        except (InvalidJson, KeyError, IndexError, TypeError) as error:
            raise _Retry(ModelUnavailable("not a completion")) from error
        self._count_tokens(call, completion)
        return content if isinstance(content, str) else ""

    async def _streamed(self, call: ChatCall, parts: AsyncIterator[bytes], sink: Sink) -> str:
        lines, size = SseLines(), 0
        pieces: list[str] = []
        async for part in parts:
            for data in lines.feed(part):
                if data == b"[DONE]":
                    return "".join(pieces)
                piece = self._piece(call, data)
                size += len(piece)
                if size > _REPLY_BYTES_MAX:
                    raise ModelUnavailable("the reply is too long")
                if piece:
                    pieces.append(piece)
                    sink(piece)
        raise _Retry(ModelUnavailable("the stream ended early"))

    def _piece(self, call: ChatCall, data: bytes) -> str:
        try:
            event = parse(data)
            self._count_tokens(call, event)
            choices = event["choices"]
            content = choices[0]["delta"].get("content") if choices else None
        except (InvalidJson, KeyError, IndexError, TypeError, AttributeError) as error:
            raise _Retry(ModelUnavailable("not a completion chunk")) from error
        return content if isinstance(content, str) else ""

    def _count_tokens(self, call: ChatCall, completion: Any) -> None:
        usage = completion.get("usage") if isinstance(completion, dict) else None
        total = usage.get("total_tokens") if isinstance(usage, dict) else None
        if isinstance(total, int) and total > 0:
            self._metrics.tokens.labels(self._model, call.phase).inc(total)


async def _read(answer: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    async for part in answer.content.iter_any():
        size += len(part)
        if size > _REPLY_BYTES_MAX:
            raise ModelUnavailable("the reply is too long")
        parts.append(part)
    return b"".join(parts)


def _check_status(answer: aiohttp.ClientResponse) -> None:
    status = answer.status
    if status == 200:
        return
    if status == 429:
        raise _Retry(ModelRateLimited("429"), _retry_after(answer.headers.get("retry-after")))
    if status >= 500:
        raise _Retry(ModelUnavailable(str(status)))
    # 424 is the replay listener's "no recording": like a 500, but asking again cannot help (contract services.md §1).
    raise ModelUnavailable("no recording" if status == _REPLAY_MISS else str(status))


def _retry_after(header: str | None) -> float | None:
    try:
        seconds = float(header) if header else None
    except ValueError:
        return None
    return None if seconds is None or not seconds >= 0 else min(seconds, RETRY_AFTER_MAX_S)
